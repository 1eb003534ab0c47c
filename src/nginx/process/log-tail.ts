/**
 * What is added to a log from now on. In: its path. Out: the text since the tail was made, over a rotation too. It keeps
 * nothing: each reading gives all of it again, up to a limit.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';

/** Workers whose backends fail may write a MiB a second between the master's own lines. */
const MOST_BYTES = 8 * 1024 * 1024;
const END_BYTES = 16 * 1024;

export class LogTail {
  readonly #path: string;
  readonly #file: FileHandle | null;
  readonly #from: number;
  readonly #inode: number | null;

  private constructor(path: string, file: FileHandle | null, from: number, inode: number | null) {
    this.#path = path;
    this.#file = file;
    this.#from = from;
    this.#inode = inode;
  }

  /** A log that is not there yet will be read from its beginning. */
  static async atEnd(path: string): Promise<LogTail> {
    try {
      const file = await open(path, 'r');
      const { size, ino } = await file.stat();
      return new LogTail(path, file, size, ino);
    } catch {
      return new LogTail(path, null, 0, null);
    }
  }

  async added(): Promise<string> {
    const before = this.#file === null ? '' : await partOf(this.#file, this.#from);
    const now = await stat(this.#path).catch(() => null);
    if (now === null || now.ino === this.#inode) return before;
    try {
      const fresh = await open(this.#path, 'r');
      try {
        return before + (await partOf(fresh, 0));
      } finally {
        await fresh.close();
      }
    } catch {
      return before;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

/** The last part of a log, '' where there is none; its first line may be cut. */
export async function endOf(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    return await partOf(file, Math.max(0, size - END_BYTES));
  } finally {
    await file.close();
  }
}

async function partOf(file: FileHandle, from: number): Promise<string> {
  const { size } = await file.stat();
  const length = Math.min(Math.max(0, size - from), MOST_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  return buffer.toString('utf8', 0, bytesRead);
}
