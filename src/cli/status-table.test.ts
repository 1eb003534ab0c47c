import { expect } from 'chai';
import { SAMPLE_TIME_MS, sampleFallback, sampleMigration } from '../../test/support/status-samples.ts';
import { buildServiceReport } from '../status/build-status.ts';
import type { ServiceReport, StatusReport } from '../status/report.ts';
import { ServiceStats } from '../status/service-stats.ts';
import { age } from './age.ts';
import { conditionOf, isHealthy, worstFirst } from './status-order.ts';
import { renderStatus } from './status-table.ts';
import { painter, plain } from './streams.ts';

const colourless = painter({ isTTY: false }, {});

function service(changes: Partial<ServiceReport> = {}): ServiceReport {
  const report = buildServiceReport(
    {
      served: { migration: sampleMigration(), standing: 'valid' },
      source: 'file:m.yaml',
      fallback: sampleFallback(),
      stats: new ServiceStats(),
      changed: null,
    },
    SAMPLE_TIME_MS,
  );
  return { ...report, ...changes };
}

function status(services: readonly ServiceReport[], changes: Partial<StatusReport> = {}): StatusReport {
  return {
    version: '0.1.0',
    data_plane: 'direct',
    replica: 'pod-a',
    ready: true,
    generation: 7,
    config_hash: '3f9c',
    started_at: new Date(SAMPLE_TIME_MS).toISOString(),
    config: { source: 'file:m.yaml', loaded_from: 'source', loaded_at: null, errors: [] },
    warnings: [],
    services,
    ...changes,
  };
}

const at = (secondsFromNow: number) => new Date(SAMPLE_TIME_MS + secondsFromNow * 1_000).toISOString();
const hold = { by: 'ann', at: at(-5), reason: 'checkout fails' };

