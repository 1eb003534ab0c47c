/**
 * Causes that error.log told of and whose request has not ended yet. nginx writes them at once and the request's own line at its
 * end, so a cause is always there before the line. In: causes as they are read. Out: those of one connection, in order.
 * Bounded in number and age: a client that goes away takes its request's line with it, and then nobody asks.
 */
import type { UpstreamError } from './upstream-error.ts';

const MOST = 20_000;
const KEPT_MS = 600_000;

/** `notBeforeMs`: the request that it ended did not end before this (machine's clock). `offset`: in error.log. */
export interface PendingError {
  readonly error: UpstreamError;
  readonly notBeforeMs: number;
  readonly readMs: number;
  readonly inode: number;
  readonly offset: number;
}

export class PendingErrors {
  /** In the order in which the connections failed first. */
  readonly #byConnection = new Map<number, PendingError[]>();
  #count = 0;
  #breaks = 0;

  /** Answers that broke off, whose line was not seen yet. */
  get breaks(): number {
    return this.#breaks;
  }

  add(pending: PendingError): void {
    const { connection, stage } = pending.error;
    const queue = this.#byConnection.get(connection);
    if (queue === undefined) this.#byConnection.set(connection, [pending]);
    else queue.push(pending);
    this.#count++;
    if (stage === 'body') this.#breaks++;
    if (this.#count > MOST) this.#dropOldest();
  }

  /** Why the next attempt of this connection failed before its answer; null: nobody said. */
  takeFailure(connection: number): UpstreamError | null {
    return this.#take(connection, (error) => error.stage !== 'body');
  }

  /** Why the last answer on this connection broke off. */
  takeBreak(connection: number): UpstreamError | null {
    return this.#breaks === 0 ? null : this.#take(connection, (error) => error.stage === 'body');
  }

  /** The break that waits for its line; null: none. */
  breakOf(connection: number): PendingError | null {
    return this.#byConnection.get(connection)?.find(({ error }) => error.stage === 'body') ?? null;
  }

  /** Forgets what is older than ten minutes. */
  expire(nowMs: number): void {
    for (const [first] of this.#byConnection.values()) {
      if (first.readMs > nowMs - KEPT_MS) return;
      this.#dropOldest();
    }
  }

  /** Another nginx counts its connections from 1 again. */
  clear(): void {
    this.#byConnection.clear();
    this.#count = 0;
    this.#breaks = 0;
  }

  /** Where reading must begin again to know all that is pending; null: nothing of this file is. */
  oldestOffset(inode: number): number | null {
    for (const [first] of this.#byConnection.values()) if (first.inode === inode) return first.offset;
    return null;
  }

  #take(connection: number, fits: (error: UpstreamError) => boolean): UpstreamError | null {
    const queue = this.#byConnection.get(connection);
    const at = queue?.findIndex(({ error }) => fits(error)) ?? -1;
    if (queue === undefined || at < 0) return null;
    const [{ error }] = queue.splice(at, 1);
    if (queue.length === 0) this.#byConnection.delete(connection);
    this.#count--;
    if (error.stage === 'body') this.#breaks--;
    return error;
  }

  #dropOldest(): void {
    for (const [connection, queue] of this.#byConnection) {
      this.#byConnection.delete(connection);
      this.#count -= queue.length;
      for (const { error } of queue) if (error.stage === 'body') this.#breaks--;
      return;
    }
  }
}
