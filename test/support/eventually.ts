/**
 * Waiting for what other processes do: a question that is asked again until its answer is yes, and an error that repeats
 * the last answer when the time is over. No test sleeps a guessed time.
 */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** What is waited for less than this is expected to be there, or not to come: no patience is added. */
const PROMISE_MS = 1_000;
/** Nothing shorter becomes longer than this: tests have limits of their own. */
const MOST_MS = 20_000;

/**
 * Asks `question` every 20 ms (after 2 s every 80 ms), or `everyMs`, until it answers something other than false, null or undefined,
 * and gives that answer.
 * A question that throws is asked again too. Throws after `withinMs` (`patience`), naming `what` and the last error.
 */
export async function eventually<T>(
  what: string,
  question: () => T | Promise<T>,
  withinMs = 10_000,
  everyMs?: number,
): Promise<NonNullable<Exclude<T, false>>> {
  const began = Date.now();
  let last = '';
  for (;;) {
    try {
      const answer = await question();
      if (answer !== false && answer !== null && answer !== undefined) return answer as NonNullable<Exclude<T, false>>;
      last = '';
    } catch (error) {
      last = `; last error: ${error instanceof Error ? error.message : String(error)}`;
    }
    const waitedMs = Date.now() - began;
    if (waitedMs >= withinMs) {
      const limitMs = patience(withinMs);
      if (waitedMs >= limitMs) throw new Error(`did not happen within ${limitMs} ms: ${what}${last}`);
    }
    // Who waits long need not know at once, and asking costs those who are asked.
    await pause(everyMs ?? (waitedMs < 2_000 ? 20 : 80));
  }
}

/**
 * What is promised within a second holds on a machine that has the time: where ten processes share a core it may take ten.
 * ms in, ms out, at the load of the last minute.
 */
export function patience(withinMs: number, load = loadavg()[0] / availableParallelism()): number {
  if (withinMs < PROMISE_MS || withinMs > MOST_MS) return withinMs;
  return Math.min(MOST_MS, Math.round(withinMs * Math.max(1, load)));
}

/** The promise's value, or an error that names `what` after `withinMs` (`patience`). */
export async function within<T>(what: string, promise: Promise<T>, withinMs = 10_000): Promise<T> {
  const limitMs = patience(withinMs);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const isLate = (): void => reject(new Error(`took longer than ${limitMs} ms: ${what}`));
    // After a look at the sockets: it may be this process that had no time.
    timer = setTimeout(() => setImmediate(isLate), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
