/**
 * Standard input as a source of configuration: read once to its end. It has no later versions, and nothing can be written back.
 */
import { readCaFiles } from './ca-reads.ts';
import { readConfiguration } from './config-reader.ts';
import type { ConfigSource, EditResult, OnReads } from './config-source.ts';

export class StdinSource implements ConfigSource {
  readonly label = 'stdin';
  readonly #text: string;

  /** `text`: what standard input held. */
  constructor(text: string) {
    this.#text = text;
  }

  async start(onReads: OnReads): Promise<void> {
    const read = await readConfiguration({ file: '-', text: this.#text, kind: 'file' });
    await onReads([{ id: 'stdin', read: await readCaFiles(read, '.') }]);
  }

  async reread(): Promise<void> {}

  async setPercentage(): Promise<EditResult> {
    const message = 'the configuration came from standard input and cannot be changed: start from a file instead';
    return { ok: false, code: 'refused', message };
  }

  async close(): Promise<void> {}
}
