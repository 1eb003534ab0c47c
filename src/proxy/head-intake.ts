/**
 * Bytes of a client that no request has taken yet, and the head that is read out of them: it is looked at again only when
 * it may be whole or has doubled, so that a head in a thousand pieces costs little more than one in one piece.
 * A head object is held from the first byte of a request to its end only.
 */
import type { RequestHead } from '../http1/request-head.ts';
import type { PlaneContext } from './plane-context.ts';

export class HeadIntake {
  readonly #plane: PlaneContext;
  #head: RequestHead | null = null;
  #bytes: Buffer | null = null;
  /** How many of #bytes were looked at in vain. */
  #lookedAt = 0;

  constructor(plane: PlaneContext) {
    this.#plane = plane;
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#bytes === null ? 0 : this.#bytes.length;
  }

  /** Nobody has looked at what waits: it is the beginning of a head. */
  get fresh(): boolean {
    return this.#lookedAt === 0;
  }

  add(bytes: Buffer): void {
    this.#bytes = this.#bytes === null ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  /** Everything that waits, which waits no longer. */
  take(): Buffer | null {
    const bytes = this.#bytes;
    this.#bytes = null;
    this.#lookedAt = 0;
    return bytes;
  }

  /**
   * Reads a head from the start of what waits: its bytes; 0: more are needed; -1: refused, see `head`.
   * Good until the bytes are taken and the head is released.
   */
  read(): number {
    const bytes = this.#bytes as Buffer;
    const lookedAt = this.#lookedAt;
    if (lookedAt > 0 && bytes.length < 2 * lookedAt) {
      if (bytes.indexOf('\r\n\r\n', Math.max(0, lookedAt - 3), 'latin1') === -1) return 0;
    }
    const size = this.head.parse(bytes, 0, bytes.length);
    if (size === 0) this.#lookedAt = bytes.length;
    return size;
  }

  get head(): RequestHead {
    this.#head ??= this.#plane.takeHead();
    return this.#head;
  }

  /** The request is over: its head serves another. */
  release(): void {
    if (this.#head !== null) this.#plane.giveHead(this.#head);
    this.#head = null;
  }
}
