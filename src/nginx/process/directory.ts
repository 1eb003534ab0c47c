/**
 * nginx's directory made and made sure of: ours alone, no link, nobody else's. In: its path, who the workers are. Out: the
 * directory with its folders, or why it cannot be used. Nobody but us may write in it: nginx obeys what stands there.
 */
import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FOLDERS, unfitDirectory } from './layout.ts';

export class DirectoryProblem extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DirectoryProblem';
  }
}

/**
 * `workerUser`: the `user` of the text, null where nginx is not started by root. Workers that are somebody else look at
 * flags and open logs anew by path: they may pass through the directory (0711), not look around in it.
 * Throws DirectoryProblem.
 */
export async function prepareDirectory(directory: string, workerUser: string | null): Promise<void> {
  const unfit = unfitDirectory(directory);
  if (unfit !== null) throw new DirectoryProblem(unfit);
  const othersPass = process.getuid?.() === 0 && workerUser !== null && workerUser !== 'root';
  const mode = othersPass ? 0o711 : 0o700;
  try {
    for (const path of ancestorsOf(directory)) await prepareAncestor(path, mode, othersPass ? workerUser : null);
    await prepareOwn(directory, mode);
    for (const folder of FOLDERS) await prepareOwn(join(directory, folder), folder === 'run' ? 0o700 : mode);
  } catch (error) {
    if (error instanceof DirectoryProblem) throw error;
    const { message } = error as Error;
    throw new DirectoryProblem(
      `nginx's directory ${directory} cannot be made: ${message}; name another with --nginx-dir`,
      error,
    );
  }
}

/** From the top; without the directory itself and the root. */
function ancestorsOf(directory: string): string[] {
  const above: string[] = [];
  for (let path = dirname(directory); path !== '/'; path = dirname(path)) above.unshift(path);
  return above;
}

/** Whoever owns a directory can put another in the place of what stands in it. */
async function prepareAncestor(path: string, mode: number, passing: string | null): Promise<void> {
  if (await made(path, mode)) return;
  const found = await lstat(path);
  refuseForeign(path, found, [0]);
  const target = found.isSymbolicLink() ? await stat(path) : found;
  refuseForeign(path, target, [0]);
  if (!target.isDirectory()) throw new DirectoryProblem(`${path} is no directory; name another with --nginx-dir`);
  if (passing !== null && (target.mode & 0o001) === 0) {
    throw new DirectoryProblem(
      `nginx's workers run as ${passing} and cannot pass ${path}: chmod o+x ${path}, or name another directory with --nginx-dir`,
    );
  }
}

async function prepareOwn(path: string, mode: number): Promise<void> {
  if (await made(path, mode)) return;
  const found = await lstat(path);
  if (found.isSymbolicLink()) {
    throw new DirectoryProblem(`${path} is a symbolic link; nginx's directory has to be a directory of its own`);
  }
  if (!found.isDirectory()) throw new DirectoryProblem(`${path} is no directory; name another with --nginx-dir`);
  refuseForeign(path, found, []);
  if ((found.mode & 0o022) !== 0) {
    throw new DirectoryProblem(
      `${path} may be written by others, who could have put anything there: look at what is in it, then remove it or chmod go-w ${path}`,
    );
  }
  // What we ourselves may do there is left as it is: whoever took it away had a reason, and is told.
  if ((found.mode & 0o077) !== (mode & 0o077)) await chmod(path, (found.mode & 0o700) | (mode & 0o077));
}

function refuseForeign(path: string, found: Stats, others: readonly number[]): void {
  const us = process.getuid?.() ?? 0;
  if (found.uid === us || others.includes(found.uid)) return;
  throw new DirectoryProblem(
    `${path} belongs to user ${found.uid}, not to us (user ${us}); name a directory of our own with --nginx-dir, one that is not there yet is made`,
  );
}

/** False: it is there already. */
async function made(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // On a read-only file system this code may come before EEXIST.
    if (await isThere(path)) return false;
    throw error;
  }
  // The umask may have taken from the mode.
  await chmod(path, mode);
  return true;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
