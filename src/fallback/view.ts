/**
 * How one service's fallback stands, for `/status`, metrics and people. Times are epoch ms; null: does not apply.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import type { RunState, RunStateName } from '../migration/run-state.ts';
import { bothFailing } from './judge.ts';
import type { FailureKind } from './outcome.ts';
import { type FallbackState, type Hold, PROBE_STEPS_BP } from './state.ts';

export type { Hold } from './state.ts';

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

export function viewOf(state: FallbackState, policy: FallbackPolicy, nowMs: number): FallbackView {
  const { phase, seen } = state;
  const hold = phase.kind === 'fallen_back' ? phase.hold : null;
  return {
    state: phase.kind,
    reason: phase.reason,
    sinceMs: phase.sinceMs,
    retryAtMs: phase.kind === 'fallen_back' && hold === null ? phase.retryAtMs : null,
    bothFailing: bothFailing(phase, seen, policy, nowMs),
    hold,
    trippedBy: phase.trippedBy,
    trips: phase.trips,
    failuresInRow: seen.rowMs.filter((atMs) => nowMs - atMs <= policy.failureWindowMs).length,
    maxFailures: policy.maxFailures,
    probeShare: phase.kind === 'probing' ? PROBE_STEPS_BP[phase.step] / 100 : null,
    lastCheck:
      seen.newCheck === null
        ? null
        : { atMs: seen.newCheck.atMs, ok: seen.newCheck.error === null, error: seen.newCheck.error },
    lastError: seen.lastError,
  };
}

/** What the data plane obeys: the same object for as long as it says the same. */
export function runStateOf(state: FallbackState): RunState {
  return state.phase.run;
}
