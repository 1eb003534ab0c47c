/**
 * Which shared texts have been nobody's for so long that they may go: their services were taken out of the configuration, or have
 * another new cluster. Looked at once a minute, by this replica's own clock. It removes nothing itself.
 */
import type { SetTimer } from '../checks/schedule.ts';

export interface UnusedTextsOptions {
  /** Epoch ms. */
  readonly now: () => number;
  readonly setTimer: SetTimer;
  /** Those that are nobody's now. */
  readonly unused: () => readonly string[];
  /** Those that have been for long, each minute again. */
  readonly onLong: (names: readonly string[]) => void;
}

const EACH_MS = 60_000;
/** As long as services of a deleted source live on. */
const KEPT_MS = 10 * 60_000;

export class UnusedTexts {
  readonly #options: UnusedTextsOptions;
  readonly #since = new Map<string, number>();
  #cancel: () => void = () => {};

  constructor(options: UnusedTextsOptions) {
    this.#options = options;
    this.#wait();
  }

  stop(): void {
    this.#cancel();
  }

  #wait(): void {
    this.#cancel = this.#options.setTimer(() => {
      this.#look();
      this.#wait();
    }, EACH_MS);
  }

  #look(): void {
    const nowMs = this.#options.now();
    const unused = new Set(this.#options.unused());
    for (const name of this.#since.keys()) if (!unused.has(name)) this.#since.delete(name);
    for (const name of unused) if (!this.#since.has(name)) this.#since.set(name, nowMs);
    this.#options.onLong([...this.#since].filter(([, sinceMs]) => nowMs - sinceMs >= KEPT_MS).map(([name]) => name));
  }
}
