import { expect } from 'chai';
import { parsePrometheusText } from '../../test/support/prometheus-text.ts';
import { sampleOutcome, sampleRecord } from '../../test/support/status-samples.ts';
import { ServiceStats } from '../status/service-stats.ts';
import type { MetricsFacts, ServiceMetricsFacts } from './metric-families.ts';
import { createMetrics, type Metrics } from './metrics.ts';

function service(changes: Partial<ServiceMetricsFacts> = {}): ServiceMetricsFacts {
  return { name: 'shop', percentage: 20, state: 'steady', fallbacks: 0, stats: new ServiceStats(), ...changes };
}

function facts(changes: Partial<MetricsFacts> = {}): MetricsFacts {
  return {
    generation: 7,
    configErrors: 1,
    lastSuccessMs: 1_500,
    connections: { client: 3, old: 2, new: 1 },
    nginx: null,
    cluster: null,
    refusals: new Map([['no_such_host', 4]]),
    services: [service()],
    ...changes,
  };
}

const scrape = async (metrics: Metrics): Promise<string> => (await metrics.scrape()).toString();

async function ours(snapshot: () => MetricsFacts) {
  const families = parsePrometheusText(await scrape(createMetrics(snapshot)));
  return new Map([...families].filter(([name]) => name.startsWith('migration_proxy_')));
}

