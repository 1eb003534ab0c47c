/**
 * A latency as a bucket number and back: logarithmic buckets whose bounds grow by 9 %, from 0.05 ms to more than an hour.
 * In: milliseconds. Out: quantiles that are off by at most 5 % (4.3 % from the bucket, the rest from rounding to three
 * digits). Knows nothing of time: whoever counts decides what is counted together.
 */
const LOWEST_MS = 0.05;
const GROWTH = 1.09;
const LOG_GROWTH = Math.log(GROWTH);

/** Bucket 0 is everything up to LOWEST_MS; the last one everything above about 1 h 10 min. */
export const LATENCY_BUCKETS = 212;

export function bucketOf(latencyMs: number): number {
  if (!(latencyMs > LOWEST_MS)) return 0;
  return Math.min(Math.ceil(Math.log(latencyMs / LOWEST_MS) / LOG_GROWTH), LATENCY_BUCKETS - 1);
}

/** The value, in ms, whose relative distance to every value of the bucket is smallest. */
function middleOf(bucket: number): number {
  const upper = LOWEST_MS * GROWTH ** bucket;
  return bucket === 0 ? LOWEST_MS : (2 * upper) / (1 + GROWTH);
}

/** The quantile `q` (0..1) of the counted latencies in ms, by nearest rank; null when nothing was counted. */
export function quantile(counts: Float64Array, q: number): number | null {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  let bucket = 0;
  while (bucket < counts.length - 1) {
    seen += counts[bucket];
    if (seen >= rank) break;
    bucket++;
  }
  return Number(middleOf(bucket).toPrecision(3));
}
