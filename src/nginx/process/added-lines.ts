/**
 * What is added to a log from now on. In: its path. Out: with each reading the whole lines that are new since the last one,
 * over a rotation too: workers write to the old file until they have opened the new one. Keeps no text.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';

/**
 * Of one reading; the next one goes on there. Workers whose backends fail may write a MiB a second between the master's own
 * lines, and who waits for those reads ten times a second.
 */
const MOST_BYTES = 1024 * 1024;
const END_BYTES = 16 * 1024;

interface Followed {
  readonly file: FileHandle;
  readonly inode: number;
  offset: number;
}

export class AddedLines {
  readonly #path: string;
  /** The newest last. */
  readonly #files: Followed[] = [];

  private constructor(path: string) {
    this.#path = path;
  }

  /** A log that is not there yet will be read from its beginning. */
  static async atEnd(path: string): Promise<AddedLines> {
    const tail = new AddedLines(path);
    await tail.#follow();
    for (const followed of tail.#files) followed.offset = (await followed.file.stat()).size;
    return tail;
  }

  async added(): Promise<string> {
    await this.#follow();
    let text = '';
    for (const followed of this.#files) text += await newLines(followed);
    return text;
  }

  async close(): Promise<void> {
    for (const { file } of this.#files.splice(0)) await file.close();
  }

  /** Opens the file that bears the name now, where it is not known yet. */
  async #follow(): Promise<void> {
    const named = await stat(this.#path).catch(() => null);
    if (named === null || this.#files.at(-1)?.inode === named.ino) return;
    const file = await open(this.#path, 'r').catch(() => null);
    if (file !== null) this.#files.push({ file, inode: (await file.stat()).ino, offset: 0 });
  }
}

/** The last part of a log, '' where there is none; its first line may be cut. */
export async function endOf(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    return (await partOf(file, Math.max(0, size - END_BYTES), END_BYTES)).toString('utf8');
  } finally {
    await file.close();
  }
}

async function newLines(followed: Followed): Promise<string> {
  const part = await partOf(followed.file, followed.offset, MOST_BYTES);
  const end = part.lastIndexOf('\n') + 1;
  // A part without an end of line is no log of nginx, whose lines have 2 KiB at most: passed over.
  followed.offset += end === 0 && part.length === MOST_BYTES ? part.length : end;
  return part.toString('utf8', 0, end);
}

async function partOf(file: FileHandle, from: number, most: number): Promise<Buffer> {
  const { size } = await file.stat();
  const length = Math.min(Math.max(0, size - from), most);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
  return buffer.subarray(0, bytesRead);
}
