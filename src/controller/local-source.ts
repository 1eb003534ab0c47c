/**
 * A local file, or a ConfigMap manifest in one, as a source of configuration: what the file source hands over, read as
 * configuration, with the CA files that it names. Edits go into the file itself.
 */
import { dirname, resolve } from 'node:path';
import type { Edited } from '../migration/edit.ts';
import { type ReadResult, unreadableSource } from '../migration/parse.ts';
import { readCaFiles } from './ca-reads.ts';
import { editPercentage, readConfiguration } from './config-reader.ts';
import type { ConfigSource, EditResult, OnReads, PercentageEdit } from './config-source.ts';
import { editFile, UnwritableFile } from './edit-file.ts';
import { type FileRead, FileSource } from './file-source.ts';
import { readTextFile, UnreadableFile } from './text-file.ts';

export class LocalSource implements ConfigSource {
  readonly #id: string;
  readonly label: string;
  readonly #path: string;
  #file: FileSource | null = null;
  /** Of the text read last: doubting it and believing it need the same reading. */
  #latest: { readonly text: string; readonly read: Promise<ReadResult> } | null = null;

  /** `path` as the user wrote it: errors name it so. */
  constructor(path: string) {
    this.#path = path;
    this.#id = `file:${resolve(path)}`;
    this.label = `file:${path}`;
  }

  start(onReads: OnReads): Promise<void> {
    this.#file = new FileSource({
      path: this.#path,
      onRead: async (read) => onReads([{ id: this.#id, read: await this.#asConfiguration(read) }]),
      isDoubtful: async (text, before) => isCutOff(text, before) || (await this.#read(text)).errors.length > 0,
    });
    return this.#file.start();
  }

  async reread(): Promise<void> {
    await this.#file?.reread();
  }

  async setPercentage({ service, percentage, mode }: PercentageEdit): Promise<EditResult> {
    let edited: EditResult;
    try {
      if (mode === 'preview') return await this.#preview(service, percentage);
      edited = await editFile<EditResult>(this.#path, async (text) => {
        const result = await editPercentage(text, this.#path, service, percentage);
        if (result.ok) return { text: result.text, result: { ok: true, from: result.from, to: result.to } };
        return { result: refusalOf(result) };
      });
    } catch (error) {
      if (!(error instanceof UnreadableFile || error instanceof UnwritableFile)) throw error;
      const what = error instanceof UnreadableFile ? 'read' : 'written';
      return { ok: false, code: 'unavailable', message: `${this.#path} cannot be ${what}: ${error.message}` };
    }
    if (edited.ok) await this.reread();
    return edited;
  }

  async #preview(service: string, percentage: number): Promise<EditResult> {
    const { text } = await readTextFile(this.#path);
    const edited = await editPercentage(text, this.#path, service, percentage);
    if (!edited.ok) return refusalOf(edited);
    const { differenceOf } = await import('./difference.ts');
    const difference = differenceOf(this.#path, text, edited.text);
    return { ok: true, from: edited.from, to: edited.to, difference };
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #asConfiguration(read: FileRead): Promise<ReadResult> {
    if (read.kind === 'unreadable') return unreadableSource(this.#path, `cannot be read: ${read.message}`);
    return readCaFiles(await this.#read(read.text), dirname(this.#path));
  }

  #read(text: string): Promise<ReadResult> {
    if (this.#latest?.text !== text) {
      this.#latest = { text, read: readConfiguration({ file: this.#path, text, kind: 'file' }) };
    }
    return this.#latest.read;
  }
}

function refusalOf({ code, message }: Edited & { readonly ok: false }): EditResult {
  return { ok: false, code: code === 'no_such_service' ? code : 'refused', message };
}

/** Whoever writes a file in pieces leaves its beginning there for a while, and mostly half a line. */
function isCutOff(text: string, before: string | null): boolean {
  if (before === null || text === before) return false;
  return before.startsWith(text) || (before.endsWith('\n') && !text.endsWith('\n'));
}
