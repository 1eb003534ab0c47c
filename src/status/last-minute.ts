/**
 * Counts of the last minute: rows of counters, one row for each slice of 5 s, used in a ring.
 * In: events with their time. Out: the sum of a column over the last minute. A row expires by arithmetic when it is read
 * or written again, however long the gap, so there is no timer and an idle hour costs nothing. Knows no meaning of columns.
 */
const SLICE_MS = 5_000;
const SLICES = 12;

export class LastMinute {
  /** Of a row: the number of the slice that it was last written for, then its counters. Side by side, for the processor's cache. */
  readonly #width: number;
  /** Allocated at the first event: most services of a large table are quiet. */
  #rows: Uint32Array | null = null;

  constructor(columns: number) {
    this.#width = columns + 1;
  }

  /** Counts one event at `nowMs` (epoch ms). One that is told so late that its row serves a later slice counts no more. */
  add(column: number, nowMs: number): void {
    const slice = Math.floor(nowMs / SLICE_MS);
    this.#rows ??= new Uint32Array(SLICES * this.#width);
    const rows = this.#rows;
    const row = (slice % SLICES) * this.#width;
    if (rows[row] !== slice) {
      if (rows[row] > slice) return;
      rows.fill(0, row, row + this.#width);
      rows[row] = slice;
    }
    rows[row + 1 + column]++;
  }

  /** The sum of one column over the minute that ends at `nowMs` (the running slice and the eleven before it). */
  sum(column: number, nowMs: number): number {
    const rows = this.#rows;
    if (rows === null) return 0;
    let total = 0;
    for (let row = 0; row < rows.length; row += this.#width) {
      if (isLive(rows[row], nowMs)) total += rows[row + 1 + column];
    }
    return total;
  }

  /** Sets `into` to the sums of the columns that begin at `firstColumn`. */
  sumInto(into: Float64Array, firstColumn: number, nowMs: number): void {
    into.fill(0);
    const rows = this.#rows;
    if (rows === null) return;
    for (let row = 0; row < rows.length; row += this.#width) {
      if (!isLive(rows[row], nowMs)) continue;
      const first = row + 1 + firstColumn;
      for (let i = 0; i < into.length; i++) into[i] += rows[first + i];
    }
  }
}

function isLive(slice: number, nowMs: number): boolean {
  const age = Math.floor(nowMs / SLICE_MS) - slice;
  return age >= 0 && age < SLICES;
}
