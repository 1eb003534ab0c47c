/**
 * A service comes back on three replicas together: one checks, one sends single requests, the steps are everybody's; and a leader
 * that is killed in the middle of it is not missed. In: a data plane. Out: its tests.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { ServiceReport } from '../../src/status/report.ts';
import { eventually } from './eventually.ts';
import { KubeNamespace } from './kube-namespace.ts';
import type { KubeServers } from './kube-servers.ts';
import { type Replica, Replicas } from './replicas.ts';
import { allSay, type Clusters, closeBoth, fallingServices, listenBoth, send } from './shared-fallback.ts';
import { sharedKubeServers } from './shared-kube.ts';
import { mostAtOnce } from './watched-cluster.ts';

/** A service's own requests through some replicas, a few at a time through each, until it is stopped. */
class Stream {
  readonly #clients: Promise<unknown>;
  #stopped = false;

  constructor(replicas: readonly Replica[], service: string, clients = 3) {
    const client = async (replica: Replica): Promise<void> => {
      while (!this.#stopped) {
        await send(replica, service, 5);
        await pause(100);
      }
    };
    this.#clients = Promise.all(replicas.flatMap((replica) => Array.from({ length: clients }, () => client(replica))));
    this.#clients.catch(() => {});
  }

  /** Rejects where a request got no good answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#clients;
  }
}

/** The shares that a replica said, in the order in which it did; `null`: none. */
class Shares {
  readonly seen: (number | null)[] = [];
  readonly #asking: Promise<void>;
  #stopped = false;

  constructor({ proxy }: Replica, service: string) {
    this.#asking = (async () => {
      while (!this.#stopped) {
        const { probe_share: share } = await proxy.service(service);
        if (share !== this.seen.at(-1)) this.seen.push(share);
        await pause(20);
      }
    })();
    this.#asking.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#asking;
  }
}

