/**
 * Whether a failed attempt is followed by another, and where. Pure; the whole policy is this one function.
 * The first danger is a request that acts twice: what may have reached a backend is sent again only when its method
 * allows it and its body is still held. The second is a storm: `retryAttempts` caps the sum over both clusters.
 */
import type { FailureKind } from '../fallback/outcome.ts';
import type { Cluster } from '../migration/model.ts';

export interface FailedAttempt {
  readonly cluster: Cluster;
  readonly failure: FailureKind;
  /** A kept connection closed before a byte of the answer: the connection's fault, not the cluster's. */
  readonly staleConnection: boolean;
  /** Some of the request may have left. */
  readonly sent: boolean;
}

export interface RequestSoFar {
  /** GET, HEAD, OPTIONS, PUT, DELETE. */
  readonly replayable: boolean;
  /** All of the body that has left is still in memory. */
  readonly bodyHeld: boolean;
  /** A byte of an answer, interim ones included, went to the client. */
  readonly answerBegun: boolean;
  /** Further attempts left. */
  readonly attemptsLeft: number;
  /** Old may still be asked: the first choice was new, fallback is enabled, and old was not tried yet. */
  readonly oldToCome: boolean;
  /** Another address of the cluster is there that this request did not try, and it tried only one so far. */
  readonly otherAddress: boolean;
}

export type NextAttempt = 'fresh_connection' | 'other_address' | 'old' | 'none';

export function nextAttempt(failed: FailedAttempt, request: RequestSoFar): NextAttempt {
  if (request.attemptsLeft <= 0 || request.answerBegun) return 'none';
  if (failed.sent && !(request.replayable && request.bodyHeld)) return 'none';
  // The last attempt is kept for old, as long as old may still be asked.
  const hereToo = request.attemptsLeft > (request.oldToCome ? 1 : 0);
  if (hereToo && failed.staleConnection) return 'fresh_connection';
  if (hereToo && request.otherAddress && isUnreachable(failed.failure)) return 'other_address';
  return request.oldToCome ? 'old' : 'none';
}

/** Nothing was sent and nobody waited: asking another address costs the client no time to speak of. */
function isUnreachable(failure: FailureKind): boolean {
  return failure === 'connect' || failure === 'dns' || failure === 'tls';
}
