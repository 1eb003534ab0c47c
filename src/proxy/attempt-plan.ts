/**
 * Where a request goes: the decision, the cluster that is asked just now, how many further attempts are left. In: what
 * failed. Out: what follows. What is safe to repeat `retry-policy.ts` says; nothing is sent or reported here.
 */
import { decide } from '../allocator/decide.ts';
import type { Decision } from '../allocator/decision.ts';
import type { FailureKind } from '../fallback/outcome.ts';
import type { Cluster } from '../migration/model.ts';
import type { RequestContext } from './request-context.ts';
import { type NextAttempt, nextAttempt } from './retry-policy.ts';
import { FRESH_IDLE_MS, type UpstreamPool } from './upstream-pool.ts';

/** What the parts of the request say of themselves at any time. */
export interface RequestParts {
  readonly sender: { readonly sent: boolean };
  readonly body: { readonly held: boolean };
  readonly answer: { readonly begun: boolean };
  readonly lease: { readonly hasOtherAddress: boolean };
}

export class AttemptPlan {
  /** Null until the request is decided, and for those that never are. */
  decision: Decision | null = null;
  /** That of the present attempt. */
  cluster: Cluster = 'old';
  readonly #context: RequestContext;
  readonly #parts: RequestParts;
  #attemptsLeft: number;

  constructor(context: RequestContext, parts: RequestParts) {
    this.#context = context;
    this.#parts = parts;
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

  /** What may follow the present attempt, should it have failed so. `stale`: a kept connection's fault. */
  next(failure: FailureKind, stale: 'stale' | 'sound'): NextAttempt {
    const { sender, body, answer, lease } = this.#parts;
    return nextAttempt(
      { cluster: this.cluster, failure, staleConnection: stale === 'stale', sent: sender.sent },
      {
        replayable: this.#context.head.replayable,
        bodyHeld: body.held,
        answerBegun: answer.begun,
        attemptsLeft: this.#attemptsLeft,
        oldToCome: this.cluster === 'new' && this.#context.service.migration.fallback.enabled,
        otherAddress: lease.hasOtherAddress,
      },
    );
  }

  /** One of the further attempts is made. */
  use(next: Exclude<NextAttempt, 'none'>): void {
    this.#attemptsLeft -= 1;
    if (next === 'old') this.cluster = 'old';
  }
}
