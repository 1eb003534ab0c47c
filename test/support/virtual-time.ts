/**
 * Time that a test moves: a clock and timers out, for code that takes both as arguments and awaits what is in memory. Between
 * two timers everything that is ready runs. Refuses to know real time.
 */
import { setImmediate as turn } from 'node:timers/promises';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

export class VirtualTime {
  #nowMs = Date.parse('2026-06-01T00:00:00Z');
  readonly #timers = new Set<Timer>();

  readonly now = (): number => this.#nowMs;

  readonly setTimer = (fire: () => void, delayMs: number): (() => void) => {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** What is ready runs, then each timer in its turn, until so much time has passed. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settled();
      const next = [...this.#timers].sort((x, y) => x.atMs - y.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
    }
    this.#nowMs = untilMs;
  }

  /** Time passes and nothing runs meanwhile: the process was stopped. */
  freeze(ms: number): void {
    this.#nowMs += ms;
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}
