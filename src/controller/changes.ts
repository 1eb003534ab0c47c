/**
 * What a new configuration changes, in words, service by service. In: what was served and what is served now. Out: one entry for
 * each service that is no longer what it was. Pure; who changed it and why, others know.
 */
import type { Migration, ServedMigration } from '../migration/model.ts';

export interface ServiceChange {
  readonly service: string;
  /** `percentage 20 -> 30`, `added`, `removed`, `stale: its last good version stays` ... */
  readonly what: string;
}

export function changesBetween(
  before: readonly ServedMigration[],
  after: readonly ServedMigration[],
): readonly ServiceChange[] {
  const earlier = new Map(before.map((served) => [served.migration.name, served]));
  const changes: ServiceChange[] = [];
  for (const served of after) {
    const { name } = served.migration;
    const was = earlier.get(name);
    earlier.delete(name);
    const what = was === undefined ? 'added' : difference(was, served);
    if (what !== '') changes.push({ service: name, what });
  }
  for (const service of earlier.keys()) changes.push({ service, what: 'removed' });
  return changes;
}

/** '' where both are the same. */
function difference(was: ServedMigration, is: ServedMigration): string {
  const parts: string[] = [];
  if (was.standing !== is.standing) parts.push(STANDINGS[is.standing]);
  if (was.migration.shareBp !== is.migration.shareBp) {
    parts.push(`percentage ${was.migration.shareBp / 100} -> ${is.migration.shareBp / 100}`);
  }
  for (const key of Object.keys(is.migration) as (keyof Migration)[]) {
    if (key === 'shareBp' || isEqual(was.migration[key], is.migration[key])) continue;
    parts.push(key === 'enabled' ? (is.migration.enabled ? 'enabled' : 'disabled') : WORDS[key]);
  }
  return [...new Set(parts)].join(', ');
}

const STANDINGS: Readonly<Record<ServedMigration['standing'], string>> = {
  valid: 'valid again',
  stale: 'stale: its last good version stays',
  invalid: 'in error: served by old alone',
};

const WORDS: Readonly<Record<Exclude<keyof Migration, 'shareBp' | 'enabled'>, string>> = {
  name: 'name',
  pathPrefix: 'path_prefix',
  old: 'old cluster',
  new: 'new cluster',
  strategy: 'strategy',
  cohort: 'cohort',
  userIdHeader: 'user_id_header',
  sticky: 'sticky',
  hash: 'hash',
  headerRules: 'header_rules',
  cookieRules: 'cookie_rules',
  ipRules: 'ip_rules',
  userRules: 'user_rules',
  fallback: 'fallback',
  retryAttempts: 'retry_attempts',
  timeoutMs: 'timeout',
  connectTimeoutMs: 'connect_timeout',
  streamIdleTimeoutMs: 'stream_idle_timeout',
  healthCheckIntervalMs: 'health_check_interval',
  healthCheckPath: 'health_check',
  trustedProxies: 'trusted_proxies',
  exposeDecision: 'expose_decision',
};

/** Plain data whose keys are always written in the same order. */
function isEqual(x: unknown, y: unknown): boolean {
  return x === y || JSON.stringify(x) === JSON.stringify(y);
}
