/**
 * Waiting for what other processes do: a question that is asked again until its answer is yes, and an error that repeats
 * the last answer when the time is over. No test sleeps a guessed time.
 */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks `question` every 20 ms (after 2 s every 80 ms), or `everyMs`, until it answers something other than false, null or undefined,
 * and gives that answer.
 * A question that throws is asked again too. Throws after `withinMs`, naming `what` and the last error.
 */
export async function eventually<T>(
  what: string,
  question: () => T | Promise<T>,
  withinMs = 10_000,
  everyMs?: number,
): Promise<NonNullable<Exclude<T, false>>> {
  const began = Date.now();
  const deadline = began + withinMs;
  let last = '';
  for (;;) {
    try {
      const answer = await question();
      if (answer !== false && answer !== null && answer !== undefined) return answer as NonNullable<Exclude<T, false>>;
      last = '';
    } catch (error) {
      last = `; last error: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (Date.now() >= deadline) throw new Error(`did not happen within ${withinMs} ms: ${what}${last}`);
    // Who waits long need not know at once, and asking costs those who are asked.
    await pause(everyMs ?? (Date.now() - began < 2_000 ? 20 : 80));
  }
}

/** The promise's value, or an error that names `what` after `withinMs`. */
export async function within<T>(what: string, promise: Promise<T>, withinMs = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${withinMs} ms: ${what}`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
