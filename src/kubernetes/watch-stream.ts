/**
 * The answer to a watch: bytes in, however they are cut; events out, each one JSON value a line. What is no event, or ends in the
 * middle of one, is a failure of the stream and never passed over: the event would be lost. Refuses to know sockets.
 */
import type { ConfigMapObject, KubeFailure } from './api.ts';
import { failureOfErrorEvent, notTheApi } from './failures.ts';
import { toConfigMap } from './objects.ts';

export type WatchEvent =
  | { readonly kind: 'added' | 'modified' | 'deleted'; readonly object: ConfigMapObject }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'failed'; readonly failure: KubeFailure };

/** An object holds 1 MiB; as JSON, with its managed fields, several times that. */
const MOST_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;
const WHAT = 'watch configmaps';

export class WatchStream {
  readonly #server: string;
  /** Of the line that has not ended. */
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(server: string) {
    this.#server = server;
  }

  /** Whole events of the bytes. A failed one is the last. */
  push(chunk: Buffer): WatchEvent[] {
    const events: WatchEvent[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const event = this.#event(Buffer.concat([...this.#pieces, chunk.subarray(from, end)]));
      this.#pieces = [];
      this.#bytes = 0;
      from = end + 1;
      if (event === null) continue;
      events.push(event);
      if (event.kind === 'failed') return events;
    }
    if (from < chunk.length) this.#pieces.push(chunk.subarray(from));
    this.#bytes += chunk.length - from;
    if (this.#bytes > MOST_LINE_BYTES) events.push(this.#broken(`an event of more than ${MOST_LINE_BYTES} bytes`));
    return events;
  }

  /** The stream ended as streams end. Null: between two events. */
  end(): KubeFailure | null {
    const isBetween = Buffer.concat(this.#pieces).toString().trim() === '';
    return isBetween ? null : notTheApi(this.#server, WHAT, 'an event that breaks off');
  }

  #event(line: Buffer): WatchEvent | null {
    const text = line.toString();
    if (text.trim() === '') return null;
    try {
      const { type, object } = JSON.parse(text) as { type?: unknown; object?: unknown };
      switch (type) {
        case 'ADDED':
          return { kind: 'added', object: toConfigMap(object) };
        case 'MODIFIED':
          return { kind: 'modified', object: toConfigMap(object) };
        case 'DELETED':
          return { kind: 'deleted', object: toConfigMap(object) };
        case 'BOOKMARK':
          return { kind: 'bookmark', resourceVersion: versionOf(object) };
        case 'ERROR':
          return { kind: 'failed', failure: failureOfErrorEvent(this.#server, object) };
        default:
          return this.#broken('an event of an unknown type');
      }
    } catch (error) {
      return this.#broken(`an event that does not read (${error instanceof Error ? error.message : String(error)})`);
    }
  }

  #broken(why: string): WatchEvent {
    return { kind: 'failed', failure: notTheApi(this.#server, WHAT, why) };
  }
}

function versionOf(object: unknown): string {
  const version = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
  if (typeof version !== 'string' || version === '') throw new Error('a bookmark without a version');
  return version;
}
