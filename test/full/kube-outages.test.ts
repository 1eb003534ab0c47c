/**
 * What becomes of an API server in bad weeks, each under load on three replicas: away for minutes, frozen, cut off from its own store,
 * played back from a backup, forgetful. No request fails, nothing older comes back, and all is noticed and caught up in time.
 * @needs kubernetes nginx
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { EditScene, STEADY, toldTwice } from '../support/kube-edits.ts';
import { CAUGHT_UP_MS, connectedIs, killedApiServer } from '../support/kube-outages.ts';
import { type KubeOptions, type KubeServers, startKubeServers } from '../support/kube-servers.ts';
import { PercentageWatch } from '../support/percentage-watch.ts';

/** Promised for a connection on which nothing is heard any more. */
const NOTICED_MS = 45_000;

describe('an API server in bad weeks', function () {
  this.timeout(600_000);
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });
  const servers = async (options?: KubeOptions): Promise<KubeServers> => {
    const kube = await startKubeServers(options);
    endings.push(() => kube.stop());
    return kube;
  };
  const started = async (kube: KubeServers, gated: readonly string[] = []): Promise<EditScene> => {
    const scene = await EditScene.start(kube, 'weeks', { gated });
    endings.push(() => scene.end());
    scene.load();
    return scene;
  };
  const fine = async (scene: EditScene, watch: PercentageWatch, seen: readonly number[]): Promise<void> => {
    for (const [name, percentages] of await watch.stop()) expect(percentages, name).to.deep.equal(seen);
    expect((await scene.rest()).flatMap(({ failed }) => failed)).to.deep.equal([]);
    expect(toldTwice(await scene.events())).to.deep.equal([]);
    const statuses = await scene.replicas.each(({ proxy }) => proxy.status());
    expect(new Set(statuses.map(({ config_hash: hash }) => hash)).size).to.equal(1);
    await eventually(
      'all are registered, and one leads',
      async () => {
        const lists = await scene.replicas.each(async ({ proxy }) => (await proxy.status()).replicas ?? []);
        return lists.every((list) => list.length === 3 && list.filter(({ leader }) => leader).length === 1);
      },
      60_000,
      200,
    );
  };

  for (const plane of ['direct', 'nginx'] as const) {
    it(`killed for 3 minutes, ${plane}`, async () => {
      await killedApiServer({ kube: await servers(), plane, awayMs: 180_000 });
    });
  }

  const pauses = [
    ['frozen', (kube: KubeServers) => kube.freezeApiServer(), (kube: KubeServers) => kube.thawApiServer()],
    ['cut off from its store', (kube: KubeServers) => kube.freezeEtcd(), (kube: KubeServers) => kube.thawEtcd()],
  ] as const;
  for (const [how, freeze, thaw] of pauses) {
    it(`${how}: noticed within 45 s, and an edit after it is live within 5 s`, async () => {
      const kube = await servers();
      const scene = await started(kube);
      const watch = new PercentageWatch(scene.replicas.all, 'mail');
      freeze(kube);
      await connectedIs(scene.replicas.all, false, NOTICED_MS);
      thaw(kube);
      await kube.ready();
      const readyMs = performance.now();
      await scene.patch(scene.text({ mail: 60 }));
      const took = await scene.obeyed('an edit', { mail: 60 }, readyMs, CAUGHT_UP_MS);
      console.log(`      caught up within ms: ${took.map(Math.round).join(', ')}`);
      await fine(scene, watch, [STEADY.mail as number, 60]);
    });
  }

  it('half open for one replica: the others follow at once; what arrives late at it takes nothing back', async () => {
    const scene = await started(await servers(), ['pod-c']);
    const third = scene.replicas.get('pod-c');
    const watch = new PercentageWatch(scene.replicas.all, 'mail');
    const swallowed = performance.now();
    await third.gate?.swallow();
    for (const mail of [60, 70]) {
      await scene.patch(scene.text({ mail }));
      for (const { name, proxy } of scene.replicas.all.slice(0, 2)) {
        await eventually(`${name} follows`, async () => (await proxy.service('mail')).percentage === mail, 1_000);
      }
    }
    await connectedIs([third], false, NOTICED_MS);
    console.log(`      noticed after ms: ${Math.round(performance.now() - swallowed)}`);
    await third.gate?.open();
    await scene.obeyed('the edits', { mail: 70 }, performance.now(), CAUGHT_UP_MS);
    for (const seen of (await watch.stop()).values()) expect(seen.at(-1)).to.equal(70);
    expect(watch.seen.get('pod-c')).to.deep.equal([STEADY.mail, 70]);
    expect((await scene.rest()).flatMap(({ failed }) => failed)).to.deep.equal([]);
    await connectedIs([third], true);
  });

  it('half open for a moment: the late words are taken in their order', async () => {
    const scene = await started(await servers(), ['pod-a', 'pod-b', 'pod-c']);
    const { all } = scene.replicas;
    const watch = new PercentageWatch(all, 'mail');
    for (const mail of [60, 70, 80, 90]) {
      await Promise.all(all.map(({ gate }) => gate?.swallow()));
      await scene.patch(scene.text({ mail: mail - 5 }));
      await pause(1_000);
      await scene.patch(scene.text({ mail }));
      await Promise.all(all.map(({ gate }) => gate?.open()));
      await scene.obeyed(`${mail} %`, { mail }, performance.now(), CAUGHT_UP_MS);
    }
    for (const [name, seen] of await watch.stop()) {
      expect(seen, name).to.deep.equal([...seen].sort((a, b) => a - b));
    }
    expect((await scene.rest()).flatMap(({ failed }) => failed)).to.deep.equal([]);
  });

  it('played back from a backup: what it says is the truth, though its versions are older', async () => {
    const kube = await servers();
    const scene = await started(kube);
    await scene.patch(scene.text({ mail: 60 }));
    await scene.obeyed('an edit', { mail: 60 }, performance.now(), CAUGHT_UP_MS);
    await kube.backUp();
    await connectedIs(scene.replicas.all, true);
    const watch = new PercentageWatch(scene.replicas.all, 'mail');
    await scene.patch(scene.text({ mail: 70 }));
    await scene.obeyed('an edit that is lost', { mail: 70 }, performance.now(), CAUGHT_UP_MS);
    const held = await scene.replicas.all[0].write('services/pay/abort', { reason: 'lost with the rest' });
    expect(held.status).to.equal(200);
    await kube.restore();
    await scene.obeyed('the backup', { mail: 60 }, performance.now(), CAUGHT_UP_MS);
    await connectedIs(scene.replicas.all, true);
    await scene.patch(scene.text({ mail: 80 }));
    await scene.obeyed('an edit', { mail: 80 }, performance.now(), CAUGHT_UP_MS);
    await eventually('all say the same of pay', async () => {
      const holds = await scene.replicas.each(async ({ proxy }) => (await proxy.service('pay')).hold !== null);
      return new Set(holds).size === 1;
    });
    await fine(scene, watch, [60, 70, 60, 80]);
  });

  it('forgetful: versions that a watch goes on from are compacted, and it is always connected', async () => {
    // Without its cache it sends no bookmarks: of an object that nobody changes the last version known grows old.
    const kube = await servers({ apiServerFlags: ['--watch-cache=false', '--etcd-compaction-interval=5s'] });
    const scene = await started(kube);
    const watch = new PercentageWatch(scene.replicas.all, 'mail');
    const untilMs = performance.now() + 80_000;
    while (performance.now() < untilMs) {
      for (const { proxy } of scene.replicas.all) {
        const { api_server: apiServer } = await proxy.status();
        expect(apiServer).to.include({ connected: true, problem: null });
      }
      await pause(500);
    }
    await scene.patch(scene.text({ mail: 60 }));
    await scene.obeyed('an edit', { mail: 60 }, performance.now(), 1_000);
    await fine(scene, watch, [STEADY.mail as number, 60]);
  });
});
