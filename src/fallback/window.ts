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

export class FailureWindow {
  readonly windowMs: number;
  readonly #sliceMs: number;
  readonly #slices = new Uint32Array(SLICES * COUNTERS);
  readonly #sums = new Int32Array(COUNTERS);
  /** The slice that is being filled, and when it is full. */
  #current = 0;
  #fullAtMs = 0;

  /** `windowMs` must be above 0. */
  constructor(windowMs: number) {
    if (!(windowMs > 0)) throw new RangeError(`a window of ${windowMs} ms`);
    this.windowMs = windowMs;
    this.#sliceMs = windowMs / SLICES;
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
    return this.#sums[NEW_OK];
  }
  get newFailed(): number {
    return this.#sums[NEW_FAILED];
  }
  get newSoft(): number {
    return this.#sums[NEW_SOFT];
  }
  get newTotal(): number {
    return this.#sums[NEW_OK] + this.#sums[NEW_FAILED] + this.#sums[NEW_SOFT];
  }
  get oldTotal(): number {
    return this.#sums[OLD_TOTAL];
  }
  get oldSoft(): number {
    return this.#sums[OLD_SOFT];
  }

  /** Forgets what is older than the window. A time before the last one is taken as the last one. */
  roll(nowMs: number): void {
    if (nowMs < this.#fullAtMs) return;
    const passed = Math.floor((nowMs - this.#fullAtMs) / this.#sliceMs) + 1;
    if (passed >= SLICES) {
      this.#slices.fill(0);
      this.#sums.fill(0);
      this.#fullAtMs = nowMs + this.#sliceMs;
      return;
    }
    for (let i = 0; i < passed; i++) {
      this.#current = (this.#current + 1) % SLICES;
      const at = this.#current * COUNTERS;
      for (let c = 0; c < COUNTERS; c++) {
        this.#sums[c] -= this.#slices[at + c];
        this.#slices[at + c] = 0;
      }
    }
    this.#fullAtMs += passed * this.#sliceMs;
  }

  /** Forgets new, and keeps old: what is known of old holds in whatever state the service is. */
  clearNew(): void {
    this.#clear(NEW_OK, NEW_SOFT);
  }

  clearOld(): void {
    this.#clear(OLD_TOTAL, OLD_SOFT);
  }

  #clear(first: number, last: number): void {
    for (let c = first; c <= last; c++) {
      this.#sums[c] = 0;
      for (let s = 0; s < SLICES; s++) this.#slices[s * COUNTERS + c] = 0;
    }
  }

  #add(counter: number, nowMs: number): void {
    if (nowMs >= this.#fullAtMs) this.roll(nowMs);
    this.#slices[this.#current * COUNTERS + counter]++;
    this.#sums[counter]++;
  }
}
