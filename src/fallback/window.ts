/**
 * How many requests of the last failure_window went well, per cluster. A ring of slices whose sums are kept up to date, so
 * that recording is two additions and reading is none. What has aged out is found by arithmetic, however long nothing came.
 * It knows counts and times, and nothing of what follows from them. Mutable: recording allocates nothing.
 */

/** A sample counts for the whole window, less at most one slice. */
const SLICES = 20;

const NEW_OK = 0;
const NEW_FAILED = 1;
const NEW_SOFT = 2;
const OLD_TOTAL = 3;
const OLD_SOFT = 4;
const COUNTERS = 5;

const CURRENT_AT = COUNTERS;
const FULL_AT_MS = COUNTERS + 1;
const SLICES_AT = COUNTERS + 2;

export class FailureWindow {
  readonly windowMs: number;
  readonly #sliceMs: number;
  /**
   * The sums, then where the slice that is being filled begins and when it is full, then the counters of each slice. One array:
   * among thousands of services each place more is a wait for memory (a number of its own too, where it is no small integer).
   */
  readonly #cells = new Float64Array(SLICES_AT + SLICES * COUNTERS);

  /** `windowMs` must be above 0. */
  constructor(windowMs: number) {
    if (!(windowMs > 0)) throw new RangeError(`a window of ${windowMs} ms`);
    this.windowMs = windowMs;
    this.#sliceMs = windowMs / SLICES;
    this.#cells[CURRENT_AT] = SLICES_AT;
  }

  recordNewOk(nowMs: number): void {
    this.#add(NEW_OK, nowMs);
  }
  recordNewFailed(nowMs: number): void {
    this.#add(NEW_FAILED, nowMs);
  }
  recordNewSoft(nowMs: number): void {
    this.#add(NEW_SOFT, nowMs);
  }
  recordOld(nowMs: number): void {
    this.#add(OLD_TOTAL, nowMs);
  }
  /** An answer of old that would be `soft` of new. */
  recordOldSoft(nowMs: number): void {
    this.#add(OLD_TOTAL, nowMs);
    this.#add(OLD_SOFT, nowMs);
  }

  // Counts as of the last record or roll.
  get newOk(): number {
    return this.#cells[NEW_OK];
  }
  get newFailed(): number {
    return this.#cells[NEW_FAILED];
  }
  get newSoft(): number {
    return this.#cells[NEW_SOFT];
  }
  get newTotal(): number {
    return this.#cells[NEW_OK] + this.#cells[NEW_FAILED] + this.#cells[NEW_SOFT];
  }
  get oldTotal(): number {
    return this.#cells[OLD_TOTAL];
  }
  get oldSoft(): number {
    return this.#cells[OLD_SOFT];
  }

  /** Forgets what is older than the window. A time before the last one is taken as the last one. */
  roll(nowMs: number): void {
    const cells = this.#cells;
    if (nowMs < cells[FULL_AT_MS]) return;
    const passed = Math.floor((nowMs - cells[FULL_AT_MS]) / this.#sliceMs) + 1;
    if (passed >= SLICES) {
      this.#clear(0, COUNTERS - 1);
      cells[FULL_AT_MS] = nowMs + this.#sliceMs;
      return;
    }
    for (let i = 0; i < passed; i++) {
      const next = cells[CURRENT_AT] + COUNTERS;
      const slice = next === cells.length ? SLICES_AT : next;
      for (let c = 0; c < COUNTERS; c++) {
        cells[c] -= cells[slice + c];
        cells[slice + c] = 0;
      }
      cells[CURRENT_AT] = slice;
    }
    cells[FULL_AT_MS] += passed * this.#sliceMs;
  }

  /** Forgets new, and keeps old: what is known of old holds in whatever state the service is. */
  clearNew(): void {
    this.#clear(NEW_OK, NEW_SOFT);
  }

  clearOld(): void {
    this.#clear(OLD_TOTAL, OLD_SOFT);
  }

  #clear(first: number, last: number): void {
    const cells = this.#cells;
    for (let c = first; c <= last; c++) {
      cells[c] = 0;
      for (let slice = SLICES_AT; slice < cells.length; slice += COUNTERS) cells[slice + c] = 0;
    }
  }

  #add(counter: number, nowMs: number): void {
    const cells = this.#cells;
    if (nowMs >= cells[FULL_AT_MS]) this.roll(nowMs);
    cells[cells[CURRENT_AT] + counter]++;
    cells[counter]++;
  }
}
