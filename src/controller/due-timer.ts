/**
 * One timer for many names: wakes when the first of them is due. Only names with something to wait for cost anything, and
 * setting one looks at no other, so thousands of services that trip at once stay cheap.
 */
import type { SetTimer } from '../checks/schedule.ts';

/** What Node's timers can wait; a longer wait is taken in parts. */
const LONGEST_DELAY_MS = 2 ** 30;

export class DueTimer {
  readonly #now: () => number;
  readonly #setTimer: SetTimer;
  readonly #onDue: (name: string) => void;
  readonly #dues = new Map<string, number>();
  #wakeMs = Infinity;
  #cancel: () => void = () => {};

  constructor(now: () => number, setTimer: SetTimer, onDue: (name: string) => void) {
    this.#now = now;
    this.#setTimer = setTimer;
    this.#onDue = onDue;
  }

  /** `dueMs`: epoch ms; Infinity is the same as `clear`. Replaces what was set for that name. */
  set(name: string, dueMs: number): void {
    if (dueMs === Infinity) return this.clear(name);
    this.#dues.set(name, dueMs);
    if (dueMs < this.#wakeMs) this.#arm(dueMs);
  }

  clear(name: string): void {
    this.#dues.delete(name);
    if (this.#dues.size === 0) this.stop();
  }

  stop(): void {
    this.#dues.clear();
    this.#cancel();
    this.#wakeMs = Infinity;
  }

  #arm(dueMs: number): void {
    this.#cancel();
    this.#wakeMs = dueMs;
    const delayMs = Math.min(Math.max(0, Math.ceil(dueMs - this.#now())), LONGEST_DELAY_MS);
    this.#cancel = this.#setTimer(() => this.#wake(), delayMs);
  }

  #wake(): void {
    this.#wakeMs = Infinity;
    const nowMs = this.#now();
    const due = [...this.#dues].filter(([, dueMs]) => dueMs <= nowMs).map(([name]) => name);
    for (const name of due) {
      this.#dues.delete(name);
      this.#onDue(name);
    }
    let first = Infinity;
    for (const dueMs of this.#dues.values()) if (dueMs < first) first = dueMs;
    if (first < this.#wakeMs) this.#arm(first);
  }
}
