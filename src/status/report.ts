/**
 * The shape of `/status`: an interface that people's scripts hold on to, so it changes only by adding.
 * Times RFC 3339, rates 0..1, milliseconds as numbers, null where there is no data yet.
 */
import type { ConfigErrorCode } from '../migration/errors.ts';
import type { Strategy } from '../migration/model.ts';
import type { RunStateName } from '../migration/run-state.ts';

export interface StatusReport {
  readonly version: string;
  readonly data_plane: 'direct' | 'nginx';
  readonly replica: string;
  readonly ready: boolean;
  readonly generation: number;
  readonly config_hash: string;
  readonly started_at: string;
  /** With a Kubernetes source alone. */
  readonly api_server?: ApiServerReport;
  /** All replicas that are registered, this one too; with a Kubernetes source alone. */
  readonly replicas?: readonly ReplicaReport[];
  /** With the nginx plane alone. */
  readonly nginx?: NginxReport;
  readonly config: ConfigReport;
  /** For people: things that are no errors but nearly always mistakes, such as an untrusted ingress in front. */
  readonly warnings: readonly { readonly code: string; readonly service: string | null; readonly message: string }[];
  readonly services: readonly ServiceReport[];
}

export interface ApiServerReport {
  /** Changes are heard of as they happen. */
  readonly connected: boolean;
  readonly last_heard_at: string | null;
  /** It answers, but does not allow the configuration to be read: other replicas may well be heard of. */
  readonly refused: boolean;
  /** Why it is not connected, in words. */
  readonly problem: string | null;
}

export interface ReplicaReport {
  readonly name: string;
  readonly version: string;
  /** Of what it serves; '' before it serves anything. */
  readonly config_hash: string;
  /** When this replica last heard of it. */
  readonly seen_at: string;
  readonly leader: boolean;
}

export interface NginxReport {
  /** It runs, and answers with what we installed. */
  readonly up: boolean;
  /** The `generation` that it serves; null before the first. */
  readonly running_generation: number | null;
  readonly last_reload: { readonly at: string; readonly ok: boolean; readonly error: string | null } | null;
}

export interface ConfigReport {
  readonly source: string;
  readonly loaded_from: 'source' | 'last_good';
  readonly loaded_at: string | null;
  readonly errors: readonly {
    readonly code: ConfigErrorCode;
    readonly service: string | null;
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly path: string;
    readonly message: string;
  }[];
}

export interface ClusterReport {
  /** Attempts at this cluster since start, and those of them that failed. */
  readonly requests: number;
  readonly failures: number;
  /** Of the last minute; null without a request in it. */
  readonly error_rate: number | null;
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
}

export interface ServiceReport {
  readonly name: string;
  /** Where its configuration stands: `configmap:NAMESPACE/NAME`, `file:PATH`. */
  readonly source: string;
  readonly old_host: string;
  readonly new_host: string;
  readonly path_prefix: string | null;
  readonly enabled: boolean;
  readonly strategy: Strategy;
  readonly percentage: number;
  readonly stale: boolean;
  readonly invalid: boolean;
  readonly state: RunStateName;
  readonly state_reason: string | null;
  readonly state_since: string;
  readonly retry_at: string | null;
  readonly both_failing: boolean;
  readonly hold: { readonly by: string; readonly at: string; readonly reason: string } | null;
  readonly tripped_by: string | null;
  readonly trips: number;
  readonly failures_in_row: number;
  readonly max_failures: number;
  /** Of new's share, the part (0..1) that is admitted while probing; 0: one request at a time. Null in other states. */
  readonly probe_share: number | null;
  readonly last_check: { readonly at: string; readonly ok: boolean; readonly error: string | null } | null;
  readonly last_error: { readonly at: string; readonly kind: string; readonly message: string } | null;
  readonly changed: { readonly at: string; readonly by: string; readonly reason: string } | null;
  /** Of the client requests of the last minute, the share that new answered; null without requests. */
  readonly new_share: number | null;
  readonly old: ClusterReport;
  readonly new: ClusterReport;
}
