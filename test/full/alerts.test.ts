/**
 * The alerts of the monitoring overlay, judged by Prometheus's own tool: they are valid, each fires on what it is for, and none
 * on a healthy migration. @needs promtool
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { REPOSITORY } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Rule {
  readonly alert: string;
}

const FILE = join(REPOSITORY, 'k8s', 'overlays', 'monitoring', 'prometheus-rule.yaml');
const { spec } = parse(readFileSync(FILE, 'utf8')) as { spec: { groups: { rules: Rule[] }[] } };
const ALERTS = spec.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));

/** A sample a minute for two hours, as promtool writes series. */
const same = (value: number): string => `${value}x120`;
const rising = (perMinute: number): string => `0+${perMinute}x120`;

const HEALTHY: Readonly<Record<string, string>> = {
  'up{job="migration-proxy",endpoint="admin",pod="a"}': same(1),
  'up{job="migration-proxy",endpoint="admin",pod="b"}': same(1),
  'migration_proxy_service_state{service="shop",state="steady",pod="a"}': same(1),
  'migration_proxy_service_state{service="shop",state="fallen_back",pod="a"}': same(0),
  'migration_proxy_requests_total{service="shop",code="2xx",pod="a"}': rising(600),
  'migration_proxy_upstream_failures_total{service="shop",cluster="new",pod="a"}': rising(1),
  'migration_proxy_upstream_failures_total{service="shop",cluster="old",pod="a"}': rising(1),
  'migration_proxy_config_errors{pod="a"}': same(0),
  'migration_proxy_config_errors{pod="b"}': same(0),
  'migration_proxy_config_generation{pod="a"}': same(7),
  'migration_proxy_config_generation{pod="b"}': same(7),
  // An edit of long ago, and none since: nothing is wrong with that.
  'migration_proxy_config_last_success_timestamp_seconds{pod="a"}': same(0),
  'migration_proxy_api_server_connected{pod="a"}': same(1),
  'migration_proxy_api_server_connected{pod="b"}': same(1),
  'migration_proxy_replicas{pod="a"}': same(2),
  'migration_proxy_replicas{pod="b"}': same(2),
};

/** What is otherwise than healthy, and every alert that then fires after two hours. null: the series is not there. */
const CASES: readonly (readonly [string, Readonly<Record<string, string | null>>, readonly string[]])[] = [
  ['all is well', {}, []],
  [
    'a service fell back',
    { 'migration_proxy_service_state{service="shop",state="fallen_back",pod="a"}': same(1) },
    ['MigrationFellBack'],
  ],
  [
    'both clusters fail',
    {
      'migration_proxy_upstream_failures_total{service="shop",cluster="new",pod="a"}': rising(60),
      'migration_proxy_upstream_failures_total{service="shop",cluster="old",pod="a"}': rising(60),
    },
    ['MigrationBothFailing'],
  ],
  [
    'clients see errors',
    { 'migration_proxy_requests_total{service="shop",code="5xx",pod="a"}': rising(30) },
    ['MigrationLosesRequests'],
  ],
  [
    'an edit with a mistake',
    { 'migration_proxy_config_errors{pod="a"}': same(2) },
    ['MigrationConfigInError', 'MigrationConfigNotApplied'],
  ],
  [
    'a replica without the API server',
    { 'migration_proxy_api_server_connected{pod="b"}': same(0) },
    ['MigrationApiServerLost'],
  ],
  [
    'a replica that the others do not know',
    { 'migration_proxy_replicas{pod="a"}': same(3) },
    ['MigrationReplicasDiffer'],
  ],
  [
    'a replica that does not answer',
    { 'up{job="migration-proxy",endpoint="admin",pod="b"}': same(0) },
    ['MigrationReplicaDown'],
  ],
  ['nothing there', Object.fromEntries(Object.keys(HEALTHY).map((series) => [series, null])), ['MigrationAbsent']],
];

describe('alerts', function () {
  this.timeout(60_000);
  const directory = tempDir();
  const rules = join(directory, 'rules.yaml');
  before(() => writeFileSync(rules, stringify(spec)));

  it('are rules that Prometheus takes', async () => {
    expect(await promtool('check', 'rules', rules)).to.contain(`SUCCESS: ${ALERTS.length} rules found`);
  });

  it('each is shown to fire', () => {
    expect(CASES.flatMap(([, , fired]) => fired)).to.have.members(ALERTS);
  });

  for (const [name, otherwise, fired] of CASES) {
    it(`${name}: ${fired.join(', ') || 'none'}`, async () => {
      const series = Object.entries({ ...HEALTHY, ...otherwise }).filter(([, values]) => values !== null);
      const test = {
        rule_files: [rules],
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: series.map(([series, values]) => ({ series, values })),
            // A count is what the tool can compare without repeating every annotation.
            promql_expr_test: [
              {
                expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
                eval_time: '110m',
                exp_samples: fired.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
              },
            ],
          },
        ],
      };
      const file = join(directory, 'test.yaml');
      writeFileSync(file, stringify(test));
      expect(await promtool('test', 'rules', file)).to.contain('SUCCESS');
    });
  }
});

function promtool(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('promtool', args, { timeout: 30_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}
