/**
 * An outage of two minutes with the windows that people get who write none: five failures trip, new is tried again after five
 * minutes, each step of probing lasts ten seconds, and nothing that may be sent again is lost in those nine minutes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import type { ServiceReport } from '../../src/status/report.ts';
import { Arrivals } from '../support/arrivals.ts';
import { eventually } from '../support/eventually.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';
import { StatusWatch } from '../support/status-watch.ts';

const OUTAGE_MS = 120_000;
const S = 1_000;

describe('an outage with default windows', function () {
  this.timeout(15 * 60_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let proxy: RunningProxy;
  let load: MixedLoad;
  let watch: StatusWatch;

  afterEach(async () => {
    await load?.stop();
    await watch?.stop();
    await proxy?.stop('SIGKILL');
    await Promise.all([old?.close(), fresh?.close()]);
  });

  it('falls back, waits, probes and returns in the times that are documented', async () => {
    const atNew = new Arrivals();
    old = await ToyCluster.listen('old');
    fresh = await ToyCluster.listen('new', { onArrival: atNew.record });
    const clusters = { old: old.backend, new: fresh.backend };
    proxy = await RunningProxy.start(seedYaml(clusters, { percentage: 50, fallback: '{ enabled: true }' }));
    watch = new StatusWatch(proxy, SEED_SERVICE, () => atNew.total);
    load = new MixedLoad({ port: proxy.port, host: SEED_HOST, clients: 4, pauseMs: 20 });
    await eventually('new has its share', () => load.servedBy('new') >= 100);
    await fresh.break('503');
    await eventually('it falls back', async () => (await proxy.service(SEED_SERVICE)).state === 'fallen_back');
    const { retry_at: retryAt, state_since: trippedAt } = await proxy.service(SEED_SERVICE);
    await pause(OUTAGE_MS);
    await fresh.heal();
    const isSteady = async () => (await proxy.service(SEED_SERVICE)).state === 'steady';
    await eventually('it is back', isSteady, 10 * 60_000);
    await load.stop();
    await watch.stop();

    expect(load.lost).to.deep.equal([]);
    expect(load.failed.length).to.be.at.most(5 + 4);
    expect(watch.lies).to.deep.equal([]);
    expect(watch.states).to.deep.equal(['steady', 'fallen_back', 'probing', 'steady']);
    expect(watch.tripReasons).to.have.length(1);
    const phases = watch.looks.filter(({ service }, at) => !isSamePhase(service, watch.looks[at - 1]?.service));
    expect(phases.map(({ service }) => service.probe_share)).to.deep.equal([null, null, 0, 0.1, 0.25, 0.5, 1, null]);
    const lastedMs = phases.map(({ atMs }, at) => (phases[at + 1]?.atMs ?? atMs) - atMs);
    expect(phases[1].service.state_since).to.equal(trippedAt);
    expect(Date.parse(retryAt ?? '') - Date.parse(trippedAt)).to.be.within(300 * S, 330 * S);
    // The active check that lets it go is made at once.
    expect(lastedMs[1]).to.be.within(300 * S, 332 * S);
    for (const ms of lastedMs.slice(2, 7)) expect(ms).to.be.within(10 * S - 100, 13 * S);
  });
});

/** The same state, and the same step of probing. */
function isSamePhase(one: ServiceReport, other: ServiceReport | undefined): boolean {
  return one.state === other?.state && one.probe_share === other.probe_share;
}