describe('metrics', () => {
  it('tell of nginx where it serves, and say nothing of it where it does not', async () => {
    const nginx = { up: true, reloads: { ok: 4, failed: 1 } };
    const families = await ours(() => facts({ nginx }));
    expect(families.get('migration_proxy_nginx_up')?.samples).to.have.nested.property('[0].value', 1);
    const reloads = families.get('migration_proxy_nginx_reloads_total')?.samples ?? [];
    expect(reloads.map(({ labels, value }) => [labels.result, value])).to.deep.equal([
      ['ok', 4],
      ['failed', 1],
    ]);
    expect([...(await ours(() => facts())).keys()].filter((name) => name.includes('nginx'))).to.deep.equal([]);
  });

  it('tell of the cluster where there is one, and say nothing of it where there is none', async () => {
    const sharedWrites = { done: 3, stale: 2, failed: 0 };
    const cluster = { connected: true, isLeader: false, replicas: 3, sharedWrites, lastHeardMs: 4_500 };
    const families = await ours(() => facts({ cluster }));
    const values = (name: string) => (families.get(`migration_proxy_${name}`)?.samples ?? []).map(({ value }) => value);
    expect(values('api_server_connected')).to.deep.equal([1]);
    expect(values('leader')).to.deep.equal([0]);
    expect(values('replicas')).to.deep.equal([3]);
    expect(values('shared_writes_total')).to.deep.equal([3, 2, 0]);
    expect(values('config_source_last_sync_timestamp_seconds')).to.deep.equal([4.5]);
    const alone = [...(await ours(() => facts())).keys()].join();
    expect(alone).not.to.match(/api_server|leader|replicas|shared|last_sync/);
  });

  it('have exactly the names, types and labels that alerts hold on to', async () => {
    const stats = new ServiceStats();
    const attempts = [
      { cluster: 'new' as const, failure: 'reset' as const, message: '', durationMs: 1 },
      { cluster: 'old' as const, failure: null, message: '', durationMs: 1 },
    ];
    stats.request(sampleRecord({ cluster: 'old', attempts }));
    stats.attempt(sampleOutcome({ failure: 'reset', status: 0 }));
    const families = await ours(() => facts({ services: [service({ stats })] }));
    const shapes = Object.fromEntries(
      [...families].map(([name, { type, samples }]) => {
        const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
        return [name.slice('migration_proxy_'.length), `${type} ${[...labels].join(',')}`.trim()];
      }),
    );
    expect(shapes).to.deep.equal({
      requests_total: 'counter service,cluster,reason,code',
      request_duration_seconds: 'histogram service,cluster,le',
      upstream_failures_total: 'counter service,cluster,kind',
      retries_total: 'counter service,from,to',
      service_state: 'gauge service,state',
      service_percentage: 'gauge service',
      fallbacks_total: 'counter service',
      config_errors: 'gauge',
      config_generation: 'gauge',
      config_last_success_timestamp_seconds: 'gauge',
      open_connections: 'gauge side',
      refused_requests_total: 'counter reason',
    });
  });

  it('say what happened', async () => {
    const stats = new ServiceStats();
    stats.request(sampleRecord({ startedMs: 0, endedMs: 40 }));
    stats.request(sampleRecord({ startedMs: 0, endedMs: 60 }));
    stats.request(sampleRecord({ status: 0, answered: false }));
    const families = await ours(() =>
      facts({ services: [service({ stats, state: 'fallen_back', fallbacks: 2, percentage: 29.99 })] }),
    );
    const values = (name: string) => {
      return (families.get(`migration_proxy_${name}`)?.samples ?? []).map(({ name, labels, value }) => {
        return `${name.replace(/^migration_proxy_/, '')} ${Object.values(labels).join(' ')} ${value}`;
      });
    };
    expect(values('requests_total')).to.have.members([
      'requests_total shop new weight 2xx 2',
      'requests_total shop new weight aborted 1',
    ]);
    expect(values('service_state')).to.have.members([
      'service_state shop steady 0',
      'service_state shop fallen_back 1',
      'service_state shop probing 0',
    ]);
    expect(values('service_percentage')).to.deep.equal(['service_percentage shop 29.99']);
    expect(values('fallbacks_total')).to.deep.equal(['fallbacks_total shop 2']);
    expect(values('config_last_success_timestamp_seconds')).to.deep.equal([
      'config_last_success_timestamp_seconds  1.5',
    ]);
    expect(values('refused_requests_total')).to.deep.equal(['refused_requests_total no_such_host 4']);
    expect(values('request_duration_seconds')).to.include.members([
      'request_duration_seconds_bucket shop new 0.025 0',
      'request_duration_seconds_bucket shop new 0.05 1',
      'request_duration_seconds_bucket shop new 0.1 2',
      'request_duration_seconds_bucket shop new +Inf 2',
      'request_duration_seconds_sum shop new 0.1',
      'request_duration_seconds_count shop new 2',
    ]);
  });

  it('lose the series of a service that is removed', async () => {
    let services = [service(), service({ name: 'cart' })];
    const metrics = createMetrics(() => facts({ services }));
    expect(await scrape(metrics)).to.include('service="cart"');
    services = [service()];
    const text = await scrape(metrics);
    expect(text).not.to.include('service="cart"');
    expect(text).to.include('service="shop"');
  });

  it('have no last success before there was one', async () => {
    const families = await ours(() => facts({ lastSuccessMs: null }));
    expect(families.get('migration_proxy_config_last_success_timestamp_seconds')?.samples).to.deep.equal([]);
  });

  it('come with those of the process, without the ones that walk every connection', async () => {
    const text = await scrape(createMetrics(() => facts()));
    expect(text).to.include('process_cpu_seconds_total').and.to.include('nodejs_heap_size_used_bytes');
    expect(text).not.to.include('nodejs_active_');
  });

  it('leave out one that cannot be read and still tell the rest', async () => {
    const metrics = createMetrics(() => facts());
    const broken = metrics.process.getSingleMetric('nodejs_heap_size_total_bytes') as unknown as {
      get: () => Promise<never>;
    };
    broken.get = () => Promise.reject(new Error('EMFILE: too many open files, uv_resident_set_memory'));
    const families = parsePrometheusText(await scrape(metrics));
    expect([...families.keys()]).to.include('migration_proxy_config_generation');
    expect([...families.keys()]).not.to.include('nodejs_heap_size_total_bytes');
  });

  it('of thousands of services leave the event loop its turns, and show one snapshot', async () => {
    const stats = new ServiceStats();
    stats.request(sampleRecord());
    let snapshots = 0;
    const services = Array.from({ length: 3000 }, (_, i) => service({ name: `s${i}`, stats }));
    const metrics = createMetrics(() => {
      snapshots++;
      return facts({ services });
    });
    let turns = 0;
    const count = setInterval(() => turns++, 1);
    const text = await scrape(metrics);
    clearInterval(count);
    expect(turns).to.be.at.least(3);
    expect(snapshots).to.equal(1);
    expect(text.match(/^migration_proxy_service_percentage\{/gm)).to.have.length(3000);
  });

  it('of two proxies in one process do not meet', async () => {
    createMetrics(() => facts());
    expect(() => createMetrics(() => facts())).not.to.throw();
  });
});
