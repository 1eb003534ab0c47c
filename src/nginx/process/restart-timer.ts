/**
 * When something that died is started again. In: how long it lived. Out: one call, after the wait that backoff.ts says. Refuses
 * to know what is started.
 */
import { nextWait } from './backoff.ts';

export class RestartTimer {
  #timer: NodeJS.Timeout | null = null;
  #waitMs: number | null = null;

  /** Gives the wait before it is tried again. `livedMs`: 0 where it did not come to life. */
  died(livedMs: number): number {
    this.#waitMs = nextWait(this.#waitMs, livedMs);
    return this.#waitMs;
  }

  /** Nothing, where it is set already. */
  set(restart: () => void): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      restart();
    }, this.#waitMs ?? this.died(0));
    this.#timer.unref();
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
