/**
 * One set-up at a time in one checkout: a file that holds the owner's process and host, touched while the work goes on.
 * A lock whose owner is dead, or has not touched it for half a minute, is taken over.
 */
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const TOUCH_EVERY_MS = 3_000;
const STALE_AFTER_MS = 30_000;

/** Runs `work` while holding the lock `file`; `say` gets a line when it has to wait. */
export async function withLock(file, say, work) {
  mkdirSync(dirname(file), { recursive: true });
  await take(file, say);
  const free = () => rmSync(file, { force: true });
  const ended = (signal) => {
    free();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  const touch = setInterval(() => utimesSync(file, new Date(), new Date()), TOUCH_EVERY_MS);
  process.once('SIGINT', ended).once('SIGTERM', ended);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    process.off('SIGINT', ended).off('SIGTERM', ended);
    free();
  }
}

async function take(file, say) {
  let told = false;
  while (!create(file)) {
    const owner = ownerOf(file);
    if (owner !== null && isStale(file, owner)) {
      say(`taking over from a set-up that has ended (process ${owner.pid})`);
      remove(file, owner.text);
      continue;
    }
    if (!told && owner !== null)
      say(`another set-up is at work (process ${owner.pid} on ${owner.host}): waiting for it`);
    told = true;
    await pause(200);
  }
}

function create(file) {
  try {
    const handle = openSync(file, 'wx');
    writeSync(handle, `${process.pid} ${hostname()} ${Date.now()}`);
    closeSync(handle);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function ownerOf(file) {
  try {
    const text = readFileSync(file, 'utf8');
    const [pid, host] = text.split(' ');
    return { text, pid: Number(pid), host };
  } catch {
    return null;
  }
}

function isStale(file, owner) {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE_AFTER_MS) return true;
    return owner.host === hostname() && owner.pid > 0 && !isAlive(owner.pid);
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// Two that wait may both see the dead owner: whoever finds that it moved a living lock away puts it back.
function remove(file, text) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== text) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
}
