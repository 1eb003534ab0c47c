/**
 * The installed text and its files on disk: replaced whole, the text before it kept as `nginx.conf.last-good`. In: a
 * candidate, the text that serves. Refuses to know whether nginx likes either.
 */
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomically } from '../../controller/atomic-write.ts';
import type { Candidate } from './candidate.ts';
import type { Layout } from './layout.ts';

const FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$/;

/**
 * `serving`: the text known to work, null before the first. Rejects with the file system's error; then nginx.conf is as it
 * was.
 */
export async function writeCandidate(layout: Layout, candidate: Candidate, serving: string | null): Promise<void> {
  for (const [name, content] of candidate.files) {
    const path = join(layout.directory, fitName(name));
    await makeFolders(layout.directory, dirname(fitName(name)));
    // Named by its content: what is there with this name and length is it. Workers may read it: they look CAs up.
    if ((await sizeOf(path)) !== Buffer.byteLength(content)) await writeAtomically(path, content, 0o644);
  }
  if (serving !== null) await writeAtomically(layout.lastGood, serving);
  await writeAtomically(layout.configuration, candidate.text);
}

/** They are passed by workers that are somebody else, whatever our umask. What is there stays as it is. */
async function makeFolders(directory: string, folder: string): Promise<void> {
  let path = directory;
  for (const name of folder.split('/')) {
    path = join(path, name);
    if ((await mkdir(path, { recursive: true })) !== undefined) await chmod(path, 0o711);
  }
}

/** Makes the text on disk this one; null: none. */
export async function restoreText(layout: Layout, text: string | null): Promise<void> {
  if (text === null) await rm(layout.configuration, { force: true });
  else if ((await textOf(layout.configuration)) !== text) await writeAtomically(layout.configuration, text);
}

/** As `restoreText`, after something failed: what is to be added to the message. */
export async function putBack(layout: Layout, text: string | null): Promise<string> {
  try {
    await restoreText(layout, text);
    return '';
  } catch (error) {
    return `; the last good text could not be put back: ${(error as Error).message}`;
  }
}

/** The text on disk of a generation that runs: nginx.conf, or the last good one where the end came between write and reload. */
export async function textWithToken(layout: Layout, token: string): Promise<string | null> {
  for (const path of [layout.configuration, layout.lastGood]) {
    const text = await textOf(path);
    if (text?.includes(token)) return text;
  }
  return null;
}

/** Removes the files in `tls` that neither the serving text nor the last good one names. Failures are left for next time. */
export async function dropUnnamed(layout: Layout): Promise<void> {
  const folder = join(layout.directory, 'tls');
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) return;
  const texts = [await textOf(layout.configuration), await textOf(layout.lastGood)];
  // No look-behind: it takes a quarter of a second over the texts of 5 000 backends.
  const named = new Set(texts.flatMap((text) => (text ?? '').match(/\/tls\/[A-Za-z0-9_.-]+/g) ?? []));
  for (const name of names) {
    if (!named.has(`/tls/${name}`)) await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** For a directory that is thrown away after use. */
export async function writePlain(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, content] of files) {
    const path = join(directory, fitName(name));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, content, { mode: 0o600 });
  }
}

/** Null: no such file, or none that can be read. */
export async function textOf(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').catch(() => null);
}

/** A file of the candidate stays in the directory. */
function fitName(name: string): string {
  if (!FILE_NAME.test(name)) throw new Error(`not a name of a file for nginx: ${name}`);
  return name;
}

async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.size ?? null;
}
