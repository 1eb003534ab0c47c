/**
 * Follows one log file of nginx through growth, rotation and removal. In: a path and what was read before. Out: whole lines,
 * in pieces of a buffer, each byte once. It renames a file that has grown, asks nginx to open a new one, and reads the old one
 * until every worker has moved over. Knows nothing of what lines mean.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, statSync, unlinkSync } from 'node:fs';

/** How far a file was read. */
export interface FilePosition {
  readonly inode: number;
  readonly offset: number;
}

export interface LogTailOptions {
  readonly path: string;
  /** Rotated beyond this. */
  readonly rotateBytes: number;
  /** nginx opens its logs anew (USR1). */
  readonly reopen: () => void;
  readonly onProblem: (message: string) => void;
  /** Where earlier reading stopped; null: nobody read before, so that what is there already is passed over. */
  readonly from: readonly FilePosition[] | null;
}

/** Whole lines buf[start..end) that stand at `offset` of the file. */
export type LineConsumer = (buf: Buffer, start: number, end: number, inode: number, offset: number) => void;

interface TailedFile {
  readonly fd: number;
  readonly inode: number;
  /** Null: it has no name any more. */
  readonly path: string | null;
  offset: number;
}

const BUFFER_BYTES = 256 * 1024;
/** Read in one go: a backlog must not hold up the process. 1 MiB is about 20 000 lines, 10 ms. */
const PIECE_BYTES = 1024 * 1024;
/** Workers get the signal within milliseconds, and flush what they have into the old file before they leave it. */
const QUIET_MS = 2_000;
const ASK_AGAIN_MS = 1_000;
const LOOK_MS = 500;
const LF = 0x0a;

/** Shared: reading is synchronous and hands nothing on. */
const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

export class LogTail {
  readonly #options: LogTailOptions;
  readonly #retiredPath: string;
  #current: TailedFile | null = null;
  #retired: TailedFile | null = null;
  #quietSinceMs = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(options: LogTailOptions) {
    this.#options = options;
    this.#retiredPath = `${options.path}.old`;
  }

  /** `nowMs` here and below: of any clock that never goes back. */
  open(nowMs: number): void {
    this.#retired = this.#opened(this.#retiredPath);
    this.#current = this.#opened(this.#options.path);
    this.#quietSinceMs = nowMs;
    for (const file of [this.#retired, this.#current]) if (file !== null) this.#place(file);
  }

  /** Gives what is new. Returns whether there is more to read at once. */
  read(consume: LineConsumer, nowMs: number): boolean {
    let more = false;
    if (this.#retired !== null) more = this.#readRetired(this.#retired, consume, nowMs);
    this.#current ??= this.#opened(this.#options.path);
    if (this.#current !== null) more = this.#readFile(this.#current, consume) || more;
    try {
      this.#look(nowMs);
    } catch (error) {
      this.#options.onProblem(`${this.#options.path} cannot be rotated: ${(error as NodeJS.ErrnoException).code}`);
    }
    return more;
  }

  /** Read up to here: of all files that may still grow. */
  positions(): FilePosition[] {
    const files = [this.#retired, this.#current].filter((file) => file !== null);
    return files.map(({ inode, offset }) => ({ inode, offset }));
  }

  close(): void {
    for (const file of [this.#retired, this.#current]) if (file !== null) closeSync(file.fd);
    this.#retired = null;
    this.#current = null;
  }

  #place(file: TailedFile): void {
    const { from } = this.#options;
    const { size } = fstatSync(file.fd);
    const known = from?.find(({ inode }) => inode === file.inode);
    if (from === null) file.offset = size;
    else if (known !== undefined && known.offset <= size) file.offset = known.offset;
  }

  #opened(path: string): TailedFile | null {
    try {
      const fd = openSync(path, 'r');
      return { fd, inode: fstatSync(fd).ino, path, offset: 0 };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') this.#options.onProblem(`${path} cannot be read: ${code}`);
      return null;
    }
  }

  #readFile(file: TailedFile, consume: LineConsumer): boolean {
    let read = 0;
    while (read < PIECE_BYTES) {
      const length = readSync(file.fd, buffer, 0, BUFFER_BYTES, file.offset);
      if (length === 0) {
        if (read === 0) this.#noticeCut(file);
        return false;
      }
      // A line that has no end yet is read again when it has.
      const end = buffer.lastIndexOf(LF, length - 1) + 1;
      if (end === 0 && length < BUFFER_BYTES) return false;
      if (end > 0) consume(buffer, 0, end, file.inode, file.offset);
      file.offset += end === 0 ? length : end;
      read += length;
      if (length < BUFFER_BYTES) return false;
    }
    return true;
  }

  #noticeCut(file: TailedFile): void {
    if (fstatSync(file.fd).size >= file.offset) return;
    file.offset = 0;
    this.#options.onProblem(`${this.#options.path} was cut: read again from its beginning`);
  }

  #readRetired(file: TailedFile, consume: LineConsumer, nowMs: number): boolean {
    const before = file.offset;
    const more = this.#readFile(file, consume);
    if (file.offset !== before || this.#current === null) this.#quietSinceMs = nowMs;
    if (nowMs - this.#quietSinceMs < QUIET_MS) return more;
    if (file.path !== null) unlinkSync(file.path);
    closeSync(file.fd);
    this.#retired = null;
    return false;
  }

  #look(nowMs: number): void {
    const { path, rotateBytes } = this.#options;
    if (this.#current === null) {
      // Renamed, and nginx has not answered yet.
      if (this.#retired !== null) this.#ask(nowMs);
      return;
    }
    if (this.#retired !== null) return;
    if (this.#current.offset >= rotateBytes) {
      renameSync(path, this.#retiredPath);
      this.#retire(this.#retiredPath, nowMs);
    } else if (nowMs - this.#lookedMs >= LOOK_MS) {
      this.#lookedMs = nowMs;
      // Somebody else removed or renamed it.
      if (inodeOf(path) !== this.#current.inode) this.#retire(null, nowMs);
    }
  }

  #retire(path: string | null, nowMs: number): void {
    this.#retired = { ...(this.#current as TailedFile), path };
    this.#current = this.#opened(this.#options.path);
    this.#quietSinceMs = nowMs;
    if (this.#current === null) this.#ask(nowMs);
  }

  #ask(nowMs: number): void {
    if (nowMs - this.#askedMs < ASK_AGAIN_MS) return;
    this.#askedMs = nowMs;
    this.#options.reopen();
  }
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
