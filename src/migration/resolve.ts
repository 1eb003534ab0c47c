/**
 * From values that have passed to what a migration is: every default applied, times in milliseconds, shares in basis points, hosts
 * and header names in lower case. In: a service and the globals of its document. Out: a deeply frozen Migration. It judges nothing.
 */
import { parseBackend } from './addresses.ts';
import { parseDurationMs } from './duration.ts';
import { deepFreeze } from './freeze.ts';
import type { Cluster, ClusterTarget, FallbackPolicy, Match, Migration, Protocol, TlsPolicy } from './model.ts';
import type { RawGlobal, RawService } from './schema.ts';
import { percentToBp } from './share.ts';
import { normalPathPrefix, parseHashRange } from './texts.ts';

/** Throws on values that validation refuses. */
export function resolveMigration(global: RawGlobal, service: RawService): Migration {
  const { migration = {}, canary = {} } = service;
  const { strategy = 'weight', enabled = true } = migration;
  const userRules = canary.user_rules ?? [];
  const userIdHeader = migration.user_id_header ?? userRules[0]?.user_id_header ?? 'X-User-ID';
  return deepFreeze({
    name: service.name,
    enabled,
    pathPrefix: service.path_prefix === undefined ? null : normalPathPrefix(service.path_prefix),
    old: clusterTarget(service.old_host, service.old_backend, service.old_protocol, service.old_tls),
    new: clusterTarget(service.new_host, service.new_backend, service.new_protocol, service.new_tls),
    strategy,
    shareBp: shareBp(migration.percentage ?? 0),
    cohort: migration.cohort ?? service.name,
    userIdHeader: userIdHeader.toLowerCase(),
    sticky: migration.sticky === 'cookie',
    hash: migration.hash ?? 'murmur2',
    headerRules: (canary.header_rules ?? []).map((rule) => ({
      header: rule.header.toLowerCase(),
      match: toMatch(rule.match, rule.value),
      target: toCluster(rule.target),
    })),
    cookieRules: (canary.cookie_rules ?? []).map((rule) => ({
      cookie: rule.cookie,
      match: toMatch(rule.match, rule.value),
      target: toCluster(rule.target),
    })),
    ipRules: (canary.ip_rules ?? []).map((rule) => ({ cidr: rule.cidr, target: toCluster(rule.target) })),
    userRules: userRules.map((rule) => ({
      header: rule.user_id_header.toLowerCase(),
      ...parseHashRange(rule.hash_range),
      target: toCluster(rule.target),
    })),
    fallback: fallbackPolicy(service.fallback ?? {}),
    retryAttempts: global.retry_attempts ?? 3,
    timeoutMs: durationMs(service.timeout ?? global.default_timeout ?? '30s'),
    connectTimeoutMs: durationMs(service.connect_timeout ?? global.connect_timeout ?? '5s'),
    streamIdleTimeoutMs: durationMs(global.stream_idle_timeout ?? '1h'),
    healthCheckIntervalMs: durationMs(global.health_check_interval ?? '30s'),
    healthCheckPath: service.health_check?.path ?? null,
    trustedProxies: global.trusted_proxies ?? [],
    exposeDecision: global.expose_decision ?? false,
  });
}

function clusterTarget(
  host: string,
  backend: string,
  protocol: Protocol | undefined,
  tls: RawService['old_tls'] = {},
): ClusterTarget {
  const { address, port } = parseBackend(backend);
  const policy: TlsPolicy = {
    ca: tls.ca ?? null,
    caFile: tls.ca_file ?? null,
    serverName: tls.server_name?.toLowerCase() ?? null,
    insecureSkipVerify: tls.insecure_skip_verify ?? false,
  };
  return {
    host: host.toLowerCase(),
    address,
    port,
    protocol: protocol ?? (port === 443 ? 'https' : 'http'),
    tls: policy,
  };
}

function toMatch(kind: Match['kind'] = 'exact', value = ''): Match {
  if (kind === 'present') return { kind };
  return kind === 'regex' ? { kind, source: value } : { kind, value };
}

function toCluster(target: 'new_cluster' | 'old_cluster'): Cluster {
  return target === 'new_cluster' ? 'new' : 'old';
}

function fallbackPolicy(raw: NonNullable<RawService['fallback']>): FallbackPolicy {
  return {
    enabled: raw.enabled ?? true,
    maxFailures: raw.max_failures ?? 5,
    failureWindowMs: durationMs(raw.failure_window ?? '60s'),
    recoveryTimeMs: durationMs(raw.recovery_time ?? '300s'),
    maxFailureRate: shareBp(raw.max_failure_rate ?? 50) / 10_000,
    minRequests: raw.min_requests ?? 20,
    failureStatuses: [...new Set(raw.failure_statuses ?? [502, 503, 504])].sort((x, y) => x - y),
  };
}

function durationMs(value: string | number): number {
  const ms = parseDurationMs(value);
  if (ms === null) throw new Error('a duration that was never validated');
  return ms;
}

function shareBp(percent: number): number {
  const bp = percentToBp(percent);
  if (bp === null) throw new Error('a percentage that was never validated');
  return bp;
}
