/**
 * Whether what was seen of the new cluster is enough to leave it, and the reason in words. Two rules, because a rate alone
 * never trips a quiet dead cluster, and a row alone never trips one that fails every third time; active checks are the third,
 * for a service that nobody asks. It decides nothing about states, and changes nothing but the age of the window.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import type { Observations, Phase } from './state.ts';
import type { FailureWindow } from './window.ts';
import { durationText, failureText } from './words.ts';

/** Failed active checks in a row that count as an answer to the question whether a cluster is there. */
export const CHECKS_IN_A_ROW = 3;

/** While probing a service is judged sooner than the configuration says, never later. */
function maxFailuresOf(phase: Phase, policy: FallbackPolicy): number {
  if (phase.kind !== 'probing') return policy.maxFailures;
  return phase.step === 0 ? 1 : Math.min(2, policy.maxFailures);
}

function minRequestsOf(phase: Phase, policy: FallbackPolicy): number {
  return phase.kind === 'probing' ? Math.min(10, policy.minRequests) : policy.minRequests;
}

/** Why the service should trip now; null: it should not. */
export function tripReason(phase: Phase, seen: Observations, policy: FallbackPolicy, nowMs: number): string | null {
  const { rowMs, window } = seen;
  const maxFailures = maxFailuresOf(phase, policy);
  if (rowMs.length >= maxFailures) {
    const firstMs = rowMs[rowMs.length - maxFailures];
    if (nowMs - firstMs <= policy.failureWindowMs) {
      return rowText(maxFailures, rowMs[rowMs.length - 1] - firstMs, seen);
    }
  }
  window.roll(nowMs);
  const total = window.newTotal;
  const failed = window.newFailed + countedSoft(window.newSoft, total, window);
  if (policy.maxFailureRate > 0 && failed > 0 && total >= minRequestsOf(phase, policy)) {
    if (failed / total >= policy.maxFailureRate) return rateText(failed, total, window);
  }
  if (seen.newCheckFailures >= CHECKS_IN_A_ROW) {
    return `${seen.newCheckFailures} active checks in a row failed: ${seen.newCheck?.error ?? ''}`;
  }
  return null;
}

/**
 * Of `soft` soft answers among `total` of new, those that count as failures: all, while old gives less than half as many of
 * them a request; none, when old is about as bad: then it is the application, and going back would not help. Old unasked is
 * old without them.
 */
export function countedSoft(soft: number, total: number, { oldSoft, oldTotal }: FailureWindow): number {
  const oldRate = oldTotal === 0 ? 0 : oldSoft / oldTotal;
  return soft > 0 && oldRate < soft / total / 2 ? soft : 0;
}

/** Old's check fails, and new still answers something: then new is the better of two bad places. */
export function isSpared(seen: Observations, nowMs: number): boolean {
  if (seen.oldCheckFailures === 0) return false;
  seen.window.roll(nowMs);
  return seen.window.newOk + seen.window.newSoft > 0;
}

/** Neither cluster is well: old's check fails, and new failed its check, tripped, or would trip if old were better. */
export function bothFailing(phase: Phase, seen: Observations, policy: FallbackPolicy, nowMs: number): boolean {
  if (seen.oldCheckFailures === 0) return false;
  if (seen.newCheckFailures > 0) return true;
  if (phase.kind === 'fallen_back') return phase.hold === null;
  return tripReason(phase, seen, policy, nowMs) !== null;
}

function rowText(count: number, lastedMs: number, seen: Observations): string {
  const cause = seen.lastError === null ? '' : `: ${failureText(seen.lastError.kind, seen.lastError.message)}`;
  return count === 1 ? `1 failure${cause}` : `${count} failures in a row in ${durationText(lastedMs)}${cause}`;
}

function rateText(failed: number, total: number, window: FailureWindow): string {
  const rate = `failure rate ${Math.round((100 * failed) / total)} % of ${total} requests in ${durationText(window.windowMs)}`;
  const soft = failed - window.newFailed;
  return soft > 0 ? `${rate}, ${soft} of the failures being other 5xx answers that old gives less often` : rate;
}
