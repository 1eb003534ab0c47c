/**
 * When traffic leaves the new cluster, and how it is let back in. In: a state, an event, the policy, the time, a source of
 * randomness. Out: the next state, the same object where nothing changed but counters. It holds nothing and waits for
 * nothing: `nextDueMs` says when a tick is worth sending. No transition depends on an outcome that may never come.
 */
import type { Cluster, FallbackPolicy } from '../migration/model.ts';
import { CHECKS_IN_A_ROW } from './judge.ts';
import { judged, observe } from './observe.ts';
import type { Outcome } from './outcome.ts';
import { advanced, stepAtLeastMs, unaskedFromMs } from './probing.ts';
import { adopted, beaten, granted, refused, takenOver } from './replicas.ts';
import { type FallbackState, type FallenBackPhase, forgetOld, isOthersStep, type Phase, steadyPhase } from './state.ts';
import { approach, enter, held, probeFrom, type Random, RECOVERY_TIMES, sentence } from './transitions.ts';
import { FailureWindow } from './window.ts';
import { durationText } from './words.ts';

export type FallbackEvent =
  /** Happened at the outcome's own end, whatever the time given. */
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** An active check ended just now. `error` null: it passed. */
  | { readonly kind: 'check'; readonly cluster: Cluster; readonly error: string | null }
  | { readonly kind: 'tick' }
  | { readonly kind: 'abort'; readonly by: string; readonly reason: string }
  | { readonly kind: 'resume'; readonly by: string; readonly reason: string }
  /** Other replicas agree with what was proposed. */
  | { readonly kind: 'granted' }
  /** They do not, or cannot be asked. */
  | { readonly kind: 'refused' }
  /** What all replicas share is this now. Null: an untouched service. `kept`: read for the first time, its times are the best there are. */
  | { readonly kind: 'adopted'; readonly phase: Phase | null; readonly how: 'kept' | 'shared' }
  /** Whoever sends the single requests has sent none for a while, and here is one that would go. */
  | { readonly kind: 'take_over' }
  /** We send them: the others shall know. */
  | { readonly kind: 'beat' }
  /** The policy is a new one. `newTarget`: whether new's host, backend, protocol or TLS policy is another; so for old. */
  | { readonly kind: 'configured'; readonly newTarget: 'same' | 'changed'; readonly oldTarget: 'same' | 'changed' };

/** A check older than this says nothing about whether probing may begin. */
export const CHECK_FRESH_MS = 1000;

export function step(
  state: FallbackState,
  event: FallbackEvent,
  policy: FallbackPolicy,
  nowMs: number,
  random: Random,
): FallbackState {
  switch (event.kind) {
    case 'outcome':
      return observe(state, event.outcome, policy, random);
    case 'check':
      return checked(state, event.cluster, event.error, policy, nowMs, random);
    case 'tick':
      return ticked(state, policy, nowMs);
    case 'abort':
      return enter(state, held(state.phase, event.by, event.reason, nowMs));
    case 'resume':
      return resumed(state, event.by, event.reason, nowMs);
    case 'configured':
      return configured(state, event, policy, nowMs);
    case 'granted':
      return granted(state, policy, nowMs);
    case 'refused':
      return refused(state);
    case 'adopted':
      return adopted(state, event.phase, event.how, nowMs);
    case 'take_over':
      return takenOver(state);
    case 'beat':
      return beaten(state);
  }
}

/** When a tick may change something, epoch ms; Infinity: only an event can. */
export function nextDueMs(state: FallbackState, policy: FallbackPolicy, nowMs: number): number {
  const { phase } = state;
  switch (phase.kind) {
    case 'steady':
      return phase.trips > 0 ? phase.sinceMs + RECOVERY_TIMES * policy.recoveryTimeMs : Infinity;
    case 'fallen_back':
      // After the wait it is a check that lets it go.
      return phase.hold === null && phase.retryAtMs > nowMs ? phase.retryAtMs : Infinity;
    case 'probing': {
      if (isOthersStep(phase)) return Infinity;
      const dues = [phase.stepMs + stepAtLeastMs(policy), phase.stepMs + policy.failureWindowMs];
      if (state.seen.othersBeatMs > phase.stepMs) dues.push(unaskedFromMs(phase, state.seen, policy));
      return Math.min(...dues.map((dueMs) => (dueMs > nowMs ? dueMs : Infinity)));
    }
  }
}

