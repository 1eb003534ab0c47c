/**
 * The proxy itself dies, is stopped, is started again, while the new cluster is broken or held: what was decided stays
 * decided, and whoever is told to go elsewhere was answered first.
 * @calm
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { Arrivals } from '../support/arrivals.ts';
import { runCli } from '../support/cli.ts';
import { drainDelay, expectServedWhileDraining } from '../support/drain-delay.ts';
import { eventually, within } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { clusterOf, clustersOf } from '../support/kept-connection.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { ask, RawClient } from '../support/raw-client.ts';
import { type ProxyOptions, RunningProxy } from '../support/running-proxy.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';

describe('restarts', function () {
  this.timeout(90_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let atNew: Arrivals;
  let proxies: RunningProxy[];
  let loads: MixedLoad[];

  beforeEach(async () => {
    [proxies, loads, atNew] = [[], [], new Arrivals()];
    old = await ToyCluster.listen('old');
    fresh = await ToyCluster.listen('new', { slowMs: 150, onArrival: atNew.record });
  });
  afterEach(async () => {
    for (const load of loads) await load.stop();
    for (const proxy of proxies) if (proxy.process.exitCode === null) await proxy.stop('SIGKILL');
    await Promise.all([old.close(), fresh.close()]);
  });

  const yaml = (recoveryTime: string) =>
    seedYaml(
      { old: old.backend, new: fresh.backend },
      {
        percentage: 50,
        global: '  default_timeout: 1s\n  health_check_interval: 300ms',
        fallback: `{ max_failures: 3, failure_window: 2, recovery_time: ${recoveryTime} }`,
      },
    );
  const start = async (text: string | null, options: ProxyOptions = {}) => {
    const proxy = await RunningProxy.start(text, options);
    proxies.push(proxy);
    return proxy;
  };
  const loadOn = (proxy: RunningProxy, afterClose: 'reconnect' | 'leave' = 'reconnect') => {
    const load = new MixedLoad({ port: proxy.port, host: SEED_HOST, afterClose });
    loads.push(load);
    return load;
  };
  const storedIn = (proxy: RunningProxy) =>
    JSON.parse(readFileSync(join(proxy.directory, 'state', 'state.json'), 'utf8')).services[SEED_SERVICE]?.state;
  const requests = (count: number) => Array.from({ length: count }, () => ({ host: SEED_HOST }));

  it('kill -9 while fallen back: the next process begins where this one was, and returns in its time', async () => {
    const first = await start(yaml('3s'));
    const load = loadOn(first);
    await eventually('new has its share', () => load.servedBy('new') >= 20);
    await fresh.break('503');
    await eventually('it falls back', async () => (await first.service(SEED_SERVICE)).state === 'fallen_back');
    await eventually('it is kept', () => storedIn(first)?.state === 'fallen_back', 1_000);
    const before = await first.service(SEED_SERVICE);
    await load.stop();
    await first.stop('SIGKILL');
    await fresh.heal();
    const arrived = atNew.total;

    const second = await start(null, { after: first });
    await clustersOf(second.port, requests(200));
    const after = await second.service(SEED_SERVICE);
    const retryMs = Date.parse(before.retry_at ?? '');
    // On a machine so busy that this took all of its time it may have gone on; it must not have been early.
    const kept =
      Date.now() < retryMs ? (['state', 'state_reason', 'state_since', 'retry_at', 'tripped_by'] as const) : [];
    for (const key of [...kept, 'trips' as const]) expect([key, after[key]]).to.deep.equal([key, before[key]]);
    expect(atNew.atMs.slice(arrived).filter((ms) => ms < retryMs)).to.deep.equal([]);
    const again = loadOn(second);
    await eventually('it is back', async () => (await second.service(SEED_SERVICE)).state === 'steady');
    const { state_since: since } = await second.service(SEED_SERVICE);
    expect(since > (before.retry_at ?? '')).to.equal(true);
    await again.stop();
    expect(again.failed).to.deep.equal([]);
  });

  it('kill -9 while probing: the next process is not further than this one was', async () => {
    const first = await start(yaml('500ms'));
    const load = loadOn(first);
    await fresh.break('503');
    await eventually('it falls back', async () => (await first.service(SEED_SERVICE)).state === 'fallen_back');
    await load.stop();
    await fresh.heal();
    // Nobody asks, so that the first step of probing stays.
    await eventually('it probes', async () => (await first.service(SEED_SERVICE)).state === 'probing');
    await eventually('it is kept', () => storedIn(first)?.state === 'probing', 1_000);
    await first.stop('SIGKILL');
    await fresh.break('503');
    const arrived = atNew.total;
    const second = await start(null, { after: first });
    expect(await second.service(SEED_SERVICE)).to.include({ state: 'probing', probe_share: 0, trips: 1 });
    expect(new Set(await clustersOf(second.port, requests(40), 1))).to.deep.equal(new Set(['old']));
    expect(atNew.total).to.equal(arrived + 1);
    expect(await second.service(SEED_SERVICE)).to.include({ state: 'fallen_back', trips: 2 });
  });

  it('a hold stays over SIGTERM and kill -9, until somebody resumes', async () => {
    let proxy = await start(yaml('500ms'));
    const cli = (...args: string[]) => runCli(args, { env: { MIGRATION_PROXY_ADMIN: proxy.admin, USER: 'ann' } });
    const held = async () => {
      expect(new Set(await clustersOf(proxy.port, requests(100)))).to.deep.equal(new Set(['old']));
      const service = await proxy.service(SEED_SERVICE);
      expect(service).to.include({ state: 'fallen_back', retry_at: null, trips: 0 });
      expect(service.hold).to.include({ by: 'cli:ann', reason: 'invoices differ' });
      const shown = await cli('status');
      expect(shown.code).to.equal(1);
      expect(shown.stdout).to.match(new RegExp(`\\n${SEED_SERVICE} +held .*held by cli:ann: invoices differ`));
    };
    expect(await cli('abort', SEED_SERVICE, '--reason', 'invoices differ')).to.include({ code: 0, stderr: '' });
    await held();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await eventually('it is kept', () => storedIn(proxy)?.state === 'fallen_back', 1_000);
      const { code } = await proxy.stop(signal);
      expect(code).to.equal(signal === 'SIGTERM' ? 0 : null);
      proxy = await start(null, { after: proxy });
      await held();
    }
    expect(atNew.total).to.equal(0);
    expect(await cli('resume', SEED_SERVICE)).to.include({ code: 0, stderr: '' });
    const answers = await clustersOf(proxy.port, requests(400));
    expect(answers.filter((one) => one === 'new').length).to.be.closeTo(200, 4);
    expect((await cli('status')).code).to.equal(0);
    await eventually('that is kept too', () => storedIn(proxy)?.state !== 'fallen_back', 1_000);
    await proxy.stop('SIGKILL');
    proxy = await start(null, { after: proxy });
    expect(await proxy.service(SEED_SERVICE)).to.include({ state: 'steady', hold: null });
  });

  it('SIGTERM under load: every request is answered, everybody is told to close, exit 0', async () => {
    const proxy = await start(yaml('500ms'));
    await fresh.break('slow');
    const load = loadOn(proxy, 'leave');
    // An upload that has only begun when the signal comes.
    const uploading = await RawClient.connect(proxy.port);
    uploading.send(
      `PUT /big HTTP/1.1\r\nHost: ${SEED_HOST}\r\nX-Migration-Target: new\r\nContent-Length: 100000\r\n\r\nx`,
    );
    await eventually('both clusters are asked', () => load.servedBy('new') >= 20 && load.servedBy('old') >= 20);
    await eventually('the upload has begun', () => atNew.of('PUT', '/big') === 1);
    const ended = proxy.stop();
    await eventually('it does not take new connections', async () => {
      const refused = await ask(proxy.port, { host: SEED_HOST }).catch((error: Error) => error.message);
      return typeof refused === 'string' && refused.includes('ECONNREFUSED');
    });
    await within('everybody leaves', load.left);
    uploading.send('x'.repeat(99_999));
    const uploaded = await uploading.response();
    expect(clusterOf(uploaded)).to.equal('new');
    expect(field(uploaded, 'connection')).to.equal('close');
    expect(load.failed).to.deep.equal([]);
    expect((await ended).code).to.equal(0);
    expect(load.sent.length).to.equal(load.servedBy('old') + load.servedBy('new'));
  });

  it('SIGTERM with a delay: who still comes is served, and so can be sent elsewhere first', async () => {
    const proxy = await start(yaml('500ms'), { flags: drainDelay() });
    await expectServedWhileDraining(proxy, loadOn(proxy));
  });
});
