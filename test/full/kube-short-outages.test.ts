/**
 * The API server is out of reach for all replicas or for one, or when one starts: nothing of it reaches a request, and each replica is
 * caught up within 5 s.
 * @needs kubernetes
 */
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { STEADY, toldTwice } from '../support/kube-edits.ts';
import { CAUGHT_UP_MS, connectedIs, percentagesOf } from '../support/kube-outages.ts';
import { kubeScenes } from '../support/kube-scenes.ts';
import { PercentageWatch } from '../support/percentage-watch.ts';
import { Replicas } from '../support/replicas.ts';

const NAMES = ['pod-a', 'pod-b', 'pod-c'];

describe('an API server out of reach', function () {
  this.timeout(100_000);
  const scenes = kubeScenes();
  const started = (name: string) => scenes.start(name, { gated: NAMES });

  it('out of reach for all replicas while somebody edits: the newest text is applied, once, and nothing older after it', async () => {
    const scene = await started('unreachable');
    const { all } = scene.replicas;
    const watch = new PercentageWatch(all, 'mail');
    const before = await scene.replicas.each(({ proxy }) => proxy.status());
    scene.load();
    await Promise.all(all.map(({ gate }) => gate?.cut()));
    for (const mail of [60, 70, 80]) await scene.patch(scene.text({ mail }));
    await connectedIs(all, false);
    await Promise.all(all.map(({ gate }) => gate?.open()));
    await scene.obeyed('the newest', { mail: 80 }, performance.now(), CAUGHT_UP_MS);
    // Watched again, and not only listed once.
    await connectedIs(all, true);
    await scene.patch(scene.text({ mail: 90 }));
    await scene.obeyed('an edit', { mail: 90 }, performance.now(), 1_000);

    for (const [name, seen] of await watch.stop()) expect(seen, name).to.deep.equal([STEADY.mail, 80, 90]);
    const after = await scene.replicas.each(({ proxy }) => proxy.status());
    expect(after.map(({ generation }, i) => generation - before[i].generation)).to.deep.equal([2, 2, 2]);
    expect((await scene.rest()).flatMap(({ failed }) => failed)).to.deep.equal([]);
    expect(toldTwice(await scene.events())).to.deep.equal([]);
  });

  it('one replica alone is cut off: the others follow within a second, and it too once it can', async () => {
    const scene = await started('partition');
    const [first, second, third] = scene.replicas.all;
    await third.gate?.cut();
    await connectedIs([third], false);
    await scene.patch(scene.text({ mail: 60 }));
    for (const { proxy } of [first, second]) {
      await eventually('it follows', async () => (await proxy.service('mail')).percentage === 60, 1_000);
    }
    expect((await third.proxy.service('mail')).percentage).to.equal(STEADY.mail);
    const { config } = await third.proxy.status();
    expect(config, 'what it serves is from the source, and no error').to.deep.include({
      loaded_from: 'source',
      errors: [],
    });
    await third.gate?.open();
    await scene.obeyed('the edit', { mail: 60 }, performance.now(), CAUGHT_UP_MS);
    const hashes = await scene.replicas.each(async ({ proxy }) => (await proxy.status()).config_hash);
    expect(new Set(hashes).size).to.equal(1);
  });

  it('a replica that starts meanwhile serves from its state directory; one that has none waits, and says for what', async () => {
    const scene = await started('starts');
    const [first, second] = scene.replicas.all;
    const keptBefore = await eventually('it is on the disk', () => second.kept());
    await scene.patch(scene.text({ shop: 100, pay: 'lots', mail: 70 }));
    await scene.obeyed('an edit', { shop: 100, pay: STEADY.pay, mail: 70 }, performance.now(), 5_000);
    const there = await first.proxy.status();
    await eventually('the edit is on the disk', () => second.kept() !== keptBefore);
    await second.gate?.cut();
    await second.kill();
    await scene.replicas.restart('pod-b');
    const here = await second.proxy.status();
    expect(here.config.loaded_from).to.equal('last_good');
    expect(here.api_server?.connected).to.equal(false);
    expect(percentagesOf(here)).to.deep.equal({ shop: 100, pay: STEADY.pay, mail: 70 });
    expect(here.services.map(({ stale }) => stale)).to.deep.equal([true, true, true]);
    expect(here.config.errors.map(({ message }) => message).join()).to.include('does not answer');

    const away = { gated: ['pod-d'], cut: ['pod-d'] };
    const late = await Replicas.start({
      kube: scenes.kube,
      space: scene.space,
      names: ['pod-d'],
      ready: false,
      ...away,
    });
    scenes.ending(() => late.end());
    const [empty] = late.all;
    // Requests at a start are tried for 10 s.
    await eventually(
      'it says what it waits for',
      () => /the configuration cannot be read.*not ready, and goes on trying/.test(empty.proxy.process.stderr),
      20_000,
    );
    const { status, body } = await empty.proxy.askAdmin('/readyz');
    expect(status).to.equal(503);
    expect(JSON.parse(body.toString()).detail).to.include(`waiting for ${scene.space.label}`);

    await Promise.all([second.gate?.open(), empty.gate?.open()]);
    await empty.proxy.ready(CAUGHT_UP_MS);
    // Broken as the source is, all serve the same again.
    for (const { proxy } of [second, empty]) {
      await eventually('it serves what the others serve', async () => {
        const { config, config_hash: hash, services } = await proxy.status();
        expect(config.errors).to.deep.equal(there.config.errors);
        expect(services.map(({ name, percentage, stale }) => [name, percentage, stale])).to.deep.equal(
          there.services.map(({ name, percentage, stale }) => [name, percentage, stale]),
        );
        expect([config.loaded_from, hash]).to.deep.equal(['source', there.config_hash]);
        return true;
      });
    }
  });
});
