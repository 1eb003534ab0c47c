/**
 * How many cases a costly property is tried with: the number of the full run in, the number of this run out. Every day a tenth is
 * enough: each run draws other cases, and what was ever found stands as an example of its own.
 */
const SHARE_OF_EVERY_DAY = 0.1;

export function runsOf(full: number): number {
  return process.env.TEST_MANY_RUNS === 'yes' ? full : Math.ceil(full * SHARE_OF_EVERY_DAY);
}
