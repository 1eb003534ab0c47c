/**
 * Bytes of one socket in the order of arrival, for readers that want exact amounts: `until`, `exactly`, `rest`.
 * Refuses to know HTTP; a connection that ends before the bytes are there is an error that shows what came.
 */
import type { Socket } from 'node:net';
import { within } from './eventually.ts';

export class ByteQueue {
  ended = false;
  error: Error | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    // Not 'end' alone: a reset connection has none.
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.ended = true;
        this.#wake?.();
      });
    }
  }

  /** What has arrived and was not taken yet. */
  get waiting(): Buffer {
    return this.#bytes;
  }

  /** The bytes up to and including `mark`. */
  async until(mark: string, withinMs: number): Promise<Buffer> {
    await this.#for(`bytes ending with ${JSON.stringify(mark)}`, () => this.#bytes.includes(mark), withinMs);
    return this.#take(this.#bytes.indexOf(mark) + mark.length);
  }

  async exactly(count: number, withinMs: number): Promise<Buffer> {
    await this.#for(`${count} bytes`, () => this.#bytes.length >= count, withinMs);
    return this.#take(count);
  }

  /** The next bytes, left where they are. */
  async peek(count: number, withinMs: number): Promise<Buffer> {
    await this.#for(`${count} bytes`, () => this.#bytes.length >= count, withinMs);
    return this.#bytes.subarray(0, count);
  }

  /** Everything to the end of the connection. */
  async rest(withinMs: number): Promise<Buffer> {
    await this.#until('the end of the connection', () => this.ended, withinMs);
    return this.#take(this.#bytes.length);
  }

  async #for(what: string, there: () => boolean, withinMs: number): Promise<void> {
    await this.#until(what, () => there() || this.ended, withinMs);
    if (there()) return;
    const why = this.error === null ? 'closed' : this.error.message;
    throw new Error(
      `connection ${why} while waiting for ${what}; got ${JSON.stringify(this.#bytes.toString('latin1'))}`,
    );
  }

  async #until(what: string, met: () => boolean, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!met()) {
      const arrival = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(what, arrival, Math.max(1, deadline - Date.now()));
    }
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }
}
