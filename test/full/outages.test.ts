/**
 * Long outages one after the other, each of another kind, under load that a proxy may repeat: not one request fails, the
 * service is on old while new is broken, and on new again some time after it was healed. Memory stays flat meanwhile.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { type Fault, ToyCluster } from '../../src/demo/clusters.ts';
import { Load } from '../../src/demo/load.ts';
import { configuration, HOST, SERVICE, USERS } from '../../src/demo/scene.ts';
import { eventually } from '../support/eventually.ts';
import { RunningProxy } from '../support/running-proxy.ts';

const OUTAGE_MS = 60_000;
const REQUESTS_PER_SECOND = 200;
const FAULTS: readonly Fault[] = ['refuse', 'silent', '503', 'slow', 'reset', 'truncate'];
/** Growth after the first outage; a leak of one object a request would be ten times that. */
const MOST_GROWTH_MIB = 60;

describe('long outages', function () {
  this.timeout(30 * 60_000);
  let older: ToyCluster;
  let newer: ToyCluster;
  let proxy: RunningProxy;
  let load: Load;

  before(async () => {
    [older, newer] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    proxy = await RunningProxy.start(configuration(older.backend, newer.backend));
    load = new Load({ port: proxy.port, host: HOST, users: USERS, requestsPerSecond: REQUESTS_PER_SECOND });
  });
  after(async () => {
    load?.stop();
    await proxy?.stop('SIGKILL');
    await Promise.all([older?.close(), newer?.close()]);
  });

  function residentMiB(): number {
    const [, pages] = readFileSync(`/proc/${proxy.process.child.pid}/statm`, 'utf8').split(' ').map(Number);
    return (pages * 4096) / 2 ** 20;
  }

  let firstMiB = 0;
  for (const fault of FAULTS) {
    // A body that ends early may have reached the client in part: then its connection is cut, and nobody can repeat it.
    const excused = fault === 'truncate';
    it(`${fault} for a minute: ${excused ? 'only cut answers fail' : 'nothing fails'}`, async () => {
      const before = load.counts.failed;
      await newer.break(fault);
      await eventually('it falls back', async () => (await proxy.service(SERVICE)).state === 'fallen_back', 30_000);
      await pause(OUTAGE_MS);
      expect((await proxy.service(SERVICE)).state).to.be.oneOf(['fallen_back', 'probing']);
      await newer.heal();
      await eventually('it is on new again', async () => (await proxy.service(SERVICE)).state === 'steady', 180_000);
      if (!excused) expect(load.counts.failed - before, load.counts.lastFailure ?? '').to.equal(0);
    });

    it(`${fault}: memory is as it was`, () => {
      if (firstMiB === 0) firstMiB = residentMiB();
      expect(residentMiB() - firstMiB).to.be.below(MOST_GROWTH_MIB);
    });
  }
});
