/**
 * Where a request goes: the decision, the cluster that is asked just now, how many further attempts are left. In: what
 * failed. Out: what follows. What is safe to repeat `retry-policy.ts` says; nothing is sent or reported here.
 */
import { decide } from '../allocator/decide.ts';
import type { Decision } from '../allocator/decision.ts';
import type { Cluster } from '../migration/model.ts';
import type { RequestContext } from './request-context.ts';
import { type FailedAttempt, type NextAttempt, nextAttempt, type RequestSoFar } from './retry-policy.ts';
import { FRESH_IDLE_MS, type UpstreamPool } from './upstream-pool.ts';

export class AttemptPlan {
  /** Null until the request is decided, and for those that never are. */
  decision: Decision | null = null;
  /** That of the present attempt. */
  cluster: Cluster = 'old';
  readonly #context: RequestContext;
  #attemptsLeft: number;

  constructor(context: RequestContext) {
    this.#context = context;
    this.#attemptsLeft = context.service.migration.retryAttempts;
  }

  /** Decides, once. Returns whether the request is the one that the first step of probing admits. */
  decide(): boolean {
    const { compiled, live } = this.#context.service;
    const { run, spread } = live;
    this.decision = decide(compiled, run, this.#context, spread);
    this.cluster = this.decision.cluster;
    return this.cluster === 'new' && run.state === 'probing' && run.admission === 'one';
  }

  get pool(): UpstreamPool {
    const { service } = this.#context;
    return this.cluster === 'new' ? service.new : service.old;
  }

  /** How long a kept connection may have been idle to be used now: long where the request can be sent again. */
  get maxIdleMs(): number {
    return this.#context.head.replayable && this.#attemptsLeft > 0 ? Number.POSITIVE_INFINITY : FRESH_IDLE_MS;
  }

  /** Whether an answer of this status is a failure of its cluster. */
  isFailure(status: number): boolean {
    if (this.cluster !== 'new' || status < 400) return false;
    return this.#context.service.migration.fallback.failureStatuses.includes(status);
  }

  /** What may follow the failed attempt. */
  next(
    { failure, staleConnection, sent }: Omit<FailedAttempt, 'cluster'>,
    { bodyHeld, answerBegun, otherAddress }: Pick<RequestSoFar, 'bodyHeld' | 'answerBegun' | 'otherAddress'>,
  ): NextAttempt {
    return nextAttempt(
      { cluster: this.cluster, failure, staleConnection, sent },
      {
        replayable: this.#context.head.replayable,
        bodyHeld,
        answerBegun,
        attemptsLeft: this.#attemptsLeft,
        oldToCome: this.cluster === 'new' && this.#context.service.migration.fallback.enabled,
        otherAddress,
      },
    );
  }

  /** One of the further attempts is made. */
  use(next: Exclude<NextAttempt, 'none'>): void {
    this.#attemptsLeft -= 1;
    if (next === 'old') this.cluster = 'old';
  }
}
