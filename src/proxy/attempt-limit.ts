/**
 * The time limit of a request's present attempt: until it is connected, until its answer begins, between the pieces of the
 * answer. One runs at a time, or none, while the client is the one who is waited for.
 */
import type { Migration } from '../migration/model.ts';
import { Deadline, type Expiring } from './deadlines.ts';
import type { PlaneContext } from './plane-context.ts';

export class AttemptLimit {
  readonly #plane: PlaneContext;
  readonly #migration: Migration;
  readonly #deadline: Deadline;
  #wait: 'connection' | 'answer' | 'body' = 'connection';

  constructor(plane: PlaneContext, migration: Migration, owner: Expiring) {
    this.#plane = plane;
    this.#migration = migration;
    this.#deadline = new Deadline(owner);
  }

  forConnection(): void {
    this.#arm('connection', this.#migration.connectTimeoutMs);
  }

  /** Also while the backend takes no more of the request's body. */
  forAnswer(): void {
    this.#arm('answer', this.#migration.timeoutMs);
  }

  forBody(kind: 'ordinary' | 'event_stream'): void {
    const { timeoutMs, streamIdleTimeoutMs } = this.#migration;
    this.#arm('body', kind === 'event_stream' ? streamIdleTimeoutMs : timeoutMs);
  }

  stop(): void {
    this.#plane.deadlines.disarm(this.#deadline);
  }

  /** What did not come in time, for people. */
  get expired(): string {
    const { connectTimeoutMs, timeoutMs } = this.#migration;
    if (this.#wait === 'connection') return `no connection within ${connectTimeoutMs} ms`;
    return this.#wait === 'answer' ? `no answer within ${timeoutMs} ms` : `answer stalled for ${timeoutMs} ms`;
  }

  #arm(wait: 'connection' | 'answer' | 'body', durationMs: number): void {
    this.#wait = wait;
    this.#plane.deadlines.arm(this.#deadline, durationMs, this.#plane.now());
  }
}
