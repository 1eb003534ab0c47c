/**
 * One client request, finished: what metrics, statistics and the access log are made of. Counted once each.
 */
import type { Reason } from '../allocator/decision.ts';
import type { FailureKind } from '../fallback/outcome.ts';
import type { Cluster } from '../migration/model.ts';

export interface RequestRecord {
  readonly service: string;
  /** The cluster that answered; if none did, the last one tried. */
  readonly cluster: Cluster;
  readonly reason: Reason;
  /** Status sent to the client; 0: the client went away first. */
  readonly status: number;
  /** True when `status` is an answer of a cluster and not our own 502/504/508. */
  readonly answered: boolean;
  /** Attempts in order: cluster and failure (null: it answered). Empty for a request that never left. */
  readonly attempts: readonly AttemptNote[];
  readonly startedMs: number;
  readonly endedMs: number;
  readonly requestId: string;
  readonly method: string;
}

export interface AttemptNote {
  readonly cluster: Cluster;
  readonly failure: FailureKind | null;
  readonly message: string;
  readonly durationMs: number;
}
