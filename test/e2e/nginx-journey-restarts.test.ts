/**
 * We die beside an nginx that serves, are started again, are told to end: traffic notices nothing that it need not, what was
 * decided is obeyed by nginx while we are not there, and every request is counted once over all of our lives.
 * @needs nginx
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { Arrivals } from '../support/arrivals.ts';
import { runCli } from '../support/cli.ts';
import { countersOf } from '../support/counters.ts';
import { drainDelay, expectServedWhileDraining } from '../support/drain-delay.ts';
import { eventually, within } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { clusterOf, clustersOf } from '../support/kept-connection.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { ask, RawClient } from '../support/raw-client.ts';
import { isAlive, type NginxOptions, RunningNginx } from '../support/running-nginx.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';

const COUNTED_MS = 2_000;

describe('our life beside nginx', function () {
  this.timeout(90_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let arrivals: Arrivals;
  let atNew: Arrivals;
  let endings: (() => unknown)[];

  beforeEach(async () => {
    [arrivals, atNew, endings] = [new Arrivals(), new Arrivals(), []];
    old = await ToyCluster.listen('old', { onArrival: arrivals.record });
    fresh = await ToyCluster.listen('new', {
      slowMs: 150,
      onArrival: (method, path) => {
        arrivals.record(method, path);
        atNew.record(method, path);
      },
    });
    endings.push(() => Promise.all([old.close(), fresh.close()]));
  });
  afterEach(async () => {
    for (const end of endings.reverse()) await end();
  });

  const yaml = (recoveryTime: string) =>
    seedYaml(
      { old: old.backend, new: fresh.backend },
      {
        percentage: 50,
        global: '  default_timeout: 1s\n  health_check_interval: 300ms',
        canary: '{}',
        fallback: `{ max_failures: 3, failure_window: 2, recovery_time: ${recoveryTime} }`,
      },
    );
  const start = async (text: string | null, options: NginxOptions = {}) => {
    const running = await RunningNginx.start(text, options);
    endings.push(() => running.end());
    return running;
  };
  const loadOn = ({ proxy }: RunningNginx, afterClose: 'reconnect' | 'leave' = 'reconnect') => {
    const load = new MixedLoad({ port: proxy.port, host: SEED_HOST, afterClose });
    endings.push(() => load.stop());
    return load;
  };
  const service = ({ proxy }: RunningNginx) => proxy.service(SEED_SERVICE);
  const storedIn = ({ proxy }: RunningNginx) =>
    JSON.parse(readFileSync(join(proxy.directory, 'state', 'state.json'), 'utf8')).services[SEED_SERVICE]?.state;
  const requests = (count: number) => Array.from({ length: count }, () => ({ host: SEED_HOST }));
  const counted = (running: RunningNginx, count: number) =>
    eventually(
      `${count} requests are counted`,
      async () => {
        const total = (await countersOf(running.proxy))('migration_proxy_requests_total', {});
        if (total === count) return true;
        throw new Error(`${total} are`);
      },
      COUNTED_MS,
    );

  it('kill -9 under load: traffic goes on, the next of us takes nginx over without a reload, nothing is forgotten', async () => {
    const first = await start(yaml('300s'));
    const load = loadOn(first);
    await eventually('new has its share', () => load.servedBy('new') >= 20);
    await fresh.break('503');
    await eventually('it falls back', async () => (await service(first)).state === 'fallen_back');
    await eventually('it is kept', () => storedIn(first)?.state === 'fallen_back', 1_000);
    const before = await service(first);
    const pid = first.masterPid();
    await first.proxy.stop('SIGKILL');
    await fresh.heal();
    const arrived = atNew.total;
    const sent = load.sent.length;
    await eventually('load goes on without us', () => load.sent.length > sent + 100);
    expect(atNew.total).to.equal(arrived);

    const second = await start(null, { after: first });
    expect(second.masterPid()).to.equal(pid);
    expect(await second.reloads()).to.deep.equal({ ok: 0, failed: 0 });
    const after = await service(second);
    const kept = ['state', 'state_reason', 'state_since', 'retry_at', 'trips', 'tripped_by'] as const;
    for (const key of kept) expect([key, after[key]]).to.deep.equal([key, before[key]]);
    expect((await second.proxy.status()).nginx).to.include({ up: true, running_generation: 1 });
    expect((await runCli(['resume', SEED_SERVICE, '--admin', second.proxy.admin])).code).to.equal(0);
    await eventually('new has its share again', () => load.servedBy('new') > 40);
    await load.stop();
    expect(load.lost).to.deep.equal([]);
    expect(new Set(load.failed.map(({ status }) => status))).to.deep.equal(
      new Set(load.failed.length > 0 ? [503] : []),
    );
    expect(second.masterPid()).to.equal(pid);
    expect(await second.reloads()).to.deep.equal({ ok: 0, failed: 0 });
  });

  it('each request is counted once: before our death, while we are not there, and after', async () => {
    const first = await start(yaml('4s'));
    await clustersOf(first.proxy.port, requests(100));
    await counted(first, 100);
    await first.proxy.stop('SIGKILL');
    const meanwhile = await clustersOf(first.proxy.port, requests(150));
    const second = await start(null, { after: first });
    await counted(second, 150);
    const later = await clustersOf(second.proxy.port, requests(50));
    await counted(second, 200);
    const fromNew = [...meanwhile, ...later].filter((cluster) => cluster === 'new').length;
    expect((await service(second)).new).to.include({ requests: fromNew, failures: 0 });
  });

  it('failures while we are not there are known to the next of us, and trip', async () => {
    const first = await start(yaml('300s'));
    await clustersOf(first.proxy.port, requests(10));
    await first.proxy.stop('SIGKILL');
    await fresh.break('503');
    expect(new Set(await clustersOf(first.proxy.port, requests(40), 1))).to.deep.equal(new Set(['old']));
    const second = await start(null, { after: first });
    for (let at = 0; at < 20; at++)
      expect(clusterOf(await ask(second.proxy.port, { host: SEED_HOST }))).to.equal('old');
    await eventually('it has fallen back', async () => (await service(second)).state === 'fallen_back', COUNTED_MS);
    const arrived = atNew.total;
    expect(new Set(await clustersOf(second.proxy.port, requests(40)))).to.deep.equal(new Set(['old']));
    expect(atNew.total).to.equal(arrived);
  });

  it('a hold is obeyed while nobody of us is there, and kept over SIGTERM and kill -9', async () => {
    let running = await start(yaml('500ms'));
    const cli = (...args: string[]) => runCli([...args, '--admin', running.proxy.admin], { env: { USER: 'ann' } });
    const held = async () => {
      expect(new Set(await clustersOf(running.proxy.port, requests(60)))).to.deep.equal(new Set(['old']));
    };
    expect(await cli('abort', SEED_SERVICE, '--reason', 'invoices differ')).to.include({ code: 0, stderr: '' });
    await held();
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      const pid = running.masterPid();
      await running.proxy.stop(signal);
      expect(isAlive(pid)).to.equal(signal === 'SIGKILL');
      if (signal === 'SIGKILL') await held();
      running = await start(null, { after: running });
      await held();
      expect((await service(running)).hold).to.include({ by: 'cli:ann', reason: 'invoices differ' });
    }
    expect(atNew.total).to.equal(0);
    expect(await cli('resume', SEED_SERVICE)).to.include({ code: 0, stderr: '' });
    expect(new Set(await clustersOf(running.proxy.port, requests(60)))).to.deep.equal(new Set(['old', 'new']));
  });

  it('SIGTERM under load: what is under way ends and is told, nginx is gone, exit 0', async () => {
    const running = await start(yaml('500ms'), { flags: ['--access-log', 'all'] });
    const { proxy } = running;
    await fresh.break('slow');
    const load = loadOn(running, 'leave');
    // An upload that has only begun when the signal comes.
    const uploading = await RawClient.connect(proxy.port);
    const head = (number: number) =>
      `PUT /big/${number} HTTP/1.1\r\nHost: ${SEED_HOST}\r\nContent-Length: 100000\r\n\r\nx`;
    uploading.send(head(0));
    await eventually('both clusters are asked', () => load.servedBy('new') >= 20 && load.servedBy('old') >= 20);
    await eventually('the upload has begun', () => arrivals.of('PUT', '/big/0') === 1);
    const pid = running.masterPid();
    const ended = proxy.stop();
    await eventually('it does not take new connections', async () => {
      const refused = await ask(proxy.port, { host: SEED_HOST }).catch((error: Error) => error.message);
      return typeof refused === 'string' && refused.includes('ECONNREFUSED');
    });
    await within('everybody leaves', load.left);
    uploading.send('x'.repeat(99_999));
    const uploaded = await uploading.response();
    expect(uploaded.status).to.equal(200);
    expect(field(uploaded, 'connection')).to.equal('close');
    const { code, stdout } = await ended;
    expect(code).to.equal(0);
    expect(isAlive(pid)).to.equal(false);
    // nginx closes idle connections at once: a request that was on its way on one has reached nobody.
    expect(load.failed).to.deep.equal(load.cutOff);
    for (const { method, path } of load.failed) expect(arrivals.of(method, path)).to.equal(0);
    const lines = stdout.split('\n').filter((line) => line.startsWith('{') && line.includes('"request_id"'));
    // More may have been asked by the loop above, before it was refused.
    expect(lines.length).to.be.at.least(load.sent.length - load.failed.length + 1);
  });

  it('SIGTERM with a delay: who still comes is served, and so can be sent elsewhere first', async () => {
    const running = await start(yaml('500ms'), { flags: drainDelay() });
    await expectServedWhileDraining(running.proxy, loadOn(running));
  });

  it('nginx killed and we with it: the next of us starts anew, with what was decided', async () => {
    const first = await start(yaml('500ms'));
    expect((await runCli(['abort', SEED_SERVICE, '--admin', first.proxy.admin])).code).to.equal(0);
    const pid = first.masterPid();
    first.proxy.process.child.kill('SIGKILL');
    process.kill(-pid, 'SIGKILL');
    await first.proxy.process.ended();
    const second = await start(null, { after: first });
    expect(second.masterPid()).to.not.equal(pid);
    expect(await second.reloads()).to.deep.equal({ ok: 1, failed: 0 });
    expect(new Set(await clustersOf(second.proxy.port, requests(60)))).to.deep.equal(new Set(['old']));
    expect(atNew.total).to.equal(0);
  });
});
