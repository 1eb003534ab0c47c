/**
 * How many clients are connected, as nginx last said. In: a way to ask nginx. Out: a number at once, which is asked for anew
 * every few seconds for as long as somebody looks.
 */
import type { SetTimer } from '../checks/schedule.ts';

const EVERY_MS = 2_000;
/** Scrapes are up to a minute apart. */
const LOOKED_AT_MS = 120_000;

export class ConnectionCount {
  readonly #ask: () => Promise<number | null>;
  readonly #now: () => number;
  readonly #setTimer: SetTimer;
  #count = 0;
  #lookedMs = 0;
  #isAsking = false;

  constructor(ask: () => Promise<number | null>, now: () => number, setTimer: SetTimer) {
    this.#ask = ask;
    this.#now = now;
    this.#setTimer = setTimer;
  }

  get(): number {
    this.#lookedMs = this.#now();
    if (!this.#isAsking) void this.#refresh();
    return this.#count;
  }

  async #refresh(): Promise<void> {
    this.#isAsking = true;
    this.#count = (await this.#ask().catch(() => null)) ?? 0;
    if (this.#now() - this.#lookedMs < LOOKED_AT_MS) {
      this.#setTimer(() => void this.#refresh(), EVERY_MS);
    } else {
      this.#isAsking = false;
    }
  }
}
