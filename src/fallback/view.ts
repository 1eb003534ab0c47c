/**
 * How one service's fallback stands, for `/status`, metrics and people. Times are epoch ms; null: does not apply.
 */
import type { RunStateName } from '../migration/run-state.ts';
import type { FailureKind } from './outcome.ts';

export interface Hold {
  readonly by: string;
  readonly atMs: number;
  readonly reason: string;
}

export interface FallbackView {
  readonly state: RunStateName;
  /** `5 failures in a row in 2.1 s: connect refused`; null in an untouched steady state. */
  readonly reason: string | null;
  readonly sinceMs: number;
  /** Fallen back: when probing may begin (the active check must pass too). Null while held. */
  readonly retryAtMs: number | null;
  readonly bothFailing: boolean;
  readonly hold: Hold | null;
  readonly trippedBy: string | null;
  readonly trips: number;
  readonly failuresInRow: number;
  readonly maxFailures: number;
  /** Per cent of new's share that is admitted while probing (0 in the one-at-a-time step); null otherwise. */
  readonly probeShare: number | null;
  readonly lastCheck: { readonly atMs: number; readonly ok: boolean; readonly error: string | null } | null;
  readonly lastError: { readonly atMs: number; readonly kind: FailureKind; readonly message: string } | null;
}