describe('status for people', () => {
  it('shows the worst first, then those that lose more, then by name', () => {
    const losing = { requests: 9, failures: 3, error_rate: 0.3, latency_ms: { p50: 1, p95: 2, p99: 3 } };
    const services = [
      service({ name: 'b-steady' }),
      service({ name: 'a-steady' }),
      service({ name: 'off', enabled: false }),
      service({ name: 'losing', new: losing }),
      service({ name: 'probing', state: 'probing' }),
      service({ name: 'stale', stale: true }),
      service({ name: 'invalid', invalid: true }),
      service({ name: 'held', state: 'fallen_back', hold }),
      service({ name: 'fallen', state: 'fallen_back' }),
      service({ name: 'both', both_failing: true }),
    ];
    expect(worstFirst(services).map(({ name }) => name)).to.deep.equal([
      'both',
      'fallen',
      'held',
      'invalid',
      'stale',
      'probing',
      'losing',
      'a-steady',
      'b-steady',
      'off',
    ]);
    expect(conditionOf(services[7])).to.equal('held');
  });

  it('says from which ConfigMap a service comes where there are several', () => {
    const shop = service({ name: 'shop', source: 'configmap:shop/migration' });
    const cart = service({ name: 'cart', source: 'configmap:team-cart/m' });
    const [, , head, first, second] = renderStatus(status([shop, cart]), SAMPLE_TIME_MS, colourless);
    expect(head).to.match(/^SERVICE +SOURCE +STATE /);
    expect(first).to.match(/^cart +team-cart\/m +steady /);
    expect(second).to.match(/^shop +shop\/migration +steady /);
    const [, , alone] = renderStatus(status([shop, { ...cart, source: shop.source }]), SAMPLE_TIME_MS, colourless);
    expect(alone).to.match(/^SERVICE +STATE /);
  });

  it('is unhealthy for anything fallen back, held, stale or in error, and when not ready', () => {
    const error = { code: 'syntax', service: null, file: 'm', line: 1, column: 1, path: '', message: 'x' } as const;
    const config = { ...status([]).config, errors: [error] };
    expect(isHealthy(status([service(), service({ state: 'probing' })]))).to.equal(true);
    expect(isHealthy(status([service({ state: 'fallen_back' })]))).to.equal(false);
    expect(isHealthy(status([service({ hold })]))).to.equal(false);
    expect(isHealthy(status([service({ stale: true })]))).to.equal(false);
    expect(isHealthy(status([service({ invalid: true })]))).to.equal(false);
    expect(isHealthy(status([], { config }))).to.equal(false);
    expect(isHealthy(status([], { ready: false }))).to.equal(false);
  });

  it('says why nginx does not serve what is wanted, and is unhealthy then', () => {
    const good = { up: true, running_generation: 7, last_reload: { at: at(-9), ok: true, error: null } };
    const refused = { at: at(-1), ok: false, error: 'unknown directive "x"' };
    const nginx = (changes: Partial<typeof good>) => status([service()], { nginx: { ...good, ...changes } });
    const shown = (one: StatusReport) => renderStatus(one, SAMPLE_TIME_MS, colourless).slice(5).join('\n');
    expect([isHealthy(nginx({})), shown(nginx({}))]).to.deep.equal([true, '']);
    const failed = status([service()], { nginx: { ...good, running_generation: 6, last_reload: refused } });
    expect(isHealthy(failed)).to.equal(false);
    expect(shown(failed)).to.equal('error    nginx serves generation 6, not 7: unknown directive "x"');
    expect(isHealthy(nginx({ up: false }))).to.equal(false);
    expect(shown(nginx({ up: false }))).to.equal('error    nginx is down and is started again');
  });

  it('renders an aligned table with the reason in words', () => {
    const fallen = service({
      name: 'payments',
      state: 'fallen_back',
      state_reason: '5 failures in a row in 2.1 s: connect refused',
      state_since: at(-30),
      retry_at: at(270),
      new_share: 0,
      new: { requests: 9, failures: 5, error_rate: 0.5556, latency_ms: { p50: 1, p95: 2.94, p99: 3 } },
      old: { requests: 90, failures: 0, error_rate: 0, latency_ms: { p50: 1, p95: 12.4, p99: 30 } },
    });
    expect(renderStatus(status([service({ name: 'a' }), fallen]), SAMPLE_TIME_MS, colourless)).to.deep.equal([
      'migration-proxy 0.1.0  pod-a  ready  generation 7  file:m.yaml',
      '',
      'SERVICE   STATE        WANTED  REAL  STRATEGY  OLD ERR  OLD P95  NEW ERR  NEW P95  SINCE  WHY',
      'payments  fallen_back     20%    0%  weight         0%    12 ms    55.6%   2.9 ms    30s  5 failures in a row in 2.1 s: connect refused; next try in 4m',
      'a         steady          20%     -  weight          -        -        -        -    60s',
    ]);
  });

  it('says in per cent how much of its share a probing service gets', () => {
    const row = (share: number) => {
      const probing = service({ state: 'probing', state_reason: 'probing: it answers', probe_share: share });
      return renderStatus(status([probing]), SAMPLE_TIME_MS, colourless).at(-1);
    };
    expect(row(0.25)).to.include("25% of new's share admitted");
    expect(row(0)).to.include('one request at a time');
  });

  it('lists errors and warnings below, and lets nobody steer the terminal', () => {
    const message = 'no \x1b[2Jsuch\nthing';
    const error = {
      code: 'bad_value',
      service: 'b',
      file: 'm.yaml',
      line: 3,
      column: 9,
      path: 'services[1].x',
      message,
    } as const;
    const lines = renderStatus(
      status([], {
        config: { ...status([]).config, errors: [error], loaded_from: 'last_good' },
        warnings: [{ code: 'untrusted_forwarder', service: 'b', message: 'add "10.0.0.1/32"' }],
        ready: false,
      }),
      SAMPLE_TIME_MS,
      colourless,
    );
    expect(lines).to.deep.equal([
      'migration-proxy 0.1.0  pod-a  not ready  generation 7  file:m.yaml  serving the last good configuration',
      '',
      'no service is served',
      '',
      'error    m.yaml:3:9: services[1].x: no  [2Jsuch thing',
      '',
      'warning  b: add "10.0.0.1/32"',
    ]);
  });

  it('paints only on a terminal without NO_COLOR', () => {
    expect(painter({ isTTY: true }, {})('red', 'x')).to.equal('\x1b[31mx\x1b[39m');
    expect(painter({ isTTY: true }, { NO_COLOR: '1' })('red', 'x')).to.equal('x');
    expect(painter({ isTTY: true }, { TERM: 'dumb' })('red', 'x')).to.equal('x');
    expect(painter({}, {})('red', 'x')).to.equal('x');
    const coloured = renderStatus(
      status([service({ state: 'fallen_back' })]),
      SAMPLE_TIME_MS,
      painter({ isTTY: true }, {}),
    );
    // The styles are the only difference: columns stay where they are.
    expect(coloured.map((line) => line.replace(/\x1b\[\d+m/g, ''))).to.deep.equal(
      renderStatus(status([service({ state: 'fallen_back' })]), SAMPLE_TIME_MS, colourless),
    );
  });

  it('tells ages in one unit', () => {
    expect([0, 119_000, 120_000, 7_199_000, 7_200_000, 172_800_000, -5].map(age)).to.deep.equal([
      '0s',
      '119s',
      '2m',
      '119m',
      '2h',
      '2d',
      '0s',
    ]);
    expect(plain('a\u2028b\x9bc')).to.equal('a b c');
  });
});
