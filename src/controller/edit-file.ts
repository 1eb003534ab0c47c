/**
 * One edit of a text file: read, change, replace, as one step that nobody sees half of. In: a path and a function from text to
 * text. The temporary file beside the target is also the lock: two edits through here follow one another, and what
 * another program wrote in between is never overwritten. A symlink stays one; mode and owner stay as they are.
 */
import { type FileHandle, link, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fingerprintOf, readTextFile, UnreadableFile } from './text-file.ts';

/** Of the few milliseconds that an edit takes; a lock older than this is left over from a crash. */
const STALE_LOCK_MS = 10_000;
const LOCK_PAUSE_MS = 20;
const LOCK_PATIENCE_MS = 5_000;
const TRIES = 5;

/** Makes names that no other edit of this process uses. */
let asides = 0;

/** What the edit makes of the text: another text, or a refusal that is handed back as it is. */
export type Edit<R> = (text: string) => EditOutcome<R> | Promise<EditOutcome<R>>;
export type EditOutcome<R> = { readonly text: string; readonly result: R } | { readonly result: R };

export class UnwritableFile extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnwritableFile';
  }
}

/**
 * Applies the edit to what is in the file now, again when another program changed the file meanwhile. Writes nothing where
 * the text stays the same. Throws UnreadableFile or UnwritableFile.
 */
export async function editFile<R>(path: string, edit: Edit<R>): Promise<R> {
  const target = await realTarget(path);
  for (let tries = 1; ; tries++) {
    const file = await readTextFile(target);
    const edited = await edit(file.text);
    if (!('text' in edited) || edited.text === file.text) return edited.result;
    if (await replace(target, file.fingerprint, edited.text)) return edited.result;
    if (tries === TRIES) throw new UnwritableFile('other programs keep changing it');
  }
}

async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    // Reading it says what is wrong.
    return path;
  }
}

/** False: the file is no longer the one that was read, or somebody took our lock for a left-over. */
async function replace(target: string, fingerprint: string, text: string): Promise<boolean> {
  const temporary = join(dirname(target), `.${basename(target)}.update`);
  let handle: FileHandle | null = null;
  let isOurs = false;
  try {
    handle = await openExclusively(temporary);
    isOurs = true;
    const { mode, uid, gid } = await stat(target);
    await handle.writeFile(text);
    // The owner before the mode: a change of owner clears the mode's special bits.
    const written = await handle.stat();
    if (written.uid !== uid || written.gid !== gid) await handle.chown(uid, gid);
    await handle.chmod(mode & 0o7777);
    await handle.sync();
    isOurs = (await stat(temporary).catch(() => null))?.ino === written.ino;
    if (!isOurs || (await fingerprintOf(target)) !== fingerprint) return false;
    await rename(temporary, target);
    isOurs = false;
    await syncDirectory(dirname(target));
    return true;
  } catch (error) {
    throw asUnwritable(error, dirname(target));
  } finally {
    await handle?.close();
    if (isOurs) await unlink(temporary).catch(() => {});
  }
}

async function openExclusively(path: string): Promise<FileHandle> {
  for (let waitedMs = 0; ; waitedMs += LOCK_PAUSE_MS) {
    try {
      return await open(path, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (waitedMs >= LOCK_PATIENCE_MS) throw new UnwritableFile(`another update is under way (${path} exists)`);
    if (!(await removedLeftOver(path))) await pause(LOCK_PAUSE_MS);
  }
}

/** Of several that find the same left-over one removes it; none removes the lock that the first has taken since. */
async function removedLeftOver(path: string): Promise<boolean> {
  const aside = `${path}.${process.pid}.${asides++}`;
  try {
    const { ino, mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs <= STALE_LOCK_MS) return false;
    await rename(path, aside);
    // A lock that is not the one we judged goes back, unless there is yet another by now.
    if ((await stat(aside)).ino !== ino) await link(aside, path);
    return true;
  } catch {
    return false;
  } finally {
    await unlink(aside).catch(() => {});
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
}

function asUnwritable(error: unknown, directory: string): unknown {
  if (error instanceof UnwritableFile || error instanceof UnreadableFile) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    EACCES: `no permission to write in ${directory}`,
    EPERM: 'its owner or mode cannot be kept',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space is left on the device',
    EBUSY: 'it is a mount of its own, which cannot be replaced',
  };
  return code === undefined ? error : new UnwritableFile(reasons[code] ?? message, { cause: error });
}
