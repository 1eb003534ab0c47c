/** How long to wait before something that died is started again: from 0.1 s, doubling to 10 s; after a minute of life, from 0.1 s. */
const FIRST_MS = 100;
const LONGEST_MS = 10_000;
const HEALTHY_MS = 60_000;

/** `previousMs`: the last wait, null before any. `livedMs`: how long the last life was, 0 where it did not come about. */
export function nextWait(previousMs: number | null, livedMs: number): number {
  if (previousMs === null || livedMs >= HEALTHY_MS) return FIRST_MS;
  return Math.min(previousMs * 2, LONGEST_MS);
}
