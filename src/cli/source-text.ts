/**
 * The text behind a FILE argument: a file, or `-` for standard input, read once however often it is named.
 */
import { readTextFile, UnreadableFile } from '../controller/text-file.ts';
import { cannot } from './failure.ts';

export const STDIN = '-';

let stdin: Promise<string> | null = null;

/** Throws CliFailure (code 2) where it cannot be read. */
export async function sourceText(file: string): Promise<string> {
  if (file === STDIN) {
    stdin ??= readStdin();
    return stdin;
  }
  try {
    return (await readTextFile(file)).text;
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw cannot(`cannot read ${file}: ${error.message}`);
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw cannot('cannot read standard input: it is no text in UTF-8');
  }
}
