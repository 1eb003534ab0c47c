/**
 * A file replaced whole: after a crash at any moment it holds the old text or the new, never a part of either.
 * In: a path, the text, the file's mode. It needs room for both at once, and that nobody else writes the same path.
 */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a crash may leave behind beside `path`; worth nothing. */
export function temporaryOf(path: string): string {
  return `${path}.tmp`;
}

/** Rejects with the file system's error; then `path` is as it was. */
export async function writeAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      // Whatever the umask.
      if (mode !== 0o600) await file.chmod(mode);
      // Before the rename: else a crash can leave the new name on blocks that never reached the disk.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // On a full disk the half-written text is what somebody else has no room for.
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** The rename itself reaches the disk. Some file systems refuse to sync a directory; they are no worse off than before. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EPERM') throw error;
  } finally {
    await directory.close();
  }
}
