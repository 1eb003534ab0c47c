/**
 * What one outcome does to a service's state. Every request passes here, so a success in `steady` allocates nothing and
 * returns the state it was given. In: an outcome, with the time it was known. Out: the next state.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import { classify } from './classify.ts';
import { isSpared, tripReason } from './judge.ts';
import type { Outcome } from './outcome.ts';
import { advanced } from './probing.ts';
import type { FallbackState } from './state.ts';
import { enter, type Random, tripped } from './transitions.ts';

/** Happens at the outcome's own end. Attempts that began before the present phase do not count. */
export function observe(state: FallbackState, outcome: Outcome, policy: FallbackPolicy, random: Random): FallbackState {
  const { phase, seen } = state;
  // Read here: a time handed on as an argument is a number on the heap for each request.
  const nowMs = outcome.endedMs;
  const verdict = classify(outcome, policy.failureStatuses);
  if (outcome.cluster === 'old') {
    if (outcome.startedMs < phase.sinceMs) return state;
    if (verdict === 'soft') seen.window.recordOldSoft(nowMs);
    else seen.window.recordOld(nowMs);
    return state;
  }
  if (verdict === 'failure' && outcome.startedMs >= seen.newSinceMs) {
    const message = outcome.message === '' && outcome.status > 0 ? `answered ${outcome.status}` : outcome.message;
    seen.lastError = { atMs: nowMs, kind: outcome.failure ?? 'status', message };
  }
  if (phase.kind === 'fallen_back' || outcome.startedMs < phase.sinceMs) return state;
  // The first step is about the one request that was let through on purpose.
  if (phase.kind === 'probing' && phase.step === 0 && !outcome.probe) return state;

  if (verdict === 'success') {
    seen.window.recordNewOk(nowMs);
    seen.ok++;
    if (seen.rowMs.length > 0) endRow(seen.rowMs, nowMs);
    seen.newCheckFailures = 0;
    if (phase.kind === 'steady' && seen.window.newFailed + seen.window.newSoft === 0) return state;
  } else if (verdict === 'soft') {
    // Neither adds to a row of failures nor ends one.
    seen.window.recordNewSoft(nowMs);
    seen.soft++;
  } else {
    seen.window.recordNewFailed(nowMs);
    seen.failed++;
    seen.rowMs.push(nowMs);
    while (seen.rowMs.length > policy.maxFailures) seen.rowMs.shift();
  }
  return judged(state, policy, nowMs, random);
}

/** A success ends the row of failures before it; one that is told late says nothing of those that came after it. */
function endRow(rowMs: number[], nowMs: number): void {
  let ended = rowMs.length;
  while (ended > 0 && rowMs[ended - 1] > nowMs) ended--;
  rowMs.splice(0, ended);
}

/** Trips where enough was seen, else goes on with probing. */
export function judged(state: FallbackState, policy: FallbackPolicy, nowMs: number, random: Random): FallbackState {
  if (policy.enabled) {
    const reason = tripReason(state.phase, state.seen, policy, nowMs);
    if (reason !== null && !isSpared(state.seen, nowMs)) {
      return enter(state, tripped(state, reason, policy, nowMs, random));
    }
  }
  return advanced(state, policy, nowMs);
}
