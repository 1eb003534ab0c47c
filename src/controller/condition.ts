/**
 * Something that becomes true some time, waited for with patience that ends. It does not look by itself: whoever changes what the
 * condition is about says so.
 */
import type { SetTimer } from '../checks/schedule.ts';

export class Condition {
  readonly #setTimer: SetTimer;
  #waiting: (() => void)[] = [];

  constructor(setTimer: SetTimer) {
    this.#setTimer = setTimer;
  }

  /** Whether `isMet` within that time; no longer than there is hope. */
  async within(ms: number, isMet: () => boolean, isHopeful: () => boolean): Promise<boolean> {
    let isLate = false;
    const cancel = this.#setTimer(() => {
      isLate = true;
      this.lookAgain();
    }, ms);
    while (!isMet() && isHopeful() && !isLate) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    cancel();
    return isMet();
  }

  lookAgain(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
