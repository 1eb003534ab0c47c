/**
 * A text file as it is on disk: its whole text with a fingerprint of that very version, or why it cannot be had.
 * Refuses to know what the text means.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';

/** Far beyond any configuration; keeps a wrong path (a log, a device) out of memory. */
const MAX_BYTES = 16 * 1024 * 1024;

export interface TextFile {
  readonly text: string;
  readonly fingerprint: string;
}

export class UnreadableFile extends Error {
  /** The system's code (`ENOENT`), or one of ours. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'UnreadableFile';
    this.code = code;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  ENOENT: 'no such file',
  ENOTDIR: 'a part of the path is no directory',
};

/** Reads the file whole. The fingerprint is the one after the last byte was read. Throws UnreadableFile. */
export async function readTextFile(path: string): Promise<TextFile> {
  let handle: FileHandle | null = null;
  try {
    // Opening a named pipe would hold us until somebody writes into it: so the kind is asked first.
    const before = await stat(path, { bigint: true });
    if (before.isDirectory()) throw new UnreadableFile('EISDIR', 'it is a directory');
    if (!before.isFile()) throw new UnreadableFile('no_file', 'it is no regular file');
    if (before.size > MAX_BYTES) throw new UnreadableFile('too_large', `it is larger than ${MAX_BYTES} bytes`);
    handle = await open(path, 'r');
    const bytes = await handle.readFile();
    return { text: decode(bytes), fingerprint: printOf(await handle.stat({ bigint: true })) };
  } catch (error) {
    throw asUnreadable(error);
  } finally {
    await handle?.close();
  }
}

/** Changes with every write, rename and swap; the error's code where there is no file. */
export async function fingerprintOf(path: string): Promise<string> {
  try {
    return printOf(await stat(path, { bigint: true }));
  } catch (error) {
    return asUnreadable(error).code;
  }
}

function printOf(facts: { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint; mode: bigint }): string {
  // Not ctime: a rename over, a chown or another hard link is no change of the text; the mode may have made it unreadable.
  return [facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.mode].join(':');
}

/** A byte order mark stays in the text: whoever edits it must give every byte back. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UnreadableFile('no_text', 'it is no text in UTF-8');
  }
}

function asUnreadable(error: unknown): UnreadableFile {
  if (error instanceof UnreadableFile) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return new UnreadableFile(code, REASONS[code] ?? message);
}
