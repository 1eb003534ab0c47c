/**
 * The phases that a service may enter, made from the one it leaves: trip, hold, the start of probing. In: what was decided.
 * Out: the next phase, as a value. When to enter them is decided elsewhere.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import {
  type FallbackState,
  type FallenBackPhase,
  fallenBackPhase,
  firstProbes,
  forgetNew,
  holdOf,
  type Observations,
  ownName,
  type Phase,
  type ProbingPhase,
} from './state.ts';

/** In [0, 1). */
export type Random = () => number;

/** A wait grows to this many recovery times; and after as many spent steady, it is one again. */
export const RECOVERY_TIMES = 10;
/** So that replicas, and services behind one dead gateway, do not come back in the same instant. */
const JITTER = 0.1;

/** Every phase begins with a clean slate for new. */
export function enter(state: FallbackState, phase: Phase): FallbackState {
  const [before, after] = [holdOf(state.phase), holdOf(phase)];
  if (before !== null && after === null) state.seen.liftedMs = before.atMs;
  forgetNew(state.seen);
  return { ...state, phase, proposed: null };
}

/** Nearer to new: at once where this replica is alone, else proposed first, and only while somebody can be asked. */
export function approach(state: FallbackState, phase: Phase): FallbackState {
  if (state.seen.consent === 'free') return enter(state, phase);
  return state.seen.consent === 'barred' || state.proposed !== null ? state : { ...state, proposed: phase };
}

export function tripped(
  state: FallbackState,
  reason: string,
  policy: FallbackPolicy,
  nowMs: number,
  random: Random,
): FallenBackPhase {
  const trips = state.phase.trips + 1;
  const factor = Math.min(2 ** (trips - 1), RECOVERY_TIMES);
  const waitMs = policy.recoveryTimeMs * factor * (1 + JITTER * random());
  const retryAtMs = nowMs + waitMs;
  return fallenBackPhase({
    sinceMs: nowMs,
    reason,
    trippedBy: state.seen.replica,
    trips,
    hold: null,
    waitMs,
    retryAtMs,
  });
}

/** `by` and `why` are a person's; a service that fell back already keeps the time it did. */
export function held(phase: Phase, by: string, why: string, nowMs: number): FallenBackPhase {
  const before = phase.kind === 'fallen_back' ? phase : null;
  return fallenBackPhase({
    sinceMs: before?.sinceMs ?? nowMs,
    reason: sentence('aborted', by, why),
    trippedBy: phase.trippedBy,
    trips: phase.trips,
    // As it will be read back.
    hold: { by, atMs: Math.floor(nowMs), reason: why },
    waitMs: 0,
    retryAtMs: 0,
  });
}

export function probeFrom(phase: FallenBackPhase, seen: Observations, nowMs: number, why: string): ProbingPhase {
  const { trippedBy, trips } = phase;
  const self = ownName(seen);
  return firstProbes({ sinceMs: nowMs, reason: `probing: ${why}`, trippedBy, trips, owner: self }, self);
}

export function sentence(what: string, by: string, why: string): string {
  return why === '' ? `${what} by ${by}` : `${what} by ${by}: ${why}`;
}
