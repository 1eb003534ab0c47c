/**
 * How far probing has come: single requests first, then growing shares. In: a state, the policy, the time. Out: the next
 * step, `steady` after the last, or the same state. It never goes back: that is a trip, and judged elsewhere.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import { countedSoft } from './judge.ts';
import {
  type FallbackState,
  isOthersStep,
  type Observations,
  ownName,
  PROBE_STEPS_BP,
  type ProbingPhase,
  probingPhase,
  steadyPhase,
} from './state.ts';
import { approach } from './transitions.ts';

const STEP_SUCCESSES = 10;
const STEP_AT_MOST_MS = 10_000;

/** The shortest a step may be, however much it is asked. */
export function stepAtLeastMs(policy: FallbackPolicy): number {
  return Math.min(policy.recoveryTimeMs / 10, STEP_AT_MOST_MS);
}

/** The next step of probing, once the present one has shown enough. */
export function advanced(state: FallbackState, policy: FallbackPolicy, nowMs: number): FallbackState {
  const { phase, seen } = state;
  if (phase.kind !== 'probing' || isOthersStep(phase)) return state;
  seen.window.roll(nowMs);
  // Of the whole step: a broken build must not pass because its answers have left the window.
  const softFailures = countedSoft(seen.soft, seen.ok + seen.soft + seen.failed, seen.window);
  const successes = seen.ok + seen.soft - softFailures;
  const failures = seen.failed + softFailures;
  const lastedMs = nowMs - phase.stepMs;
  const busy = lastedMs >= stepAtLeastMs(policy) && successes >= STEP_SUCCESSES;
  const quiet = lastedMs >= policy.failureWindowMs && successes > 0 && failures === 0;
  if (!busy && !quiet) {
    const unasked = seen.window.newTotal === 0 && nowMs >= unaskedFromMs(phase, seen, policy);
    if (phase.step > 0 || phase.run.methods === 'all' || !unasked) return state;
    return { ...state, phase: probingPhase({ ...phase, methods: 'all' }, ownName(seen)) };
  }
  if (phase.step + 1 === PROBE_STEPS_BP.length) {
    const { trippedBy, trips } = phase;
    return approach(state, steadyPhase(nowMs, 'recovered: every step of probing went well', trippedBy, trips));
  }
  const next = { step: phase.step + 1, stepMs: nowMs, owner: null, beat: 0, methods: 'all' } as const;
  return approach(state, probingPhase({ ...phase, ...next }, ownName(seen)));
}

/** From when on the first step takes all methods, should nobody have been let through until then. */
export function unaskedFromMs(phase: ProbingPhase, seen: Observations, policy: FallbackPolicy): number {
  return Math.max(phase.stepMs, seen.othersBeatMs) + policy.failureWindowMs;
}
