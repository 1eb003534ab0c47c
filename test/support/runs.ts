/**
 * How much a costly test does: the number of the full run in, the number of this run out.
 */
const SHARE_OF_EVERY_DAY = 0.1;

/** Cases of a property. Every day a tenth is enough: each run draws others, and what was ever found stands as an example of its own. */
export function runsOf(full: number): number {
  return fullOr(full, Math.ceil(full * SHARE_OF_EVERY_DAY));
}

/** Of what is counted or measured otherwise, where less shows the same. */
export function fullOr(full: number, everyDay: number): number {
  return process.env.TEST_MANY_RUNS === 'yes' ? full : everyDay;
}
