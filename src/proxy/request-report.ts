/**
 * What one request tells the outside: the outcome of each attempt, once, before anything that follows from it; and one record
 * of the whole, once. It also holds the service's single probing slot for as long as the attempt that took it lasts.
 */
import type { Decision } from '../allocator/decision.ts';
import type { FailureKind } from '../fallback/outcome.ts';
import type { Cluster } from '../migration/model.ts';
import type { AttemptNote } from '../status/request-record.ts';
import type { PlaneContext } from './plane-context.ts';
import type { RequestContext } from './request-context.ts';

export class RequestReport {
  readonly startedMs: number;
  readonly #plane: PlaneContext;
  readonly #context: RequestContext;
  readonly #attempts: AttemptNote[] = [];
  #cluster: Cluster = 'old';
  #attemptMs = 0;
  #told = false;
  #recorded = false;
  #probe = false;

  constructor(plane: PlaneContext, context: RequestContext) {
    this.#plane = plane;
    this.#context = context;
    this.startedMs = plane.now();
  }

  /** Attempts that have ended. */
  get ended(): number {
    return this.#attempts.length;
  }

  takeProbeSlot(): void {
    this.#probe = true;
    this.#context.service.live.probing = true;
  }

  freeProbeSlot(): void {
    if (!this.#probe) return;
    this.#probe = false;
    this.#context.service.live.probing = false;
  }

  begin(cluster: Cluster): number {
    this.#cluster = cluster;
    this.#told = false;
    this.#attemptMs = this.#attempts.length === 0 ? this.startedMs : this.#plane.now();
    return this.#attemptMs;
  }

  /** The attempt's outcome. `status`: of the answer, 0 when there is none. Said again, it is ignored. Returns the time. */
  tell(failure: FailureKind | null, message: string, status: number): number {
    if (this.#told) return this.#plane.now();
    this.#told = true;
    const endedMs = this.note(failure, message);
    const probe = this.#probe && this.#cluster === 'new';
    if (probe) this.freeProbeSlot();
    this.#plane.observer.attempt({
      service: this.#context.service.name,
      cluster: this.#cluster,
      startedMs: this.#attemptMs,
      endedMs,
      status: failure === null || failure === 'status' ? status : 0,
      failure,
      message,
      probe,
    });
    return endedMs;
  }

  /** An attempt that ended without being an outcome of the cluster. */
  note(failure: FailureKind | null, message: string): number {
    const endedMs = this.#plane.now();
    this.#attempts.push({ cluster: this.#cluster, failure, message, durationMs: endedMs - this.#attemptMs });
    return endedMs;
  }

  /** `status` 0: the client went away. `answered`: by a cluster, not by ourselves. */
  record(decision: Decision | null, status: number, answered: boolean, endedMs = this.#plane.now()): void {
    if (this.#recorded) return;
    this.#recorded = true;
    this.#plane.observer.request({
      service: this.#context.service.name,
      cluster: this.#cluster,
      reason: decision?.reason ?? 'default',
      status,
      answered,
      attempts: this.#attempts,
      startedMs: this.startedMs,
      endedMs,
      requestId: this.#context.id,
      method: this.#context.head.method,
    });
  }

  /** Counted elsewhere: as refused. */
  skipRecord(): void {
    this.#recorded = true;
  }
}
