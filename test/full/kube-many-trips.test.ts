/**
 * 500 services fall back on three replicas at once, in either data plane: by requests, each seen by one replica alone, and because
 * the gateway of all has died, which every replica finds out by itself. Everywhere within a second of the last trip, by a handful of
 * writes. And fifty times kill -9 of a replica while it writes. @needs kubernetes nginx
 */
import { expect } from 'chai';
import { killAtRandom } from '../support/kube-kills-suite.ts';
import { KubeNamespace } from '../support/kube-namespace.ts';
import { type KubeServers, startKubeServers } from '../support/kube-servers.ts';
import { Replicas } from '../support/replicas.ts';
import {
  allFell,
  type Clusters,
  closeBoth,
  fallingServices,
  lastToKnowMs,
  listenBoth,
  patchesAsked,
  sendSpread,
} from '../support/shared-fallback.ts';

const MANY = Array.from({ length: 500 }, (_, i) => `svc-${i}`);
const WITHIN_MS = 1_000;

describe('many services fall back on three replicas', function () {
  this.timeout(180_000);
  let kube: KubeServers;

  before(async () => {
    kube = await startKubeServers();
  });
  after(() => kube?.stop());

  for (const plane of ['direct', 'nginx'] as const) {
    describe(`by the ${plane} plane`, () => {
      let clusters: Clusters;
      let replicas: Replicas | null = null;

      beforeEach(async () => {
        clusters = await listenBoth();
      });
      afterEach(async () => {
        await replicas?.end();
        await closeBoth(clusters);
      });

      async function start(name: string, checkEvery: string): Promise<Replicas> {
        const space = await KubeNamespace.make(kube, `${name}-${plane}`);
        const services = MANY.map((service) => ({ name: service, maxFailures: 1 }));
        await space.configure(fallingServices(clusters, services, { checkEvery }));
        replicas = await Replicas.start({ kube, space, plane });
        return replicas;
      }

      /** Throws where one is not known to all in time. */
      async function allFallen(running: Replicas): Promise<number> {
        const all = await allFell(running, MANY, 60_000, 100);
        const counted = await running.each(async ({ proxy }) => {
          const text = (await proxy.askAdmin('/metrics')).body.toString();
          return [...text.matchAll(/^migration_proxy_fallbacks_total\{service="svc-\d+"\} 1$/gm)].length;
        });
        console.log(`          trips decided by each: ${counted.join(', ')}`);
        expect(Math.min(...MANY.map((name) => all[0].get(name)?.trips ?? 0))).to.equal(1);
        expect(Math.max(...MANY.flatMap((name) => all.map((one) => one.get(name)?.trips ?? 0)))).to.equal(1);
        return lastToKnowMs(all, MANY);
      }

      it('by requests, each through one replica', async () => {
        const running = await start('requests', '1h');
        for (const service of MANY) clusters.fresh.failing.add(service);
        const before = await patchesAsked(kube);
        await sendSpread(running, MANY, 64);
        const tookMs = await allFallen(running);
        const patches = (await patchesAsked(kube)) - before;
        console.log(`          all knew ${tookMs} ms after the last trip, by ${patches} patches`);
        expect(tookMs).to.be.below(WITHIN_MS);
        expect(patches).to.be.below(100);
      });

      it('because their gateway has died', async () => {
        const running = await start('gateway', '1s');
        const before = await patchesAsked(kube);
        clusters.fresh.isWell = false;
        const tookMs = await allFallen(running);
        const patches = (await patchesAsked(kube)) - before;
        console.log(`          all knew ${tookMs} ms after the last trip, by ${patches} patches`);
        expect(tookMs).to.be.below(WITHIN_MS);
        expect(patches).to.be.below(50);
      });
    });
  }

  it('kill -9 of a replica while it writes, fifty times', async function () {
    this.timeout(900_000);
    await killAtRandom(kube, 50, Math.random);
  });
});
