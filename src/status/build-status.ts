/**
 * Facts to `/status`: the one place where inner words become the public ones.
 * In: the served services with their fallback view and numbers, and how the configuration stands. Out: a StatusReport.
 * Refuses to know where the facts come from; every time is epoch ms here and RFC 3339 there.
 */
import type { FallbackView } from '../fallback/view.ts';
import type { ConfigError } from '../migration/errors.ts';
import type { Cluster, ServedMigration } from '../migration/model.ts';
import type { NginxFacts } from './nginx-facts.ts';
import type { ClusterReport, NginxReport, ServiceReport, StatusReport } from './report.ts';
import type { ServiceStats } from './service-stats.ts';

export interface ClusterStatusFacts {
  readonly apiServer: {
    readonly connected: boolean;
    readonly problem: string | null;
    readonly isRefused: boolean;
    readonly lastHeardMs: number | null;
  };
  readonly replicas: readonly {
    readonly name: string;
    readonly version: string;
    readonly configHash: string;
    readonly seenMs: number;
    readonly leader: boolean;
  }[];
}

export interface StatusHeadFacts {
  readonly version: string;
  /** Null: the configuration is a local file. */
  readonly cluster: ClusterStatusFacts | null;
  /** Null: the direct plane serves. */
  readonly nginx: NginxFacts | null;
  readonly replica: string;
  readonly ready: boolean;
  readonly generation: number;
  readonly configHash: string;
  readonly startedMs: number;
  readonly nowMs: number;
  readonly config: {
    readonly source: string;
    readonly loadedFrom: 'source' | 'last_good';
    readonly loadedMs: number | null;
    readonly errors: readonly ConfigError[];
  };
  readonly warnings: StatusReport['warnings'];
}

export interface StatusFacts extends StatusHeadFacts {
  /** In the order in which they are to be shown. */
  readonly services: readonly ServiceFacts[];
}

export interface ServiceFacts {
  readonly served: ServedMigration;
  /** `configmap:NAMESPACE/NAME`, `file:PATH`: as `config.source` names one. */
  readonly source: string;
  readonly fallback: FallbackView;
  readonly stats: ServiceStats;
  /** The last change of this service that somebody made while we looked. */
  readonly changed: { readonly atMs: number; readonly by: string; readonly reason: string } | null;
}

export function buildStatus(facts: StatusFacts): StatusReport {
  const services = facts.services.map((service) => buildServiceReport(service, facts.nowMs));
  return { ...buildStatusHead(facts), services };
}

/** All but the services: thousands of those are built one by one. */
export function buildStatusHead(facts: StatusHeadFacts): Omit<StatusReport, 'services'> {
  const { config } = facts;
  return {
    version: facts.version,
    data_plane: facts.nginx === null ? 'direct' : 'nginx',
    replica: facts.replica,
    ready: facts.ready,
    generation: facts.generation,
    config_hash: facts.configHash,
    started_at: time(facts.startedMs),
    ...(facts.cluster === null ? {} : clusterReport(facts.cluster)),
    ...(facts.nginx === null ? {} : { nginx: nginxReport(facts.nginx) }),
    config: {
      source: config.source,
      loaded_from: config.loadedFrom,
      loaded_at: timeOrNull(config.loadedMs),
      errors: config.errors.map(({ code, service, file, line, column, path, message }) => {
        return { code, service, file, line, column, path, message };
      }),
    },
    warnings: facts.warnings,
  };
}

function clusterReport({ apiServer, replicas }: ClusterStatusFacts): Pick<StatusReport, 'api_server' | 'replicas'> {
  const { connected, isRefused, lastHeardMs, problem } = apiServer;
  return {
    api_server: { connected, last_heard_at: timeOrNull(lastHeardMs), refused: isRefused, problem },
    replicas: replicas.map(({ name, version, configHash, seenMs, leader }) => {
      return { name, version, config_hash: configHash, seen_at: time(seenMs), leader };
    }),
  };
}

function nginxReport({ up, runningGeneration, lastReload }: NginxFacts): NginxReport {
  const last = lastReload && { at: time(lastReload.atMs), ok: lastReload.ok, error: lastReload.error };
  return { up, running_generation: runningGeneration, last_reload: last };
}

export function buildServiceReport(facts: ServiceFacts, nowMs: number): ServiceReport {
  const { fallback, stats, changed } = facts;
  const { migration, standing } = facts.served;
  const { hold, lastCheck, lastError } = fallback;
  return {
    name: migration.name,
    source: facts.source,
    old_host: migration.old.host,
    new_host: migration.new.host,
    path_prefix: migration.pathPrefix,
    enabled: migration.enabled,
    strategy: migration.strategy,
    percentage: migration.shareBp / 100,
    stale: standing === 'stale',
    invalid: standing === 'invalid',
    state: fallback.state,
    state_reason: fallback.reason,
    state_since: time(fallback.sinceMs),
    retry_at: timeOrNull(fallback.retryAtMs),
    both_failing: fallback.bothFailing,
    hold: hold && { by: hold.by, at: time(hold.atMs), reason: hold.reason },
    tripped_by: fallback.trippedBy,
    trips: fallback.trips,
    failures_in_row: fallback.failuresInRow,
    max_failures: fallback.maxFailures,
    probe_share: fallback.probeShare === null ? null : fallback.probeShare / 100,
    last_check: lastCheck && { at: time(lastCheck.atMs), ok: lastCheck.ok, error: lastCheck.error },
    last_error: lastError && { at: time(lastError.atMs), kind: lastError.kind, message: lastError.message },
    changed: changed && { at: time(changed.atMs), by: changed.by, reason: changed.reason },
    new_share: stats.newShare(nowMs),
    old: countsAt(stats, 'old', nowMs),
    new: countsAt(stats, 'new', nowMs),
  };
}

function countsAt(stats: ServiceStats, cluster: Cluster, nowMs: number): ClusterReport {
  const { errorRate, p50, p95, p99 } = stats.lastMinuteOf(cluster, nowMs);
  return {
    requests: stats.attemptsAt(cluster),
    failures: stats.failuresAt(cluster),
    error_rate: errorRate,
    latency_ms: { p50, p95, p99 },
  };
}

function time(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function timeOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : time(epochMs);
}
