/**
 * What a new configuration changes, in words, service by service. In: what was served and what is served now. Out: one entry for
 * each service that is no longer what it was. Pure; who changed it and why, others know.
 */
import type { Migration, ServedMigration } from '../migration/model.ts';

export interface ServiceChange {
  readonly service: string;
  /** `percentage 20 -> 30`, `added`, `removed`, `stale: its last good version stays` ... */
  readonly what: string;
  /** Per cent; null where it is what it was. */
  readonly percentage: { readonly from: number; readonly to: number } | null;
  /** What else of the configuration changed, in the same words; '' for nothing. That it is in error is told as an error. */
  readonly other: string;
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
    if (was === undefined) changes.push(whole(name, 'added'));
    else if (was !== served) changes.push(...difference(was, served));
  }
  for (const service of earlier.keys()) changes.push(whole(service, 'removed'));
  return changes;
}

function whole(service: string, what: string): ServiceChange {
  return { service, what, percentage: null, other: what };
}

/** One, or none where both are the same. */
function difference(was: ServedMigration, is: ServedMigration): ServiceChange[] {
  const standing = was.standing === is.standing ? [] : [STANDINGS[is.standing]];
  const [from, to] = [was.migration.shareBp / 100, is.migration.shareBp / 100];
  const percentage = from === to ? null : { from, to };
  const keys: string[] = [];
  for (const key of Object.keys(is.migration) as (keyof Migration)[]) {
    if (key === 'shareBp' || isEqual(was.migration[key], is.migration[key])) continue;
    keys.push(key === 'enabled' ? (is.migration.enabled ? 'enabled' : 'disabled') : WORDS[key]);
  }
  const words = [...standing, ...(percentage === null ? [] : [`percentage ${from} -> ${to}`]), ...keys];
  if (words.length === 0) return [];
  const other = joined([...(is.standing === 'valid' ? standing : []), ...keys]);
  return [{ service: is.migration.name, what: joined(words), percentage, other }];
}

function joined(words: readonly string[]): string {
  return [...new Set(words)].join(', ');
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
