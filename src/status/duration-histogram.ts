/**
 * How long requests took since the start, in the fixed buckets that Prometheus adds up over replicas.
 * In: milliseconds, and counts by bucket. Out: the bucket of one; cumulative counts by upper bound, sum and count.
 */
export const DURATION_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
];

/** The last one is for everything above the last bound. */
export const DURATION_BUCKETS = DURATION_BOUNDS_MS.length + 1;

/** The first bucket whose upper bound it does not exceed. */
export function durationBucket(durationMs: number): number {
  let bucket = 0;
  while (bucket < DURATION_BOUNDS_MS.length && durationMs > DURATION_BOUNDS_MS[bucket]) bucket++;
  return bucket;
}

export interface DurationHistogram {
  readonly sumMs: number;
  /** Requests at or under each of DURATION_BOUNDS_MS; the last entry is their number in all. */
  readonly cumulative: readonly number[];
}

/** `counts`: by bucket. */
export function durationHistogram(counts: Float64Array, sumMs: number): DurationHistogram {
  let total = 0;
  const cumulative = Array.from(counts, (count) => {
    total += count;
    return total;
  });
  return { sumMs, cumulative };
}
