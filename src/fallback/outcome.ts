/**
 * What became of one attempt at one cluster, as the data plane saw it: plain data, made where the attempt ended.
 */
import type { Cluster } from '../migration/model.ts';

/** Why an attempt failed. `status`: an answer whose status is in failure_statuses (cluster new only). */
export type FailureKind = 'dns' | 'connect' | 'tls' | 'timeout' | 'reset' | 'invalid_response' | 'truncated' | 'status';

export interface Outcome {
  readonly service: string;
  readonly cluster: Cluster;
  /** Epoch ms (of a monotonic clock's making) when the attempt began and when its outcome was known. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** Status of the answer, 0 when none came. */
  readonly status: number;
  /** Null: the cluster answered. */
  readonly failure: FailureKind | null;
  /** For people: `connect ECONNREFUSED 127.0.0.1:81`; '' when there is no failure. */
  readonly message: string;
  /** True when this attempt held the single probing slot. */
  readonly probe: boolean;
}
