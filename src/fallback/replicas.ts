/**
 * What the other replicas' word does to a service's state: a proposal granted or refused, a shared phase adopted, the single
 * requests of the first step taken over. In: phases whose times are another replica's, or of another moment. Out: the same
 * phases with times counted from now, because clocks of two machines are not compared. How they are shared is not known here.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import { advanced } from './probing.ts';
import {
  type FallbackState,
  fallenBackPhase,
  type Hold,
  isOthersStep,
  ownName,
  type Phase,
  type ProbingPhase,
  probingPhase,
  steadyPhase,
} from './state.ts';
import { approach, enter } from './transitions.ts';

/** Enters what was proposed; nothing where that was dropped meanwhile. */
export function granted(state: FallbackState, policy: FallbackPolicy, nowMs: number): FallbackState {
  if (state.proposed === null) return state;
  const next = entered(state, state.proposed, nowMs);
  // Who takes the first step over may find that it has lain long enough for all methods.
  return advanced(next, policy, nowMs);
}

export function refused(state: FallbackState): FallbackState {
  return state.proposed === null ? state : { ...state, proposed: null };
}

/** Null: untouched. `kept`: with the phase's own times. */
export function adopted(
  state: FallbackState,
  phase: Phase | null,
  how: 'kept' | 'shared',
  nowMs: number,
): FallbackState {
  if (how === 'kept' && phase !== null) return enter(state, phase);
  return entered(state, phase ?? steadyPhase(nowMs, null, null, 0), nowMs);
}

/** Proposes this replica as the owner of the first step. */
export function takenOver(state: FallbackState): FallbackState {
  const { phase, seen } = state;
  if (phase.kind !== 'probing' || !isOthersStep(phase)) return state;
  const self = ownName(seen);
  const { methods } = phase.run;
  return approach(state, probingPhase({ ...phase, owner: self, beat: phase.beat + 1, methods }, self));
}

export function beaten(state: FallbackState): FallbackState {
  const { phase } = state;
  if (phase.kind !== 'probing' || phase.step > 0 || isOthersStep(phase)) return state;
  return { ...state, phase: { ...phase, beat: phase.beat + 1 } };
}

function entered(state: FallbackState, phase: Phase, nowMs: number): FallbackState {
  const { phase: before, seen } = state;
  const next = fromNow(before, phase, nowMs, ownName(seen));
  if (next.kind === 'probing' && isOthersStep(next) && isOthersBeat(before, next)) seen.othersBeatMs = nowMs;
  if (next.run === before.run) return { ...state, phase: next, proposed: null };
  // Checks that failed here before others came nearer to new are no verdict on that.
  if (before.kind === 'fallen_back' && next.kind !== 'fallen_back') seen.newCheckFailures = 0;
  return enter(state, next);
}

function isOthersBeat(before: Phase, next: ProbingPhase): boolean {
  return before.kind === 'probing' && before.step === 0 && next.beat > before.beat;
}

/** `next` as of now, after `before`: what both say alike keeps the times that this replica knows it by. */
function fromNow(before: Phase, next: Phase, nowMs: number, self: string | null): Phase {
  const { reason, trippedBy, trips } = next;
  switch (next.kind) {
    case 'steady':
      return before.kind === 'steady'
        ? { ...before, reason, trippedBy, trips }
        : steadyPhase(nowMs, reason, trippedBy, trips);
    case 'fallen_back': {
      const { hold, waitMs } = next;
      const again = before.kind === 'fallen_back' ? before : null;
      if (again !== null && isSameHold(again.hold, hold) && (hold !== null || again.trips === trips)) {
        return { ...again, reason, trippedBy, trips };
      }
      const sinceMs = hold === null ? nowMs : (again?.sinceMs ?? nowMs);
      const retryAtMs = hold === null ? nowMs + waitMs : 0;
      return fallenBackPhase({ sinceMs, reason, trippedBy, trips, hold, waitMs, retryAtMs });
    }
    case 'probing':
      return probingFromNow(before, next, nowMs, self);
  }
}

function probingFromNow(before: Phase, next: ProbingPhase, nowMs: number, self: string | null): ProbingPhase {
  const { step, owner } = next;
  const again = before.kind === 'probing' && before.trips === next.trips ? before : null;
  if (again !== null && again.step === step) {
    if (again.owner === owner) return { ...again, reason: next.reason, beat: next.beat };
    const { sinceMs, stepMs } = again;
    return probingPhase({ ...next, sinceMs, stepMs, methods: next.run.methods }, self);
  }
  return probingPhase({ ...next, sinceMs: again?.sinceMs ?? nowMs, stepMs: nowMs, methods: next.run.methods }, self);
}

export function isSameHold(a: Hold | null, b: Hold | null): boolean {
  if (a === null || b === null) return a === b;
  return a.by === b.by && a.atMs === b.atMs && a.reason === b.reason;
}
