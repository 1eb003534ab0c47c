/**
 * What a status says of the cluster that a proxy runs in, for people. In: the report and the time. Out: who else is there and
 * who leads, and what is wrong with the API server; nothing where there is no cluster. Pure.
 */
import type { ReplicaReport, StatusReport } from '../status/report.ts';
import { age } from './age.ts';
import { type Paint, plain } from './streams.ts';

/** Three beats: a replica that was heard of later is not worth a word. */
const SILENT_AFTER_MS = 15_000;

/** An edit is everywhere within this; who was last heard of before that may have told what it served before. */
const LIVE_EVERYWHERE_MS = 1_000;

/** `replicas  pod-a (leads)  pod-b`: one line, or none. */
export function replicaLines(status: StatusReport, nowMs: number, paint: Paint): string[] {
  const { replicas = [] } = status;
  if (replicas.length === 0) return [];
  return [['replicas', ...replicas.map((replica) => replicaText(replica, status, nowMs, paint))].join('  ')];
}

function replicaText(replica: ReplicaReport, status: StatusReport, nowMs: number, paint: Paint): string {
  const silentMs = nowMs - Date.parse(replica.seen_at);
  // Without the API server nobody is heard of.
  const { connected = false, refused = false } = status.api_server ?? {};
  const isSilent = (connected || refused) && silentMs > SILENT_AFTER_MS;
  const saidSince = Date.parse(replica.seen_at) > Date.parse(status.config.loaded_at ?? '') + LIVE_EVERYWHERE_MS;
  const differs = replica.config_hash !== status.config_hash && (saidSince || replica.config_hash === '');
  const troubles = [
    ...(isSilent ? [`not heard of for ${age(silentMs)}`] : []),
    ...(differs && !isSilent
      ? [replica.config_hash === '' ? 'serves nothing yet' : 'serves another configuration']
      : []),
    ...(replica.version === status.version ? [] : [`version ${replica.version}`]),
  ];
  const notes = [...(replica.leader ? ['leads'] : []), ...troubles];
  const text = plain(notes.length === 0 ? replica.name : `${replica.name} (${notes.join(', ')})`);
  return troubles.length === 0 ? text : paint('yellow', text);
}

/** Null: it answers, or there is none to ask. */
export function apiServerTrouble({ api_server: api, ready }: StatusReport): string | null {
  if (api === undefined || api.connected) return null;
  const why = api.problem ?? 'the API server has not answered yet';
  const unheard = api.refused ? 'changes of the configuration' : 'changes and other replicas';
  return `${why}: ${ready ? 'what is served goes on, ' : ''}${unheard} are not heard of`;
}
