/**
 * A look at what others have written, before somebody is answered: one at a time, not more often than once a second, and whoever
 * waits is not kept waiting by an API server that does not answer. In: how to look. Out: promises that never reject.
 */
import type { SetTimer } from '../checks/schedule.ts';

export interface FreshLookOptions {
  /** May reject: then what is known is all there is. */
  readonly look: () => Promise<void>;
  /** Any ms, never going back. */
  readonly now: () => number;
  readonly setTimer: SetTimer;
}

const FRESH_MS = 1_000;
const PATIENCE_MS = 1_000;

export class FreshLook {
  readonly #options: FreshLookOptions;
  #looking: Promise<void> | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(options: FreshLookOptions) {
    this.#options = options;
  }

  /** Resolves when it was looked, or after a second. */
  async take(): Promise<void> {
    const { now, setTimer } = this.#options;
    if (this.#looking === null && now() - this.#lookedMs < FRESH_MS) return;
    this.#looking ??= this.#look();
    let giveUp = (): void => {};
    const late = new Promise<void>((resolve) => {
      giveUp = setTimer(resolve, PATIENCE_MS);
    });
    await Promise.race([this.#looking, late]);
    giveUp();
  }

  async #look(): Promise<void> {
    // As of its beginning: what is written while it looks may be missed.
    this.#lookedMs = this.#options.now();
    await this.#options.look().catch(() => {});
    this.#looking = null;
  }
}
