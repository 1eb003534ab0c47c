/**
 * Made-up records for tests of the status room and of the admin server: one of each shape, any field replaceable.
 */
import type { Outcome } from '../../src/fallback/outcome.ts';
import type { FallbackView } from '../../src/fallback/view.ts';
import type { ClusterTarget, Migration } from '../../src/migration/model.ts';
import type { HistoryEntry } from '../../src/status/history-entries.ts';
import type { RequestRecord } from '../../src/status/request-record.ts';

/** 2026-01-01T00:00:00Z. */
export const SAMPLE_TIME_MS = Date.UTC(2026, 0, 1);

export function sampleRecord(changes: Partial<RequestRecord> = {}): RequestRecord {
  return {
    service: 'shop',
    cluster: 'new',
    reason: 'weight',
    status: 200,
    answered: true,
    attempts: [{ cluster: 'new', failure: null, message: '', durationMs: 4 }],
    startedMs: SAMPLE_TIME_MS - 5,
    endedMs: SAMPLE_TIME_MS,
    requestId: '0123456789abcdef0123456789abcdef',
    method: 'GET',
    ...changes,
  };
}

export function sampleOutcome(changes: Partial<Outcome> = {}): Outcome {
  return {
    service: 'shop',
    cluster: 'new',
    startedMs: SAMPLE_TIME_MS - 4,
    endedMs: SAMPLE_TIME_MS,
    status: 200,
    failure: null,
    message: '',
    probe: false,
    ...changes,
  };
}

export function sampleFallback(changes: Partial<FallbackView> = {}): FallbackView {
  return {
    state: 'steady',
    reason: null,
    sinceMs: SAMPLE_TIME_MS - 60_000,
    retryAtMs: null,
    bothFailing: false,
    hold: null,
    trippedBy: null,
    trips: 0,
    failuresInRow: 0,
    maxFailures: 5,
    probeShare: null,
    lastCheck: null,
    lastError: null,
    ...changes,
  };
}

export function sampleEntry(changes: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    id: '1a',
    at: new Date(SAMPLE_TIME_MS).toISOString(),
    service: 'shop',
    kind: 'percentage',
    by: 'cli:ada',
    from: '20 %',
    to: '30 %',
    why: 'a quiet night',
    message: 'shop: 20 % -> 30 %, by cli:ada: a quiet night',
    ...changes,
  };
}

export function sampleMigration(changes: Partial<Migration> = {}): Migration {
  return {
    name: 'shop',
    enabled: true,
    pathPrefix: null,
    old: sampleTarget('shop.old.example', 8078),
    new: sampleTarget('shop.new.example', 443),
    strategy: 'weight',
    shareBp: 2_000,
    cohort: 'shop',
    userIdHeader: 'x-user-id',
    sticky: false,
    hash: 'murmur2',
    headerRules: [],
    cookieRules: [],
    ipRules: [],
    userRules: [],
    fallback: {
      enabled: true,
      maxFailures: 5,
      failureWindowMs: 60_000,
      recoveryTimeMs: 300_000,
      maxFailureRate: 0.5,
      minRequests: 20,
      failureStatuses: [502, 503, 504],
    },
    retryAttempts: 3,
    timeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    streamIdleTimeoutMs: 3_600_000,
    healthCheckIntervalMs: 30_000,
    healthCheckPath: null,
    trustedProxies: [],
    exposeDecision: false,
    ...changes,
  };
}

function sampleTarget(host: string, port: number): ClusterTarget {
  return {
    host,
    address: host,
    port,
    protocol: port === 443 ? 'https' : 'http',
    tls: { ca: null, caFile: null, serverName: null, insecureSkipVerify: false },
  };
}
