/**
 * Bytes of one socket in the order of arrival, for readers that want exact amounts: `until`, `exactly`, `rest`.
 * Refuses to know HTTP; a connection that ends before the bytes are there is an error that shows what came.
 */
import type { Socket } from 'node:net';
import { within } from './eventually.ts';

const SHOWN_BYTES = 2_000;

export class ByteQueue {
  ended = false;
  error: Error | null = null;
  /** What is waiting, and room behind it: bytes are added, never moved, so that what was given away stays as it is. */
  #room: Buffer = Buffer.alloc(0);
  #begin = 0;
  #end = 0;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#add(chunk);
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
    return this.#room.subarray(this.#begin, this.#end);
  }

  /** The bytes up to and including `mark`. */
  async until(mark: string, withinMs: number): Promise<Buffer> {
    await this.#for(`bytes ending with ${JSON.stringify(mark)}`, () => this.waiting.includes(mark), withinMs);
    return this.#take(this.waiting.indexOf(mark) + mark.length);
  }

  async exactly(count: number, withinMs: number): Promise<Buffer> {
    await this.#for(`${count} bytes`, () => this.#size >= count, withinMs);
    return this.#take(count);
  }

  /** The next bytes, left where they are. */
  async peek(count: number, withinMs: number): Promise<Buffer> {
    await this.#for(`${count} bytes`, () => this.#size >= count, withinMs);
    return this.waiting.subarray(0, count);
  }

  /** Everything to the end of the connection. */
  async rest(withinMs: number): Promise<Buffer> {
    await this.#until('the end of the connection', () => this.ended, withinMs);
    return this.#take(this.#size);
  }

  async #for(what: string, there: () => boolean, withinMs: number): Promise<void> {
    await this.#until(what, () => there() || this.ended, withinMs);
    if (there()) return;
    const why = this.error === null ? 'closed' : this.error.message;
    const shown = JSON.stringify(this.waiting.toString('latin1', 0, SHOWN_BYTES));
    const cut = this.#size > SHOWN_BYTES ? `, the first of ${this.#size} bytes` : '';
    throw new Error(`connection ${why} while waiting for ${what}; got ${shown}${cut}`);
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

  get #size(): number {
    return this.#end - this.#begin;
  }

  #add(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#room.length) {
      const room = Buffer.allocUnsafe(2 * (this.#size + chunk.length));
      this.#end = this.waiting.copy(room);
      this.#begin = 0;
      this.#room = room;
    }
    this.#end += chunk.copy(this.#room, this.#end);
  }

  #take(count: number): Buffer {
    const taken = this.#room.subarray(this.#begin, this.#begin + count);
    this.#begin += count;
    return taken;
  }
}