function resumed(state: FallbackState, by: string, why: string, nowMs: number): FallbackState {
  const { seen } = state;
  seen.window = new FailureWindow(seen.window.windowMs);
  seen.newCheckFailures = 0;
  return enter(state, steadyPhase(nowMs, sentence('resumed', by, why), null, 0));
}

function checked(
  state: FallbackState,
  cluster: Cluster,
  error: string | null,
  policy: FallbackPolicy,
  nowMs: number,
  random: Random,
): FallbackState {
  const { phase, seen } = state;
  if (cluster === 'new') {
    seen.newCheck = { atMs: nowMs, error };
    seen.newCheckFailures = error === null ? 0 : seen.newCheckFailures + 1;
  } else {
    seen.oldCheck = { atMs: nowMs, error };
    seen.oldCheckFailures = error === null ? 0 : seen.oldCheckFailures + 1;
  }
  if (phase.kind !== 'fallen_back') return judged(state, policy, nowMs, random);
  // What it was proposed on is no longer so.
  if (cluster === 'new' && error !== null) return refused(state);
  if (phase.hold !== null || seen.newCheck === null || seen.newCheck.error !== null) return state;
  // A check from before the trip does not say that new is back.
  if (seen.oldCheckFailures >= CHECKS_IN_A_ROW && seen.newCheck.atMs >= phase.sinceMs) {
    const why = `old failed ${seen.oldCheckFailures} active checks in a row`;
    return approach(state, probeFrom(phase, seen, nowMs, why));
  }
  return letGo(state, phase, nowMs);
}

function ticked(state: FallbackState, policy: FallbackPolicy, nowMs: number): FallbackState {
  const { phase } = state;
  switch (phase.kind) {
    case 'steady':
      if (phase.trips === 0 || nowMs < nextDueMs(state, policy, nowMs)) return state;
      return { ...state, phase: { ...phase, reason: null, trippedBy: null, trips: 0 } };
    case 'fallen_back':
      return phase.hold === null ? letGo(state, phase, nowMs) : state;
    case 'probing':
      return advanced(state, policy, nowMs);
  }
}

/** A wait that is over ends when a fresh check of new passes. */
function letGo(state: FallbackState, phase: FallenBackPhase, nowMs: number): FallbackState {
  const check = state.seen.newCheck;
  if (nowMs < phase.retryAtMs || check === null || check.error !== null) return state;
  if (nowMs - check.atMs > CHECK_FRESH_MS) return state;
  const why = `active check passes ${durationText(nowMs - phase.sinceMs)} later`;
  return approach(state, probeFrom(phase, state.seen, nowMs, why));
}

function configured(
  state: FallbackState,
  { newTarget, oldTarget }: Extract<FallbackEvent, { kind: 'configured' }>,
  policy: FallbackPolicy,
  nowMs: number,
): FallbackState {
  const { phase, seen } = state;
  if (policy.failureWindowMs !== seen.window.windowMs) seen.window = new FailureWindow(policy.failureWindowMs);
  // What is known was another cluster's.
  if (oldTarget === 'changed') forgetOld(seen);
  if (newTarget === 'changed') {
    seen.newCheck = null;
    seen.newCheckFailures = 0;
    seen.lastError = null;
    seen.newSinceMs = nowMs;
  }
  const byItself = phase.kind === 'probing' || (phase.kind === 'fallen_back' && phase.hold === null);
  if (newTarget === 'changed' && !(phase.kind === 'fallen_back' && phase.hold !== null)) {
    return enter(state, steadyPhase(nowMs, byItself ? 'the new cluster is another one' : null, null, 0));
  }
  if (policy.enabled) return state;
  if (byItself) return enter(state, steadyPhase(nowMs, 'fallback was turned off', null, 0));
  return phase.trips > 0 ? { ...state, phase: { ...phase, trippedBy: null, trips: 0 } } : state;
}
