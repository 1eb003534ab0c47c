/**
 * One of three replicas is cut off from the API server: refused (and it led), or left without an answer. It keeps its states, trips
 * on what it sees, is held where it is asked to, and never comes nearer to new; healed, it hears what the others did before it
 * says what it did. In: how it is cut off. Out: a test.
 */
import { expect } from 'chai';
import type { ServiceReport } from '../../src/status/report.ts';
import { eventually } from './eventually.ts';
import { KubeNamespace } from './kube-namespace.ts';
import type { KubeServers } from './kube-servers.ts';
import { type Replica, Replicas } from './replicas.ts';
import { allSay, type Clusters, closeBoth, fallingServices, listenBoth, send } from './shared-fallback.ts';
import { sharedKubeServers } from './shared-kube.ts';

/** Seconds; the others wait longer than the test takes. */
const RECOVERY: Readonly<Record<string, number>> = { stays: 4, share: 2 };
const SERVICES = ['stays', 'share', 'resumed', 'alone', 'both', 'theirs', 'held', 'lifted'].map((name) => {
  return { name, recoverySeconds: RECOVERY[name] ?? 300 };
});

export function cutOffReplica(how: 'cut' | 'swallow'): void {
  describe('a replica that is cut off', function () {
    this.timeout(100_000);
    let kube: KubeServers;
    let clusters: Clusters;
    let replicas: Replicas | null = null;

    before(async () => {
      [kube, clusters] = await Promise.all([sharedKubeServers(), listenBoth()]);
    });
    afterEach(() => replicas?.end());
    after(() => closeBoth(clusters));

    it(`${how === 'cut' ? 'refused, the leader' : 'in silence'}: goes on, never nearer to new; then the others are heard first`, async () => {
      const { fresh } = clusters;
      const space = await KubeNamespace.make(kube, `partition-${how}`);
      // Checks pass all the time: what keeps it from new is that nobody can be asked.
      await space.configure(fallingServices(clusters, SERVICES, { checkEvery: '1s' }));
      replicas = await Replicas.start({ kube, space, gated: ['pod-a', 'pod-b', 'pod-c'] });
      const { all } = replicas;
      const leader = await eventually('somebody leads', async () => {
        return all[(await Promise.all(all.map((one) => one.metric('leader')))).indexOf(1)] ?? null;
      });
      const off = how === 'cut' ? leader : (all.find((one) => one !== leader) as Replica);
      const [one, other] = all.filter((replica) => replica !== off);
      const others = { each: (question) => Promise.all([one, other].map(question)) } as Replicas;
      const ofOff = (service: string): Promise<ServiceReport> => off.proxy.service(service);
      const isFallen = ({ state }: ServiceReport): boolean => state === 'fallen_back';
      const isSteady = ({ state }: ServiceReport): boolean => state === 'steady';
      const fall = async (replica: Replica, service: string): Promise<void> => {
        fresh.failing.add(service);
        expect(await send(replica, service, 3)).to.deep.equal(['old', 'old', 'old']);
        fresh.failing.delete(service);
      };

      await one.write('services/lifted/abort', { reason: 'before' });
      await allSay(replicas, 'lifted', 'held', ({ hold }) => hold !== null);
      await fall(one, 'share');
      await eventually('a tenth is let through', async () => {
        await Promise.all(all.map((replica) => send(replica, 'share', 3)));
        return (await Promise.all(all.map(({ proxy }) => proxy.service('share')))).every(({ probe_share: at }) => at);
      });
      for (const service of ['resumed', 'stays']) {
        await fall(one, service);
        await allSay(replicas, service, 'fallen back', isFallen);
      }
      await off.gate?.[how]();
      const share = (await ofOff('share')).probe_share;

      // It still trips, on what it sees itself, and is held where it is asked to be.
      for (const service of ['alone', 'both', 'theirs']) {
        await fall(off, service);
        const { state, tripped_by: by } = await ofOff(service);
        expect([state, by]).to.deep.equal(['fallen_back', off.name]);
      }
      const { status, body } = await off.write('services/held/abort', { reason: 'cut off' });
      expect([status, (body as { pending: boolean }).pending]).to.deep.equal([202, true]);
      expect(await send(off, 'held', 2)).to.deep.equal(['old', 'old']);

      // The others know nothing of it, and go on.
      for (const service of ['alone', 'both', 'theirs', 'held']) {
        for (const { state } of await others.each(({ proxy }) => proxy.service(service)))
          expect(state).to.equal('steady');
      }
      await fall(one, 'both');
      expect((await one.write('services/theirs/abort', { reason: 'theirs' })).status).to.equal(200);
      const heldMs = Date.now();
      expect((await one.write('services/resumed/resume', {})).status).to.equal(200);
      expect((await one.write('services/lifted/resume', {})).status).to.equal(200);
      await eventually(
        'they have recovered together',
        async () => {
          const reports = await others.each(async (replica) => {
            await Promise.all([send(replica, 'stays', 3), send(replica, 'share', 9)]);
            return [await replica.proxy.service('stays'), await replica.proxy.service('share')];
          });
          return reports.flat().every(isSteady);
        },
        30_000,
      );

      // Its wait is over long since and its own check passes.
      await eventually('longer than a write may take', () => Date.now() - heldMs > 12_000, 20_000, 200);
      const { last_check: check, retry_at: retryAt, ...stays } = await ofOff('stays');
      expect([stays.state, check?.ok, Date.parse(retryAt ?? '') < Date.now()]).to.deep.equal([
        'fallen_back',
        true,
        true,
      ]);
      for (const service of ['stays', 'resumed', 'lifted']) {
        const before = fresh.of(service, off.name).length;
        expect(await send(off, service, 5)).to.deep.equal(Array(5).fill('old'));
        expect([service, fresh.of(service, off.name).length - before]).to.deep.equal([service, 0]);
      }
      // What it was to let through it does; however well that goes, it is no more.
      const before = fresh.of('share', off.name).length;
      await send(off, 'share', 150);
      expect(fresh.of('share', off.name).length - before).to.be.above(0);
      expect((await ofOff('share')).probe_share).to.equal(share);
      expect((await off.proxy.askAdmin('/readyz')).status).to.equal(200);

      await off.gate?.open();
      for (const service of ['stays', 'share', 'resumed', 'lifted'])
        await allSay(replicas, service, 'steady', isSteady, 15_000);
      const held = await allSay(replicas, 'held', 'held', ({ hold }) => hold !== null, 15_000);
      expect(held.map(({ hold }) => hold?.reason)).to.deep.equal(Array(3).fill('cut off'));
      const alone = await allSay(replicas, 'alone', 'fallen back', isFallen, 15_000);
      expect(alone.map(({ tripped_by: by }) => by)).to.deep.equal(Array(3).fill(off.name));
      // In silence a write may be on its way all the time: a trip that comes late is another name for the same.
      const trippedBy = how === 'cut' ? [one.name] : [one.name, off.name];
      await allSay(replicas, 'both', 'fallen back', ({ tripped_by: by }) => trippedBy.includes(by ?? ''), 15_000);
      await allSay(replicas, 'theirs', 'held by them', ({ hold }) => hold?.reason === 'theirs', 15_000);
      expect(await send(off, 'stays', 1)).to.deep.equal(['new']);
      await eventually('nothing waits', async () => (await off.proxy.status()).api_server?.connected);
      // What the disk of the state object says is what all say.
      const state = (await space.object('configmap', 'migration-proxy-state'))?.data ?? {};
      const texts = Object.entries(state).map(([service, text]) => [service, JSON.parse(text).state.state]);
      expect(Object.fromEntries(texts)).to.include({
        alone: 'fallen_back',
        both: 'fallen_back',
        theirs: 'fallen_back',
      });
    });
  });
}