export function recoveryOverReplicas(plane: 'direct' | 'nginx'): void {
  describe(`recovery over three replicas, ${plane}`, function () {
    this.timeout(100_000);
    let kube: KubeServers;
    let clusters: Clusters;
    const endings: (() => unknown)[] = [];

    before(async () => {
      [kube, clusters] = await Promise.all([sharedKubeServers(), listenBoth()]);
    });
    afterEach(async () => {
      for (const end of endings.splice(0).reverse()) await end();
    });
    after(() => closeBoth(clusters));

    async function started(name: string, services: Parameters<typeof fallingServices>[1]): Promise<Replicas> {
      const space = await KubeNamespace.make(kube, name);
      await space.configure(fallingServices(clusters, services));
      const replicas = await Replicas.start({ kube, space, plane });
      endings.push(() => replicas.end());
      return replicas;
    }

    const leaderOf = (replicas: Replicas): Promise<Replica> =>
      eventually('somebody leads', async () => {
        const leads = await replicas.each((one) => one.metric('leader'));
        return replicas.all[leads.indexOf(1)] ?? null;
      });
    const fall = async (replicas: Replicas, replica: Replica, service: string): Promise<ServiceReport[]> => {
      clusters.fresh.failing.add(service);
      await send(replica, service, 3);
      return allSay(replicas, service, 'fallen back', ({ state }) => state === 'fallen_back');
    };
    const isSteady = ({ state }: ServiceReport): boolean => state === 'steady';

    it(`the leader alone checks, one request at a time is let through over all, steps are taken together`, async () => {
      clusters.fresh.arrivals.length = 0;
      const replicas = await started('together', [{ name: 'shop', recoverySeconds: 5 }]);
      const { fresh } = clusters;
      const leader = await leaderOf(replicas);
      const load = new Stream(replicas.all, 'shop');
      endings.push(() => load.stop());
      const checksBefore = fresh.checks.length;
      await fall(replicas, replicas.all.find((one) => one !== leader) as Replica, 'shop');
      // nginx is told of a state a moment after it is known, and tells of requests a moment after they ended.
      await eventually('what was under way has ended', () => {
        return fresh.of('shop').every(({ endedMs }) => endedMs < Date.now() - 500);
      });
      const arrivedBefore = fresh.of('shop').length;
      fresh.failing.delete('shop');
      // So that two at once would be seen.
      fresh.slowMs = 15;
      const shares = replicas.all.map((one) => new Shares(one, 'shop'));
      endings.push(() => Promise.all(shares.map((one) => one.stop())));
      await allSay(replicas, 'shop', 'steady', isSteady, 40_000);
      await Promise.all(shares.map((one) => one.stop()));
      fresh.slowMs = 0;

      expect(fresh.checks.length - checksBefore, 'checks at the end of the wait').to.equal(1);
      const checked = await replicas.each(async ({ proxy }) => (await proxy.service('shop')).last_check !== null);
      expect(checked).to.deep.equal(replicas.all.map((one) => one === leader));
      // The first step takes ten good answers, so the first ten were single requests.
      const probes = fresh.of('shop').slice(arrivedBefore, arrivedBefore + 10);
      expect(new Set(probes.map(({ replica }) => replica))).to.deep.equal(new Set([leader.name]));
      expect(mostAtOnce(probes)).to.equal(1);
      for (const { seen } of shares) {
        const steps = seen.filter((share) => share !== null);
        expect(steps, 'no step back').to.deep.equal([...steps].sort((x, y) => x - y));
        expect([0, 0.1, 0.25, 0.5, 1]).to.include.members(steps);
        expect(steps.length).to.be.at.least(4);
      }
      const trips = await replicas.each(async ({ proxy }) => (await proxy.service('shop')).trips);
      expect(trips).to.deep.equal([1, 1, 1]);
      await load.stop();
    });

    it('the leader is killed: a wait ends, single requests and later steps go on without it', async () => {
      const services = ['waits', 'single', 'later'] as const;
      const replicas = await started('killed', [
        { name: 'waits', recoverySeconds: 15 },
        { name: 'single', recoverySeconds: 2 },
        { name: 'later', recoverySeconds: 2 },
      ]);
      const { fresh } = clusters;
      const leader = await leaderOf(replicas);
      const others = replicas.all.filter((one) => one !== leader);
      for (const service of services) await fall(replicas, others[0], service);
      for (const service of services) fresh.failing.delete(service);
      const state = (service: string) => leader.proxy.service(service);
      await eventually('both are let through one by one', async () => {
        return (await state('single')).probe_share === 0 && (await state('later')).probe_share === 0;
      });
      const before = fresh.of('single').length;
      await send(leader, 'single', 3);
      expect(fresh.of('single', leader.name).length).to.equal(3);
      expect(fresh.of('single').length).to.equal(before + 3);
      await eventually('it is at a later step', async () => {
        await send(leader, 'later', 1);
        return ((await state('later')).probe_share ?? 0) > 0;
      });
      await Promise.all(
        others.map(({ proxy }) =>
          eventually('others are too', async () => ((await proxy.service('later')).probe_share ?? 0) > 0),
        ),
      );
      expect((await state('waits')).state).to.equal('fallen_back');

      await leader.kill();
      const killedMs = Date.now();
      const left = {
        each: <T>(question: (one: Replica) => Promise<T>) => Promise.all(others.map(question)),
      } as Replicas;
      // Two at once would be seen.
      fresh.slowMs = 15;
      const arrivedBefore = fresh.of('single').length;
      const loads = services.map((service) => new Stream(others, service, 2));
      endings.push(() => Promise.all(loads.map((load) => load.stop())));
      const tookMs = async (service: string): Promise<void> => {
        await allSay(left, service, 'steady', isSteady, 60_000);
        console.log(`        ${service}: steady ${((Date.now() - killedMs) / 1000).toFixed(1)} s after the kill`);
      };
      await Promise.all(services.map(tookMs));
      fresh.slowMs = 0;
      const probes = fresh.of('single').slice(arrivedBefore, arrivedBefore + 10);
      expect(new Set(probes.map(({ replica }) => replica)).size, 'one took over').to.equal(1);
      expect(mostAtOnce(probes)).to.equal(1);
      await Promise.all(loads.map((load) => load.stop()));

      await replicas.restart(leader.name);
      for (const service of services) await allSay(replicas, service, 'steady', isSteady);
    });
  });
}
