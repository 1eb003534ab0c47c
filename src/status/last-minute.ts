/**
 * Counts of the last minute: rows of counters, one row for each slice of 5 s, used in a ring.
 * In: events with their time. Out: the sum of a column over the last minute. A row expires by arithmetic when it is read
 * or written again, however long the gap, so there is no timer and an idle hour costs nothing. Knows no meaning of columns.
 */
const SLICE_MS = 5_000;
const SLICES = 12;

export class LastMinute {
  readonly #columns: number;
  /** Allocated at the first event: most services of a large table are quiet. */
  #counts: Uint32Array | null = null;
  /** The slice number each row was last written for. */
  readonly #sliceOfRow = new Float64Array(SLICES).fill(-1);

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Counts one event at `nowMs` (epoch ms). One that is told so late that its row serves a later slice counts no more. */
  add(column: number, nowMs: number): void {
    const slice = Math.floor(nowMs / SLICE_MS);
    const row = ((slice % SLICES) + SLICES) % SLICES;
    this.#counts ??= new Uint32Array(SLICES * this.#columns);
    if (this.#sliceOfRow[row] > slice) return;
    if (this.#sliceOfRow[row] !== slice) {
      this.#counts.fill(0, row * this.#columns, (row + 1) * this.#columns);
      this.#sliceOfRow[row] = slice;
    }
    this.#counts[row * this.#columns + column]++;
  }

  /** The sum of one column over the minute that ends at `nowMs` (the running slice and the eleven before it). */
  sum(column: number, nowMs: number): number {
    let total = 0;
    for (let row = 0; row < SLICES; row++) {
      if (this.#isLive(row, nowMs)) total += this.#counts![row * this.#columns + column];
    }
    return total;
  }

  /** Sets `into` to the sums of the columns that begin at `firstColumn`. */
  sumInto(into: Float64Array, firstColumn: number, nowMs: number): void {
    into.fill(0);
    for (let row = 0; row < SLICES; row++) {
      if (!this.#isLive(row, nowMs)) continue;
      const base = row * this.#columns + firstColumn;
      for (let i = 0; i < into.length; i++) into[i] += this.#counts![base + i];
    }
  }

  #isLive(row: number, nowMs: number): boolean {
    if (this.#counts === null) return false;
    const age = Math.floor(nowMs / SLICE_MS) - this.#sliceOfRow[row];
    return age >= 0 && age < SLICES;
  }
}
