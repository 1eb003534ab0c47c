/**
 * One batch in work, the rest waits: whatever arrives while one is worked on makes the next. In: items. Out: calls of `work`
 * that never overlap, each with all that gathered since the last began. No timers: a burst is as many batches as
 * there is time for, and the last one always has the newest item.
 */
export class BatchLoop<T> {
  readonly #work: (batch: readonly T[]) => Promise<void>;
  #waiting: T[] = [];
  #next: Promise<void> | null = null;
  #current: Promise<void> = Promise.resolve();

  constructor(work: (batch: readonly T[]) => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when the batch with this item has been worked on; rejects when that work does. */
  push(item: T): Promise<void> {
    this.#waiting.push(item);
    this.#next ??= this.#current.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#next = null;
    this.#current = this.#work(batch);
    return this.#current;
  }
}
