/**
 * Even but not periodic spreading of requests without a key. In: the share, and randomness as an argument. Out: new or old for
 * the next request. One request at a random place goes to the rarer side out of each 1/p requests, so the count is never
 * a whole request off (0.01 points after 10 000), and no client with a rhythm is always on one side.
 */

/** Draws the cluster of the next request that has no key. */
export interface Draw {
  /** True: new. `shareBp` is new's share, 0..10000. */
  next(shareBp: number): boolean;
}

export class Spread implements Draw {
  readonly #random: () => number;
  #shareBp = -1;
  /** The rarer side's share, and whether that side is new. */
  #rareBp = 0;
  #rareIsNew = true;
  /** Of the current block: requests that are left, and those before the chosen one (negative: it has been). */
  #left = 0;
  #before = 0;
  /** What rounding the block's bounds down has left over, in parts of rareBp (Bresenham's error term). */
  #remainder = 0;

  /** `random` answers 0 <= x < 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  next(shareBp: number): boolean {
    if (shareBp <= 0) return false;
    if (shareBp >= 10_000) return true;
    if (shareBp !== this.#shareBp) this.#restart(shareBp);
    if (this.#left === 0) this.#nextBlock();
    this.#left--;
    const rare = this.#before-- === 0;
    return rare === this.#rareIsNew;
  }

  #restart(shareBp: number): void {
    this.#shareBp = shareBp;
    this.#rareIsNew = shareBp <= 5_000;
    this.#rareBp = this.#rareIsNew ? shareBp : 10_000 - shareBp;
    this.#left = 0;
    this.#remainder = 0;
  }

  /** Block k spans the requests from floor(k * 10000 / rareBp) on: the share is exact where 1/p is no whole number too. */
  #nextBlock(): void {
    const parts = this.#remainder + 10_000;
    this.#remainder = parts % this.#rareBp;
    this.#left = (parts - this.#remainder) / this.#rareBp;
    this.#before = Math.floor(this.#random() * this.#left);
  }
}
