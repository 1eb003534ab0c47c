/**
 * One of three replicas sees the new cluster fail, or is told by a person: all three stand the same, and go on so when all of them
 * start again. In: a data plane, and how much of it is tried. Out: tests.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { flagId } from '../../src/nginx/text/flag-id.ts';
import { eventually } from './eventually.ts';
import { KubeNamespace } from './kube-namespace.ts';
import type { KubeServers } from './kube-servers.ts';
import { type Replica, Replicas } from './replicas.ts';
import {
  allFell,
  allSay,
  type Clusters,
  closeBoth,
  fallingServices,
  lastToKnowMs,
  listenBoth,
  patchesAsked,
  send,
  sendSpread,
  statesOf,
} from './shared-fallback.ts';
import { sharedKubeServers } from './shared-kube.ts';

/** The promise is 1 s; other tests may have the machine too. */
const PATIENT_MS = 5_000;
const MANY = Array.from({ length: 100 }, (_, i) => `many-${i}`);

export function sharedStates(plane: 'direct' | 'nginx', tried: 'trips' | 'all'): void {
  describe('states that three replicas share', function () {
    this.timeout(60_000);
    let kube: KubeServers;

    before(async function () {
      this.timeout(90_000);
      kube = await sharedKubeServers();
    });

    describe(`by the ${plane} plane`, () => {
      let clusters: Clusters;
      let replicas: Replicas;

      before(async () => {
        clusters = await listenBoth();
        const space = await KubeNamespace.make(kube, `states-${plane}`);
        const many = MANY.map((name) => ({ name, maxFailures: 1 }));
        const services = [{ name: 'shop' }, { name: 'cart' }, { name: 'kept' }, ...many];
        await space.configure(fallingServices(clusters, services));
        replicas = await Replicas.start({ kube, space, plane, gated: ['pod-c'] });
      });
      after(async () => {
        await replicas?.end();
        await closeBoth(clusters);
      });

      /** Which services' files say that new is not for them. */
      const flagged = ({ nginx }: Replica) => new Set(readdirSync(join(nginx.directory, 'flags')));
      const areFlagged = async (services: readonly string[]): Promise<void> => {
        if (plane === 'direct') return;
        await eventually('nginx is told of each', () =>
          replicas.all.every((replica) => {
            const files = flagged(replica);
            return services.every((service) => files.has(flagId(service)));
          }),
        );
      };

      it('a trip at one is a trip at all, counted once, and nobody asks new any more', async () => {
        const { fresh } = clusters;
        fresh.failing.add('shop');
        const generations = await replicas.each(async ({ proxy }) => (await proxy.status()).nginx?.running_generation);
        expect(await send(replicas.get('pod-b'), 'shop', 3)).to.deep.equal(['old', 'old', 'old']);
        const reports = await allSay(
          replicas,
          'shop',
          'fallen back',
          ({ state }) => state === 'fallen_back',
          PATIENT_MS,
        );
        expect(reports.map(({ tripped_by: by, trips }) => [by, trips])).to.deep.equal(Array(3).fill(['pod-b', 1]));
        for (const { state_reason: reason } of reports) expect(reason).to.match(/^3 failures in a row .*status 503/);
        const tookMs = lastToKnowMs(await statesOf(replicas), ['shop']);
        console.log(`          the last replica knew ${tookMs} ms after the trip`);
        expect(tookMs).to.be.below(PATIENT_MS);
        const counted = await replicas.each((one) => one.metric('fallbacks_total{service="shop"}'));
        expect(counted).to.deep.equal([0, 1, 0]);

        await areFlagged(['shop']);
        const before = fresh.of('shop').length;
        await replicas.each(async (one) => expect(await send(one, 'shop', 5)).to.deep.equal(Array(5).fill('old')));
        expect(fresh.of('shop').length).to.equal(before);
        const now = await replicas.each(async ({ proxy }) => (await proxy.status()).nginx?.running_generation);
        expect(now, 'nothing was reloaded').to.deep.equal(generations);
      });

      it('a hundred trips at three replicas are known to all at once, by few writes', async () => {
        for (const service of MANY) clusters.fresh.failing.add(service);
        const before = await patchesAsked(kube);
        await sendSpread(replicas, MANY);
        for (const service of [MANY[0], MANY[99]]) {
          await allSay(replicas, service, 'fallen back', ({ state }) => state === 'fallen_back', PATIENT_MS);
        }
        const all = await allFell(replicas, MANY);
        const tookMs = lastToKnowMs(all, MANY);
        await areFlagged(MANY);
        const patches = (await patchesAsked(kube)) - before;
        console.log(`          all knew ${tookMs} ms after the last trip, by ${patches} patches`);
        expect(tookMs).to.be.below(PATIENT_MS);
        // Trips of one turn are one write, one write a replica is under way; the history is one more.
        expect(patches).to.be.below(40);
        const counted = await replicas.each(async ({ proxy }) => {
          const text = (await proxy.askAdmin('/metrics')).body.toString();
          return [...text.matchAll(/^migration_proxy_fallbacks_total\{service="many-\d+"\} 1$/gm)].length;
        });
        expect(counted.reduce((sum, count) => sum + count, 0)).to.equal(100);
      });

      if (tried === 'trips') return;

      it('a hold and its end, asked for at different replicas, are known to all', async () => {
        const [a, b] = [replicas.get('pod-a'), replicas.get('pod-b')];
        const { status, body } = await a.write('services/cart/abort', { reason: 'errors in the cart' });
        expect([status, (body as { pending: boolean }).pending]).to.deep.equal([200, false]);
        const reports = await allSay(replicas, 'cart', 'held', ({ hold }) => hold !== null, PATIENT_MS);
        for (const report of reports) {
          expect(report.hold?.reason).to.equal('errors in the cart');
          expect(report.retry_at).to.equal(null);
        }
        console.log(`          held everywhere ${lastToKnowMs(await statesOf(replicas), ['cart'])} ms later`);
        await areFlagged(['cart']);
        await replicas.each(async (one) => expect(await send(one, 'cart', 2)).to.deep.equal(['old', 'old']));

        expect((await b.write('services/cart/resume', { reason: 'mended' })).status).to.equal(200);
        await allSay(replicas, 'cart', 'steady', ({ state }) => state === 'steady', PATIENT_MS);
        console.log(`          steady everywhere ${lastToKnowMs(await statesOf(replicas), ['cart'])} ms later`);
        await replicas.each((one) => eventually('new again', async () => (await send(one, 'cart', 1))[0] === 'new'));
      });

      it('who resumes a hold lifts that hold alone, not one that somebody else placed meanwhile', async () => {
        const [a, c] = [replicas.get('pod-a'), replicas.get('pod-c')];
        await a.write('services/cart/abort', { reason: 'first' });
        await allSay(replicas, 'cart', 'held', ({ hold }) => hold?.reason === 'first', PATIENT_MS);
        await c.gate?.cut();
        await a.write('services/cart/resume', {});
        await a.write('services/cart/abort', { reason: 'second' });
        const { status, body } = await c.write('services/cart/resume', { reason: 'of the first' });
        expect([status, (body as { pending: boolean }).pending]).to.deep.equal([202, true]);
        expect((await c.proxy.service('cart')).state).to.equal('steady');
        await c.gate?.open();
        await allSay(replicas, 'cart', 'held by the second', ({ hold }) => hold?.reason === 'second', 15_000);
        // It may be answered before it is shared: the others are heard of again a moment before they can be told.
        expect((await c.write('services/cart/resume', {})).status).to.be.oneOf([200, 202]);
        await allSay(replicas, 'cart', 'steady', ({ state }) => state === 'steady', PATIENT_MS);
      });

      it('all three start again, with empty disks: what held holds, what fell back waits', async () => {
        await replicas.get('pod-a').write('services/kept/abort', { reason: 'over restarts' });
        await allSay(replicas, 'kept', 'held', ({ hold }) => hold !== null, PATIENT_MS);
        const before = await statesOf(replicas);
        await replicas.each(async (one) => {
          await one.kill();
          const state = join(one.proxy.directory, 'state');
          if (existsSync(state)) rmSync(state, { recursive: true });
        });
        await replicas.each((one) => replicas.restart(one.name));
        const after = await statesOf(replicas);
        for (const states of after) {
          expect(states.get('kept')?.hold?.reason).to.equal('over restarts');
          for (const name of ['shop', ...MANY]) {
            const [now, then] = [states.get(name), before[0].get(name)];
            expect([name, now?.state, now?.tripped_by, now?.trips]).to.deep.equal([
              ...[name, 'fallen_back', then?.tripped_by, 1],
            ]);
            expect(Date.parse(now?.retry_at ?? '')).to.be.closeTo(Date.parse(then?.retry_at ?? ''), 60_000);
          }
          expect(states.get('cart')?.state).to.equal('steady');
        }
        await areFlagged(['kept', 'shop', ...MANY]);
        await replicas.each(async (one) => expect(await send(one, 'kept', 2)).to.deep.equal(['old', 'old']));
      });
    });
  });
}
