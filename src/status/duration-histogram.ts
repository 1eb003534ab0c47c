/**
 * How long requests took since the start, in the fixed buckets that Prometheus adds up over replicas.
 * In: milliseconds. Out: cumulative counts by upper bound, sum and count. Never expires, never resets.
 */
export const DURATION_BOUNDS_MS: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
];

export class DurationHistogram {
  readonly #counts = new Float64Array(DURATION_BOUNDS_MS.length + 1);
  #sumMs = 0;

  observe(durationMs: number): void {
    let bucket = 0;
    while (bucket < DURATION_BOUNDS_MS.length && durationMs > DURATION_BOUNDS_MS[bucket]) bucket++;
    this.#counts[bucket]++;
    this.#sumMs += durationMs;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** Requests at or under each of DURATION_BOUNDS_MS; the last entry is their number in all. */
  cumulative(): readonly number[] {
    let total = 0;
    return Array.from(this.#counts, (count) => {
      total += count;
      return total;
    });
  }
}
