/**
 * The other replicas as far as is known now, for whoever asks one of them through this one. In: what the register says, who this one is,
 * the time. Out: those that are alive, and of which of them the address is still sure: a caller's token goes there. Pure.
 */
import type { ReplicaSeen } from '../admin/backend.ts';
import type { ClusterFacts } from './cluster-link.ts';

/** Nobody heard of it for three beats. */
const SEEN_WITHIN_MS = 15_000;
/** A pod that ended may have left its address to another after this. */
const ADDRESS_HOLDS_MS = 60_000;

/** `own`: the name of this replica. `nowMs`: of the clock that stamps `seenMs`. */
export function replicasSeen(
  { apiServer, replicas }: Pick<ClusterFacts, 'apiServer' | 'replicas'>,
  own: string,
  nowMs: number,
): readonly ReplicaSeen[] {
  // Without the API server nobody is heard of, alive or not.
  const isHeard = apiServer.connected || apiServer.isRefused;
  const live = isHeard ? replicas.filter(({ seenMs }) => nowMs - seenMs < SEEN_WITHIN_MS) : replicas;
  return live.map(({ name, address, proof, configHash, version, seenMs, leader }) => {
    const seenAt = new Date(seenMs).toISOString();
    const isFresh = name === own || nowMs - seenMs < ADDRESS_HOLDS_MS;
    return { name, address, proof, isFresh, config_hash: configHash || null, version, seen_at: seenAt, leader };
  });
}
