/**
 * Ids of requests and of sticky users: 128 random bits as 32 hex digits, taken from a block of random bytes so that one
 * call of the system's generator serves many requests.
 */
const BLOCK_BYTES = 4096;
const ID_BYTES = 16;

export class RandomIds {
  readonly #fill: (block: Buffer) => void;
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = BLOCK_BYTES;

  /** `fill` writes random bytes over a whole block. */
  constructor(fill: (block: Buffer) => void) {
    this.#fill = fill;
  }

  next(): string {
    if (this.#used === BLOCK_BYTES) {
      this.#fill(this.#block);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = start + ID_BYTES;
    return this.#block.toString('hex', start, start + ID_BYTES);
  }
}

const MAX_REQUEST_ID = 128;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Whether an id that a trusted peer sent may go into headers and logs as it is: 1 to 128 visible ASCII characters, none of which JSON
 * escapes.
 */
export function isRequestId(text: string): boolean {
  if (text.length === 0 || text.length > MAX_REQUEST_ID) return false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c <= 0x20 || c >= 0x7f || c === QUOTE || c === BACKSLASH) return false;
  }
  return true;
}
