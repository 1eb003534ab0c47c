/**
 * What one outcome says about the health of the cluster that it came from. In: an outcome and the statuses that count as
 * failures. Out: one word. It knows nothing of windows, states or time.
 */
import type { Outcome } from './outcome.ts';

/** `soft`: another 5xx answer: the backend lives, but it may be a broken build. Counts for the failure rate alone. */
export type Verdict = 'success' | 'soft' | 'failure';

/** `failureStatuses`: the service's `failure_statuses`. They fail the new cluster only; old has no other to go to. */
export function classify(outcome: Outcome, failureStatuses: readonly number[]): Verdict {
  if (outcome.failure !== null) return 'failure';
  // No `failure_statuses` are below 400: most outcomes need not look.
  if (outcome.status < 400) return 'success';
  if (failureStatuses.includes(outcome.status)) return outcome.cluster === 'new' ? 'failure' : 'success';
  return outcome.status >= 500 ? 'soft' : 'success';
}
