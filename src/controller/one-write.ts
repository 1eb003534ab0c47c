/**
 * Writes one after the other, with rests: after a failure longer and longer ones, after a race a short one in which what won is
 * read. In: a write, when it is free. Out: how it ended, and a word when it is free again; lasting trouble goes to the log, once.
 * It does not know what is written.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { Log } from './log.ts';
import type { SharedValues, ShareFailure } from './shared-values.ts';

export interface OneWriteOptions {
  readonly values: Pick<SharedValues, 'read'>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  readonly log: Log;
  readonly onFree: () => void;
}

export type Landing = 'done' | 'stale' | ShareFailure;

const RETRY_FIRST_MS = 200;
const RETRY_MOST_MS = 5_000;
const LASTING_RETRY_MS = 30_000;
/** Each turn of a race has a winner; the others draw lots for the next. */
const STALE_WITHIN_MS = 20;
/** Nobody loses so many in a row: what is refused then has another reason, such as a policy or an object made immutable. */
const MOST_LOST = 10;
/** Failures in a row before a person hears of it. */
const TOLD_AFTER = 3;
const WHAT = 'states of services cannot be shared with the other replicas';
const REFUSED =
  'every change is refused, though nothing else changed meanwhile; is the object immutable, or is there a policy against it?';

export class OneWrite {
  readonly #options: OneWriteOptions;
  #isBusy = false;
  #cancelRest: (() => void) | null = null;
  #failures = 0;
  /** Races lost in a row. */
  #lost = 0;
  #isTold = false;
  #lastProblem: string | null = null;

  constructor(options: OneWriteOptions) {
    this.#options = options;
  }

  get isFree(): boolean {
    return !this.#isBusy && this.#cancelRest === null;
  }

  /** Null: the last write was answered. */
  get lastProblem(): string | null {
    return this.#lastProblem;
  }

  /** Only while it is free. `onLanded` is called before it is free again. */
  async begin(write: () => Promise<Landing>, onLanded: (landing: Landing) => void): Promise<void> {
    this.#isBusy = true;
    const landing = await write().catch((error: unknown) => ({ message: String(error), isLasting: false }));
    if (landing === 'done') this.#succeeded();
    else if (landing !== 'stale') this.#failed(landing);
    onLanded(landing);
    this.#lost = landing === 'stale' ? this.#lost + 1 : 0;
    if (landing === 'stale') await this.#readAgain();
    this.#isBusy = false;
    if (this.#cancelRest === null) this.#options.onFree();
  }

  /** There is reason to hope again. */
  endRest(): void {
    this.#cancelRest?.();
    this.#cancelRest = null;
  }

  async #readAgain(): Promise<void> {
    const { random, values } = this.#options;
    try {
      await values.read();
      if (this.#lost > MOST_LOST) this.#failed({ message: REFUSED, isLasting: false });
      else this.#rest(random() * STALE_WITHIN_MS);
    } catch {
      this.#rest(RETRY_FIRST_MS);
    }
  }

  #succeeded(): void {
    if (this.#isTold) this.#options.log.info({}, 'states of services are shared with the other replicas again');
    this.#isTold = false;
    this.#failures = 0;
    this.#lastProblem = null;
  }

  #failed({ message, isLasting }: ShareFailure): void {
    const isNews = message !== this.#lastProblem;
    this.#lastProblem = message;
    this.#failures++;
    if (isLasting ? isNews : this.#failures === TOLD_AFTER) {
      this.#isTold = true;
      this.#options.log[isLasting ? 'error' : 'warn']({ code: 'not_shared' }, `${WHAT}: ${message}`);
    }
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** (this.#failures - 1), RETRY_MOST_MS);
    this.#rest(isLasting ? LASTING_RETRY_MS : delayMs);
  }

  #rest(delayMs: number): void {
    this.endRest();
    this.#cancelRest = this.#options.setTimer(() => {
      this.#cancelRest = null;
      if (!this.#isBusy) this.#options.onFree();
    }, delayMs);
  }
}
