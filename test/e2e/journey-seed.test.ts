/** The seed's configuration as its users know it: shares, the order of rules, and users who stay where they are. */
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { clustersOf } from '../support/kept-connection.ts';
import { type Ask, ask } from '../support/raw-client.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { fullOr } from '../support/runs.ts';
import { SEED_HOST, SEED_SERVICE, type SeedChanges, seedYaml } from '../support/seed.ts';

const COUNT = 10_000;
const USERS = fullOr(10_000, 2_500);
const TRUSTING = `  default_timeout: 30s
  retry_attempts: 3
  health_check_interval: 30s
  trusted_proxies: [ 127.0.0.1/32 ]
  expose_decision: true`;

describe('the seed', function () {
  this.timeout(60_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let proxy: RunningProxy;

  before(async () => {
    [old, fresh] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
  });
  after(() => Promise.all([old.close(), fresh.close()]));

  const yaml = (changes: SeedChanges = {}) => seedYaml({ old: old.backend, new: fresh.backend }, changes);

  it('20 % of 10 000 requests without a key go to new, within 0.1 points', async () => {
    proxy = await RunningProxy.start(yaml());
    const before = [old.requests, fresh.requests];
    const requests: Ask[] = Array.from({ length: COUNT }, (_, at) => ({ path: `/${at}`, host: SEED_HOST }));
    const answers = await clustersOf(proxy.port, requests);
    const onNew = answers.filter((cluster) => cluster === 'new').length;
    expect((100 * onNew) / COUNT).to.be.closeTo(20, 0.1);
    expect([old.requests - before[0], fresh.requests - before[1]]).to.deep.equal([COUNT - onNew, onNew]);
    const service = await proxy.service(SEED_SERVICE);
    expect(service.new_share).to.equal(onNew / COUNT);
    expect(service.old).to.include({ requests: COUNT - onNew, failures: 0, error_rate: 0 });
    expect(service.new).to.include({ requests: onNew, failures: 0, error_rate: 0 });
    await proxy.stop('SIGKILL');
  });

  describe('rules', () => {
    /** Two rules of each kind that disagree with the next kind, so that every pair shows who is asked first. */
    const canary = `
      header_rules:
        - { header: "X-Migration-Target", value: "new", target: "new_cluster" }
        - { header: "X-Migration-Target", value: "old", target: "old_cluster" }
      cookie_rules:
        - { cookie: "side", value: "new", target: "new_cluster" }
        - { cookie: "side", value: "old", target: "old_cluster" }
      ip_rules:
        - { cidr: "10.1.0.0/16", target: "old_cluster" }
        - { cidr: "10.0.0.0/8", target: "new_cluster" }
      user_rules:
        - { user_id_header: "X-User-ID", hash_range: "0-99", target: "new_cluster" }`;
    const header = (value: string) => ({ 'X-Migration-Target': value });
    const cookie = (value: string) => ({ Cookie: `a=b; side=${value}` });
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    const user = { 'X-User-ID': 'ann' };

    const rows: [what: string, headers: Record<string, string>, cluster: string, reason: string][] = [
      ['a header before all others', { ...header('new'), ...cookie('old'), ...from('10.1.2.3') }, 'new', 'header'],
      ['the other header rule', { ...header('old'), ...cookie('new'), ...from('10.9.9.9'), ...user }, 'old', 'header'],
      ['a header value of no rule is no match', { ...header('New'), ...from('10.9.9.9') }, 'new', 'ip'],
      ['a cookie before an address', { ...cookie('new'), ...from('10.1.2.3') }, 'new', 'cookie'],
      ['the other cookie rule', { ...cookie('old'), ...from('10.9.9.9'), ...user }, 'old', 'cookie'],
      ['the first network that matches, not the narrowest', { ...from('10.1.2.3'), ...user }, 'old', 'ip'],
      ['the wider network', from('10.2.0.1'), 'new', 'ip'],
      ['an IPv4 address written as IPv6', from('::ffff:10.2.0.1'), 'new', 'ip'],
      ['a user before the strategy', { ...from('192.0.2.1'), ...user }, 'new', 'user'],
      ['an empty user is none', { ...from('192.0.2.1'), 'X-User-ID': '' }, 'old', 'weight'],
      ['nothing at all', {}, 'old', 'weight'],
    ];

    before(async () => {
      proxy = await RunningProxy.start(yaml({ percentage: 0, global: TRUSTING, canary }));
    });
    after(() => proxy.stop('SIGKILL'));

    for (const [what, headers, cluster, reason] of rows) {
      it(`${what}: ${cluster} by ${reason}, and explain says the same`, async () => {
        const response = await ask(proxy.port, { host: SEED_HOST, headers });
        const said = ['x-served-by', 'x-migration-cluster', 'x-migration-reason'].map((name) => field(response, name));
        expect(said).to.deep.equal([cluster, cluster, reason]);
        const query = new URLSearchParams();
        for (const [name, value] of Object.entries(headers)) {
          if (name === 'X-Forwarded-For') query.append('ip', value);
          else query.append('header', `${name}: ${value}`);
        }
        const explained = await proxy.askAdmin(`/api/v1/services/${SEED_SERVICE}/explain?${query}`);
        expect(JSON.parse(explained.body.toString())).to.include({ cluster, reason });
      });
    }
  });

  it('header and network of the seed itself win over the percentage', async () => {
    proxy = await RunningProxy.start(yaml({ percentage: 0, global: TRUSTING }));
    const whoAnswers = async (headers: Record<string, string>) => {
      const requests = Array.from({ length: 20 }, () => ({ host: SEED_HOST, headers }));
      return [...new Set(await clustersOf(proxy.port, requests))].join(' and ');
    };
    expect(await whoAnswers({ 'X-Migration-Target': 'new' })).to.equal('new');
    expect(await whoAnswers({ 'x-migration-target': 'new' })).to.equal('new');
    expect(await whoAnswers({ 'X-Forwarded-For': '10.250.0.1' })).to.equal('new');
    expect(await whoAnswers({ 'X-Forwarded-For': '11.0.0.1' })).to.equal('old');
    // Nobody but a trusted proxy says where a request comes from.
    proxy.edit(yaml({ percentage: 0 }));
    const isBelieved = async () => (await whoAnswers({ 'X-Forwarded-For': '10.250.0.1' })) === 'new';
    await eventually('an untrusted peer is not believed', async () => !(await isBelieved()), 1_000);
    await proxy.stop('SIGKILL');
  });

  it(`${USERS} users keep their cluster over a restart, and 20 to 30 moves only users to new`, async () => {
    proxy = await RunningProxy.start(yaml({ strategy: 'user' }));
    const requests: Ask[] = Array.from({ length: USERS }, (_, at) => {
      return { path: '/', host: SEED_HOST, headers: { 'X-User-ID': `user-${at}` } };
    });
    const first = await clustersOf(proxy.port, requests);
    const share = (answers: readonly string[]) => (100 * answers.filter((one) => one === 'new').length) / USERS;
    const threeDeviations = (percent: number) => 3 * Math.sqrt((percent * (100 - percent)) / USERS);
    expect(share(first)).to.be.closeTo(20, threeDeviations(20));
    expect((await proxy.stop()).code).to.equal(0);
    proxy = await RunningProxy.start(null, { after: proxy });
    expect(await clustersOf(proxy.port, requests)).to.deep.equal(first);

    const updated = await runCli(['update', SEED_SERVICE, '30', '--reason', 'all well', '--admin', proxy.admin]);
    expect(updated).to.include({ code: 0, stdout: `${SEED_SERVICE}: 30 % goes to new\n` });
    const raised = await clustersOf(proxy.port, requests);
    expect(share(raised)).to.be.closeTo(30, threeDeviations(30));
    const moved = raised.flatMap((cluster, at) => (cluster === first[at] ? [] : [`${first[at]} -> ${cluster}`]));
    expect(new Set(moved)).to.deep.equal(new Set(['old -> new']));

    await runCli(['update', SEED_SERVICE, '20', '--admin', proxy.admin]);
    expect(await clustersOf(proxy.port, requests)).to.deep.equal(first);
    await proxy.stop('SIGKILL');
  });
});
