import { expect } from 'chai';
import {
  SAMPLE_TIME_MS as NOW,
  sampleFallback,
  sampleMigration,
  sampleOutcome,
  sampleRecord,
} from '../../test/support/status-samples.ts';
import { buildStatus, type StatusFacts } from './build-status.ts';
import { ServiceStats } from './service-stats.ts';

function facts(changes: Partial<StatusFacts> = {}): StatusFacts {
  return {
    version: '0.1.0',
    nginx: null,
    cluster: null,
    replica: 'pod-a',
    ready: true,
    generation: 7,
    configHash: '3f9c',
    startedMs: NOW,
    nowMs: NOW,
    config: { source: 'file:m.yaml', loadedFrom: 'source', loadedMs: null, errors: [] },
    warnings: [],
    services: [],
    ...changes,
  };
}

const steady = {
  served: { migration: sampleMigration(), standing: 'valid' as const },
  source: 'file:m.yaml',
  fallback: sampleFallback(),
  stats: new ServiceStats(),
  changed: null,
};

describe('the status report', () => {
  it('tells of the API server and the replicas where there are any, and says nothing of them elsewhere', () => {
    const replica = { name: 'pod-b', version: '0.1.0', configHash: '3f9c', seenMs: NOW, leader: true };
    const apiServer = { connected: false, problem: 'does not answer', isRefused: false, lastHeardMs: null };
    const { api_server: told, replicas } = buildStatus(facts({ cluster: { apiServer, replicas: [replica] } }));
    expect(told).to.deep.equal({ connected: false, last_heard_at: null, refused: false, problem: 'does not answer' });
    const seenAt = new Date(NOW).toISOString();
    expect(replicas).to.deep.equal([
      { name: 'pod-b', version: '0.1.0', config_hash: '3f9c', seen_at: seenAt, leader: true },
    ]);
    expect(buildStatus(facts())).not.to.have.any.keys('api_server', 'replicas');
  });

  it('of a service that nobody asked yet has null where there is no data', () => {
    expect(buildStatus(facts({ services: [steady] })).services[0]).to.deep.equal({
      name: 'shop',
      source: 'file:m.yaml',
      old_host: 'shop.old.example',
      new_host: 'shop.new.example',
      path_prefix: null,
      enabled: true,
      strategy: 'weight',
      percentage: 20,
      stale: false,
      invalid: false,
      state: 'steady',
      state_reason: null,
      state_since: '2025-12-31T23:59:00.000Z',
      retry_at: null,
      both_failing: false,
      hold: null,
      tripped_by: null,
      trips: 0,
      failures_in_row: 0,
      max_failures: 5,
      probe_share: null,
      last_check: null,
      last_error: null,
      changed: null,
      new_share: null,
      old: { requests: 0, failures: 0, error_rate: null, latency_ms: { p50: null, p95: null, p99: null } },
      new: { requests: 0, failures: 0, error_rate: null, latency_ms: { p50: null, p95: null, p99: null } },
    });
  });

  it('of a service in trouble says what, since when, by whom and until when', () => {
    const stats = new ServiceStats();
    stats.request(sampleRecord({ cluster: 'old' }));
    stats.attempt(sampleOutcome({ failure: 'connect', status: 0 }));
    const fallback = sampleFallback({
      state: 'probing',
      reason: '5 failures in a row in 2.1 s: connect refused',
      retryAtMs: NOW + 1_000,
      hold: { by: 'ada', atMs: NOW, reason: 'maintenance' },
      trippedBy: 'pod-b',
      trips: 2,
      probeShare: 25,
      lastCheck: { atMs: NOW, ok: false, error: 'certificate expired 2 h ago' },
      lastError: { atMs: NOW, kind: 'connect', message: 'connect ECONNREFUSED' },
    });
    const changed = { atMs: NOW, by: 'ada', reason: 'more' };
    const served = { migration: sampleMigration({ shareBp: 2_999 }), standing: 'stale' as const };
    const [service] = buildStatus(facts({ services: [{ ...steady, served, fallback, stats, changed }] })).services;
    const at = '2026-01-01T00:00:00.000Z';
    expect(service).to.deep.include({
      percentage: 29.99,
      stale: true,
      state: 'probing',
      retry_at: '2026-01-01T00:00:01.000Z',
      hold: { by: 'ada', at, reason: 'maintenance' },
      tripped_by: 'pod-b',
      probe_share: 0.25,
      last_check: { at, ok: false, error: 'certificate expired 2 h ago' },
      last_error: { at, kind: 'connect', message: 'connect ECONNREFUSED' },
      changed: { at, by: 'ada', reason: 'more' },
      new_share: 0,
    });
    expect(service.new).to.deep.include({ requests: 1, failures: 1, error_rate: 1 });
  });

  it('names every error of the configuration with its place, and nothing else of it', () => {
    const error = {
      code: 'bad_value' as const,
      service: 'b',
      file: 'm.yaml',
      line: 12,
      column: 9,
      path: 'services[1].migration.percentage',
      message: '101 is not in 0..100',
    };
    const config = { source: 'file:m.yaml', loadedFrom: 'last_good' as const, loadedMs: NOW, errors: [error] };
    expect(buildStatus(facts({ config })).config).to.deep.equal({
      source: 'file:m.yaml',
      loaded_from: 'last_good',
      loaded_at: '2026-01-01T00:00:00.000Z',
      errors: [error],
    });
  });

  it('survives JSON unchanged, so no part of it is undefined or NaN', () => {
    const report = buildStatus(facts({ services: [steady] }));
    expect(JSON.parse(JSON.stringify(report))).to.deep.equal(report);
  });
});
