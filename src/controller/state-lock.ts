/**
 * One process to a state directory. In: the directory. Out: the lock, or who has it. A file `lock` names the owner by pid
 * and start time, so that one left behind by a killed process is told from a live one even where pids repeat (in a container
 * every process is pid 1). A lock of another host cannot be judged and is taken over: the files are replaced whole, so the
 * worst is that the last writer wins. It knows nothing of what the directory holds.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** In the kernel's own units, as text; null where it does not say (not Linux). */
  readonly started: string | null;
}

export type LockResult =
  | { readonly ok: true; readonly release: () => Promise<void> }
  | { readonly ok: false; readonly owner: LockOwner };

/** Longer than the instant between finding a stale lock and replacing it. */
const SETTLE_MS = 100;

/** Rejects with the file system's error when the directory cannot be written. */
export async function lockDirectory(dir: string): Promise<LockResult> {
  const path = join(dir, 'lock');
  const mine: LockOwner = { pid: process.pid, host: hostname(), started: await startOf(process.pid) };
  // The token tells two attempts of one process apart.
  const token = randomUUID();
  const text = `${JSON.stringify({ ...mine, token })}\n`;
  const temporary = join(dir, `lock.${token}`);
  try {
    for (;;) {
      await writeFile(temporary, text);
      // A link fails where the name exists, and what it makes is whole from its first moment.
      if (await linked(temporary, path)) break;
      const found = await textOf(path);
      if (found === null) continue;
      const owner = ownerOf(found);
      if (owner !== null && (await isAlive(owner, mine))) return { ok: false, owner };
      if ((await textOf(path)) === found && (await replaced(temporary, path, text))) break;
    }
  } finally {
    await rm(temporary, { force: true });
  }
  return { ok: true, release: () => release(path, text) };
}

/** Several may replace the same stale lock within the same instant; the last of them has it, and the others see that. */
async function replaced(temporary: string, path: string, text: string): Promise<boolean> {
  await rename(temporary, path);
  await pause(SETTLE_MS);
  return (await textOf(path)) === text;
}

async function release(path: string, text: string): Promise<void> {
  const found = await textOf(path).catch(() => null);
  if (found === text) await rm(path, { force: true }).catch(() => {});
}

async function isAlive(owner: LockOwner, mine: LockOwner): Promise<boolean> {
  if (owner.host !== mine.host) return false;
  if (owner.started !== null && mine.started !== null) return (await startOf(owner.pid)) === owner.started;
  // Without start times an equal pid is a process of an earlier life.
  if (owner.pid === mine.pid) return false;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Boot and start time of a process; null: no such process, or not Linux. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1');
    // The command's name, in parentheses, may hold anything; the start time is the 20th field behind it.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${boot.trim()} ${started}`;
  } catch {
    return null;
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Null: no such file. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Null: garbage, which nobody alive would write. */
function ownerOf(text: string): LockOwner | null {
  try {
    const { pid, host, started } = JSON.parse(text);
    if (!Number.isSafeInteger(pid) || pid < 1 || typeof host !== 'string') return null;
    return { pid, host, started: typeof started === 'string' ? started : null };
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
