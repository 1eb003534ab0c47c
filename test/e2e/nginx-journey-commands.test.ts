/**
 * People ask and steer a proxy whose traffic nginx takes: what they are told is what nginx does, and what they order is done when
 * the command answers; what the counters say is what clients saw, each request once, also while nginx's log is rotated.
 * @needs nginx
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Explanation } from '../../src/allocator/explanation.ts';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { runCli } from '../support/cli.ts';
import { type Counted, countersOf } from '../support/counters.ts';
import { hostOf, loadOn, threeServices } from '../support/edits.ts';
import { eventually } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { clusterOf, clustersOf } from '../support/kept-connection.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { ask, RawClient, requestBytes } from '../support/raw-client.ts';
import { RunningNginx } from '../support/running-nginx.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';

const COUNTED_MS = 3_000;

describe('commands and counters with nginx', function () {
  this.timeout(60_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let running: RunningNginx;
  let endings: (() => unknown)[];

  beforeEach(async () => {
    endings = [];
    [old, fresh] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    endings.push(() => Promise.all([old.close(), fresh.close()]));
  });
  afterEach(async () => {
    for (const end of endings.reverse()) await end();
  });

  const start = async (text: string, flags: readonly string[] = []) => {
    running = await RunningNginx.start(text, { flags });
    endings.push(() => running.end());
  };
  const cli = (...args: string[]) => runCli([...args, '--admin', running.proxy.admin], { env: { USER: 'ann' } });
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli(...args);
    expect(code, stderr).to.equal(0);
    return stdout;
  };
  const served = async (count = 40) =>
    new Set(
      await clustersOf(
        running.proxy.port,
        Array.from({ length: count }, () => ({ host: SEED_HOST })),
      ),
    );

  it('update, abort and resume are obeyed when they answer, and status tells of them', async () => {
    const canary = '{ header_rules: [ { header: X-Migration-Target, value: new, target: new_cluster } ] }';
    await start(seedYaml({ old: old.backend, new: fresh.backend }, { percentage: 0, canary }));
    const load = new MixedLoad({ port: running.proxy.port, host: SEED_HOST });
    endings.push(() => load.stop());
    expect(await served()).to.deep.equal(new Set(['old']));
    expect(await done('update', SEED_SERVICE, '100')).to.include('100 % goes to new');
    // A connection that an old worker took in the moment of the reload is its last.
    await eventually('all is on new', async () => (await served()).size === 1 && (await served()).has('new'), 1_000);
    const before = await running.generation();
    expect(await done('abort', SEED_SERVICE, '--reason', 'invoices differ')).to.include('held on the old cluster');
    expect(await served()).to.deep.equal(new Set(['old']));
    // Nobody is above a hold.
    const asked = { host: SEED_HOST, headers: { 'X-Migration-Target': 'new' } };
    expect(clusterOf(await ask(running.proxy.port, asked))).to.equal('old');
    const shown = await cli('status');
    expect(shown.code).to.equal(1);
    expect(shown.stdout).to.match(new RegExp(`\\n${SEED_SERVICE} +held .*held by cli:ann: invoices differ`));
    await done('resume', SEED_SERVICE);
    expect(await served()).to.deep.equal(new Set(['new']));
    expect((await cli('status')).code).to.equal(0);
    expect(await running.generation()).to.deep.equal(before);
    expect(await cli('update', 'nobody', '5')).to.include({ code: 1 });
    await load.stop();
    expect(load.failed).to.deep.equal(load.cutOff);
  });

  it('explain says for every request what nginx then does', async () => {
    const canary = `
      header_rules:
        - { header: X-Target, value: "New", target: new_cluster }
        - { header: X-Target, value: "^v[0-9]+$", match: regex, target: old_cluster }
        - { header: X-Canary, match: present, target: new_cluster }
      cookie_rules: [ { cookie: beta, value: "yes", target: new_cluster } ]
      ip_rules:
        - { cidr: "10.1.0.0/16", target: old_cluster }
        - { cidr: "10.0.0.0/8", target: new_cluster }
      user_rules: [ { user_id_header: X-User-ID, hash_range: "0-9", target: new_cluster } ]`;
    const global = '  trusted_proxies: ["127.0.0.0/8"]\n  expose_decision: true';
    await start(
      seedYaml({ old: old.backend, new: fresh.backend }, { strategy: 'user', percentage: 40, canary, global }),
    );
    const asking: { headers: Record<string, string>; query: string[]; flags: string[] }[] = [];
    const values = {
      'X-Target': ['New', 'new', 'v2', 'v2 ', 'x'],
      'X-Canary': ['', '0'],
      'X-User-ID': Array.from({ length: 25 }, (_, i) => `user-${i}`),
    };
    for (const [name, all] of Object.entries(values)) {
      for (const value of all)
        asking.push({
          headers: { [name]: value },
          query: [`header=${encodeURIComponent(`${name}: ${value}`)}`],
          flags: ['--header', `${name}: ${value}`],
        });
    }
    for (const value of ['yes', 'YES', 'no']) {
      asking.push({
        headers: { Cookie: `a=1; beta=${value}` },
        query: [`cookie=beta%3D${value}`],
        flags: ['--cookie', `beta=${value}`],
      });
    }
    for (const ip of ['10.1.2.3', '10.2.2.3', '11.1.1.1', '::ffff:10.2.0.1', '2001:db8::1']) {
      asking.push({ headers: { 'X-Forwarded-For': ip }, query: [`ip=${encodeURIComponent(ip)}`], flags: ['--ip', ip] });
    }
    const decided = async (headers: Record<string, string>) => {
      const answer = await ask(running.proxy.port, { host: SEED_HOST, headers });
      return { cluster: field(answer, 'x-migration-cluster'), reason: field(answer, 'x-migration-reason') };
    };
    const told = new Set<string>();
    for (const { headers, query } of asking) {
      const path = `/api/v1/services/${SEED_SERVICE}/explain?${query.join('&')}`;
      const { cluster, reason } = JSON.parse((await running.proxy.askAdmin(path)).body.toString()) as Explanation;
      expect(await decided(headers), query.join()).to.deep.equal({ cluster, reason });
      told.add(`${cluster} ${reason}`);
    }
    expect(told).to.include.keys('new header', 'old header', 'new cookie', 'new ip', 'old ip', 'new user', 'old user');
    for (const { headers, flags } of [asking[0], asking[7], asking.at(-1) as (typeof asking)[0]]) {
      const { cluster, reason } = await decided(headers);
      const stdout = await done('explain', SEED_SERVICE, ...flags);
      expect(stdout)
        .to.include(`${SEED_SERVICE} -> ${cluster}`)
        .and.match(new RegExp(`^reason +${reason}`, 'm'));
    }
    await done('abort', SEED_SERVICE);
    for (const { headers, flags } of asking.slice(0, 2)) {
      expect(await decided(headers)).to.deep.equal({ cluster: 'old', reason: 'fallback' });
      expect(await done('explain', SEED_SERVICE, ...flags)).to.match(/^reason +fallback/m);
    }
  });

  it('the counters are what clients saw, while the log is moved away, removed and followed again', async () => {
    const slow = await ToyCluster.listen('new', { slowMs: 20_000 });
    await slow.break('slow');
    endings.push(() => slow.close());
    const text = threeServices({ old: old.backend, new: fresh.backend }, { shop: 50, pay: 0, mail: 100 });
    const lasting = `  - { name: lasting, old_host: lasting.old.test, old_backend: "${old.backend}", new_host: l.test, new_backend: "${slow.backend}", migration: { percentage: 100 } }\n`;
    await start(`global: { health_check_interval: 1h }\n${text}${lasting}`);
    const log = join(running.directory, 'log', 'outcome.log');
    const loads = loadOn(running.proxy.port);
    endings.push(() => Promise.all(loads.map((load) => load.stop())));
    const more = async (count: number) => {
      const goals = loads.map((load) => load.sent.length + count);
      await eventually('load goes on', () => loads.every((load, at) => load.sent.length >= goals[at]));
    };
    await more(50);
    renameSync(log, `${log}.taken`);
    await eventually('nginx writes another', () => existsSync(log));
    await more(50);
    await fresh.break('503');
    await eventually('mail falls back', async () => (await running.proxy.service('mail')).state === 'fallen_back');
    rmSync(log);
    await eventually('nginx writes another', () => existsSync(log));
    for (let at = 0; at < 7; at++) {
      expect((await ask(running.proxy.port, { host: 'nobody.test' })).status).to.equal(404);
    }
    for (let at = 0; at < 5; at++) {
      const client = await RawClient.connect(running.proxy.port);
      client.send(requestBytes({ host: 'lasting.old.test', path: `/${at}` }));
      await eventually('it has arrived', () => slow.requests === at + 1);
      client.destroy();
    }
    await more(50);
    await Promise.all(loads.map((load) => load.stop()));

    const families = 'migration_proxy_requests_total';
    const sum = loads.reduce((total, load) => total + load.sent.length, 0) + 5;
    const counted: Counted = await eventually(
      'all are counted',
      async () => {
        const now = await countersOf(running.proxy);
        if (now(families, {}) >= sum) return now;
        throw new Error(`${now(families, {})} of ${sum}`);
      },
      COUNTED_MS,
    );
    expect(counted(families, {})).to.equal(sum);
    expect(counted(families, { service: 'lasting', code: 'aborted' })).to.equal(5);
    expect(counted('migration_proxy_refused_requests_total', { reason: 'no_such_host' })).to.equal(7);
    for (const [at, service] of (['shop', 'pay', 'mail'] as const).entries()) {
      const load = loads[at];
      for (const cluster of ['old', 'new'] as const) {
        const whole = counted(families, { service, cluster, code: '2xx' });
        expect(`${service} ${cluster} ${whole}`).to.equal(`${service} ${cluster} ${load.servedBy(cluster)}`);
      }
      const lost = load.failed.filter(({ status }) => status === 503).length;
      expect(counted(families, { service, code: '5xx' })).to.equal(lost);
      expect(load.failed).to.have.length(lost);
      const { old: atOld, new: atNew } = await running.proxy.service(service);
      expect(atNew.failures).to.equal(counted('migration_proxy_upstream_failures_total', { service, cluster: 'new' }));
      expect(atNew.requests - atNew.failures).to.equal(load.servedBy('new'));
      expect(atOld).to.include({ requests: load.servedBy('old'), failures: 0 });
    }
    expect(old.requests + fresh.requests).to.equal(
      counted('migration_proxy_upstream_failures_total', { cluster: 'new' }) + sum - 5 - allLost(loads),
    );
    expect(running.proxy.process.stderr).to.not.include('cannot be read');
    expect(readdirSync(join(running.directory, 'log'))).to.include.members(['outcome.log', 'error.log']);
    expect(clusterOf(await ask(running.proxy.port, { host: hostOf('pay') }))).to.equal('old');
  });
});

/** Those whose failure the client was told of: they asked new alone. */
function allLost(loads: readonly MixedLoad[]): number {
  return loads.reduce((total, load) => total + load.failed.length, 0);
}
