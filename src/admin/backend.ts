/**
 * What the admin server may ask of the running proxy. The controller implements it; the admin server knows nothing else.
 */
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
  /** The decision for one imagined request; null for an unknown service. */
  explain(name: string, request: ExplainRequest): unknown;
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
}

export type WriteResult =
  | {
      readonly ok: true /** Acted here, but not yet shared with the other replicas. */;
      readonly pending: boolean;
      readonly message: string;
    }
  | {
      readonly ok: false;
      readonly code: 'no_such_service' | 'bad_value' | 'refused' | 'unavailable';
      readonly message: string;
    }
  /** Another tool owns the source: the difference (unified) is to be committed where that tool reads. */
  | { readonly ok: false; readonly code: 'managed'; readonly message: string; readonly difference: string };
