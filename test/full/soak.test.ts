/**
 * Minutes of everything at once: load, clients that come and go and break off, streams, edits, outages, a poller of status and
 * metrics. Afterwards memory and handles are where they were after the first minute, and nothing that may be sent again was lost.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { type Fault, ToyCluster } from '../../src/demo/clusters.ts';
import { eventually } from '../support/eventually.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { openFiles, residentMiB } from '../support/proc.ts';
import { RawClient, requestBytes } from '../support/raw-client.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';

const ROUNDS = 12;
const ROUND_MS = 20_000;
/** The first rounds fill pools, caches and the heap's young half. */
const WARM_ROUNDS = 3;
const MOST_GROWTH_MIB = 40;
const FAULTS: readonly Fault[] = ['refuse', '503', 'reset', 'silent', 'truncate', 'slow'];

describe('soak', function () {
  this.timeout(15 * 60_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let proxy: RunningProxy;
  let load: MixedLoad;

  before(async () => {
    [old, fresh] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    proxy = await RunningProxy.start(yaml(50));
  });
  after(async () => {
    await load?.stop();
    await proxy.stop('SIGKILL');
    await Promise.all([old.close(), fresh.close()]);
  });

  const yaml = (percentage: number) =>
    seedYaml(
      { old: old.backend, new: fresh.backend },
      {
        percentage,
        global: '  default_timeout: 1s\n  connect_timeout: 1s\n  health_check_interval: 500ms',
        fallback: '{ max_failures: 5, failure_window: 2, recovery_time: 1s }',
      },
    );

  it('is where it was, in memory and handles, and lost nothing', async () => {
    const pid = proxy.process.child.pid ?? 0;
    const after: { readonly mib: number; readonly files: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      load = new MixedLoad({ port: proxy.port, host: SEED_HOST, clients: 8, pauseMs: 4 });
      const until = Date.now() + ROUND_MS;
      await fresh.break(FAULTS[round % FAULTS.length]);
      await eventually(
        'it falls back',
        async () => (await proxy.service(SEED_SERVICE)).state === 'fallen_back',
        30_000,
      );
      for (let at = 0; Date.now() < until; at++) {
        if (at === 20) await fresh.heal();
        proxy.edit(yaml(40 + (at % 20)));
        await breakOff(at);
        await proxy.askAdmin('/metrics');
        await pause(100);
      }
      await eventually('it is back', async () => (await proxy.service(SEED_SERVICE)).state === 'steady', 60_000);
      await load.stop();
      expect(load.lost).to.deep.equal([]);
      await eventually('clients are gone', () => openFiles(pid) < 60, 10_000);
      after.push({ mib: residentMiB(pid), files: openFiles(pid) });
    }
    const warm = after.slice(WARM_ROUNDS, WARM_ROUNDS + 3);
    const end = after.slice(-3);
    const least = (values: readonly number[]) => Math.min(...values);
    expect(least(end.map(({ mib }) => mib)) - least(warm.map(({ mib }) => mib)), JSON.stringify(after)).to.be.lessThan(
      MOST_GROWTH_MIB,
    );
    expect(least(end.map(({ files }) => files))).to.be.at.most(least(warm.map(({ files }) => files)) + 4);
  });

  /** Clients as they are: gone in the middle of a head, of a body, of an answer, or talking nonsense. */
  async function breakOff(number: number): Promise<void> {
    const whole = requestBytes({ method: 'PUT', path: '/gone', host: SEED_HOST, body: 'x'.repeat(2_000) });
    const bytes = [whole.subarray(0, 20), whole.subarray(0, 500), whole, Buffer.from('nonsense\r\n\r\n')][number % 4];
    const client = await RawClient.connect(proxy.port);
    client.send(bytes);
    await pause(number % 3);
    if (number % 2 === 0) client.reset();
    else client.destroy();
  }
});
