/**
 * What the admin server may ask of the running proxy. The controller implements it; the admin server knows nothing else.
 */
import type { HistoryEntry } from '../status/history-entries.ts';
import type { ServiceReport, StatusReport } from '../status/report.ts';
import type { Metrics } from './metrics.ts';

export interface AdminBackend {
  /** The services may be made as they are asked for. */
  status(): StatusInPieces;
  /** One service of the status; null for an unknown one. */
  service(name: string): ServiceReport | null;
  /** What `/health` counts. */
  overview(): Overview;
  /** Null when ready, else what it waits for. */
  notReady(): string | null;
  readonly metrics: Metrics;
  /** Edits the source. `percentage`: 0..100, at most two decimals. */
  setPercentage(name: string, percentage: number, edit: EditWish): Promise<WriteResult>;
  abort(name: string, who: string, reason: string): Promise<WriteResult>;
  resume(name: string, who: string, reason: string): Promise<WriteResult>;
  /** The last changes, of all replicas, the newest last. */
  history(): Promise<readonly HistoryEntry[]>;
  /** The decision for one imagined request; null for an unknown service. */
  explain(name: string, request: ExplainRequest): unknown;
  /** All that are alive, this one too; none where nothing is shared. */
  replicas(): readonly ReplicaSeen[];
}

/** A replica as the register has it; all but `address`, `proof` and `isFresh` is for everybody who asks. */
export interface ReplicaSeen {
  readonly name: string;
  /** Of its admin server, with an IP address: `http://10.1.2.3:8080`. Null: it cannot be reached. */
  readonly address: string | null;
  /** That the address is its, by somebody who knows the token: see `replica-proof.ts`. Null: there is none. */
  readonly proof: string | null;
  /** Heard of so lately that its address is still its own: a proof never grows old, and pods get addresses that others had. */
  readonly isFresh: boolean;
  readonly config_hash: string | null;
  readonly version: string;
  /** RFC 3339. */
  readonly seen_at: string;
  readonly leader: boolean;
}

export type StatusInPieces = Omit<StatusReport, 'services'> & { readonly services: Iterable<ServiceReport> };

export interface Overview {
  readonly generation: number;
  readonly configErrors: number;
  readonly services: Iterable<Pick<ServiceReport, 'state' | 'stale' | 'invalid'> & { readonly held: boolean }>;
}

export interface ExplainRequest {
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly cookies: readonly { readonly name: string; readonly value: string }[];
  readonly ip: string | null;
  readonly user: string | null;
}

export interface EditWish {
  readonly who: string;
  /** '': none was given. */
  readonly reason: string;
  /** `even_if_managed`: also where another tool owns the source and will probably undo it. */
  readonly scope: 'own' | 'even_if_managed';
  /** `preview`: nothing is written; the result has the difference. */
  readonly mode: 'write' | 'preview';
}

export type WriteResult =
  | {
      readonly ok: true;
      /** Acted here, but not yet shared with the other replicas. */
      readonly pending: boolean;
      readonly message: string;
      /** Of a preview: a unified diff of the source's text. */
      readonly difference?: string;
    }
  | {
      readonly ok: false;
      readonly code: 'no_such_service' | 'bad_value' | 'refused' | 'unavailable';
      readonly message: string;
    }
  | ManagedElsewhere;

/** Another tool owns the source. */
export interface ManagedElsewhere {
  readonly ok: false;
  readonly code: 'managed';
  readonly message: string;
  /** `Argo CD` */
  readonly manager: string;
  /** A unified diff: what to commit where that tool reads. */
  readonly difference: string;
}
