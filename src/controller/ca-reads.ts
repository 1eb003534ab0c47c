/**
 * The shell's half of `ca_file`: the files that a configuration names, read. In: what was read of one source, and the directory
 * that relative paths begin at. Out: the same with the PEM texts in place, or an error of that one service.
 */
import { resolve } from 'node:path';
import { type CaFile, caFilesOf, withCaFiles } from '../migration/ca-files.ts';
import type { ReadResult } from '../migration/parse.ts';
import { readTextFile, UnreadableFile } from './text-file.ts';

/** Never rejects for what the files are like. */
export async function readCaFiles(read: ReadResult, directory: string): Promise<ReadResult> {
  const paths = caFilesOf(read);
  if (paths.length === 0) return read;
  const files = await Promise.all(
    paths.map(async (path): Promise<[string, CaFile]> => [path, await readOne(resolve(directory, path))]),
  );
  return withCaFiles(read, new Map(files));
}

async function readOne(path: string): Promise<CaFile> {
  try {
    return { pem: (await readTextFile(path)).text };
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    return { problem: error.message };
  }
}
