/**
 * One service on the fallback board: its state with what was configured, and small questions about them. Pure but for hashing.
 */
import { createHash } from 'node:crypto';
import type { FallbackState, Phase } from '../fallback/state.ts';
import type { FallbackEvent } from '../fallback/step.ts';
import type { ClusterTarget, FallbackPolicy, ServedMigration } from '../migration/model.ts';
import type { OwnChange } from './replicas.ts';

export interface Entry {
  readonly name: string;
  state: FallbackState;
  served: ServedMigration;
  /** As configured. */
  policy: FallbackPolicy;
  /** By which outcomes and checks are judged: a service that sends nothing to new does not trip. */
  judging: FallbackPolicy;
  newTarget: string;
  oldTarget: string;
  bothFailing: boolean;
  tripsDecided: number;
  /** Of the shared text, beside the state: another version's, kept. */
  members: Readonly<Record<string, unknown>>;
  /** When the shared text was last another one. */
  heardMs: number;
}

/** Only a check that passes is still missing. */
export function isWaitOver({ state: { phase } }: Entry, nowMs: number): boolean {
  return phase.kind === 'fallen_back' && phase.hold === null && nowMs >= phase.retryAtMs;
}

/** What people want to hear of: another state, step of probing or hold; not that a quiet phase took a wider method set. */
export function isTransition(from: Phase, to: Phase): boolean {
  if (from.kind !== to.kind) return true;
  if (from.kind === 'probing' && to.kind === 'probing') return from.step !== to.step;
  if (from.kind === 'fallen_back' && to.kind === 'fallen_back') return from.hold !== to.hold;
  return from.sinceMs !== to.sinceMs;
}

/** What the others are to hear of; null: nothing, or it is they who said it. */
export function ownChange(event: FallbackEvent['kind'], from: Phase, to: Phase): OwnChange | null {
  if (event === 'granted' || event === 'refused' || event === 'adopted') return null;
  if (event === 'beat' || event === 'resume') return event;
  if (to.kind === 'fallen_back' && to.hold !== null) return 'hold';
  if (to.kind === 'fallen_back') return from.kind === 'fallen_back' ? null : 'trip';
  return from.kind !== to.kind || from.trips !== to.trips ? 'reset' : null;
}

export function judgingPolicy(served: ServedMigration): FallbackPolicy {
  const { enabled, fallback } = served.migration;
  return enabled && served.standing !== 'invalid' ? fallback : { ...fallback, enabled: false };
}

/** Changes when what was learned about a cluster no longer holds: host, backend, protocol or TLS policy. */
export function targetHash(target: ClusterTarget): string {
  const { host, address, port, protocol, tls } = target;
  const authority = tls.ca ?? tls.caFile;
  const text = JSON.stringify([host, address, port, protocol, authority, tls.serverName, tls.insecureSkipVerify]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
