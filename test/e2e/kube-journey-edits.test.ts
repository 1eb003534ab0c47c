/**
 * Somebody edits a ConfigMap with kubectl while three replicas serve: right and wrong, and in many namespaces. The full run
 * does the first with 200 edits.
 * @needs kubernetes nginx
 * @calm
 */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { hostOf } from '../support/edits.ts';
import { eventually } from '../support/eventually.ts';
import { clusterOf } from '../support/kept-connection.ts';
import { eventsIn, obeys, toldTwice } from '../support/kube-edits.ts';
import { kubeEdits } from '../support/kube-edits-suite.ts';
import { KubeNamespace } from '../support/kube-namespace.ts';
import { kubeScenes } from '../support/kube-scenes.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { ask } from '../support/raw-client.ts';
import { Replicas } from '../support/replicas.ts';

describe('edits of ConfigMaps', function () {
  this.timeout(100_000);
  const scenes = kubeScenes();

  kubeEdits({
    kube: () => scenes.kube,
    plane: 'direct',
    edits: 12,
    by: 'kubectl',
    liveWithinMs: 1_000,
    limitMs: 100_000,
  });
  kubeEdits({
    kube: () => scenes.kube,
    plane: 'nginx',
    edits: 6,
    by: 'kubectl',
    liveWithinMs: 3_000,
    limitMs: 100_000,
  });

  it('a typo is told once, with its place; the others apply, and a replica that starts then serves the same', async () => {
    const scene = await scenes.start('typo');
    scene.load();
    const reasons = async () => (await scene.events()).map(({ reason, type }) => `${reason} ${type}`);
    await eventually('the first text is told', async () => (await reasons()).includes('ConfigApplied Normal'));
    await scene.kubectlPatch(scene.text({ pay: 100 }));
    await scene.obeyed('a percentage', { pay: 100 }, performance.now(), 5_000);

    const text = scene.text({ shop: 100, pay: 'lots' });
    await scene.kubectlPatch(text);
    await scene.obeyed('what is right', { shop: 100, pay: 100 }, performance.now(), 5_000);
    const line = text.split('\n').findIndex((one) => one.endsWith('# pay')) + 1;
    const path = 'services[1].migration.percentage';
    for (const { proxy } of scene.replicas.all) {
      const { config, services } = await proxy.status();
      expect(services.map(({ stale }) => stale)).to.deep.equal([false, true, false]);
      expect(config.errors).to.have.length(1);
      expect(config.errors[0]).to.include({ code: 'wrong_type', service: 'pay', file: scene.space.label, line, path });
      expect(proxy.process.stderr).to.include(`${scene.space.label}:${line}:`);
    }
    await eventually('it is told', async () => (await reasons()).includes('ConfigRejected Warning'));

    const late = await Replicas.start({ kube: scenes.kube, space: scene.space, names: ['pod-d'] });
    scenes.ending(() => late.end());
    const [there, here] = await Promise.all([scene.replicas.all[0], late.all[0]].map(({ proxy }) => proxy.status()));
    expect(here.config.errors).to.deep.equal(there.config.errors);
    expect(here.services.map(served)).to.deep.equal(there.services.map(served));
    expect(here.config_hash).to.equal(there.config_hash);
    expect(await obeys(late.all[0], { shop: 100, pay: 100, mail: 50 })).to.equal(true);

    await scene.kubectlPatch(scene.text());
    await eventually('all is well', async () => {
      const all = [...scene.replicas.all, ...late.all];
      const statuses = await Promise.all(all.map(({ proxy }) => proxy.status()));
      return statuses.every(({ config, services }) => {
        return config.errors.length === 0 && services.every(({ stale }) => !stale);
      });
    });
    const failed = (await scene.rest()).flatMap((load) => load.failed);
    expect(failed).to.deep.equal([]);

    const events = await scene.events();
    expect(toldTwice(events)).to.deep.equal([]);
    const messages = (reason: string) =>
      events.filter((event) => event.reason === reason).map(({ message }) => message);
    expect(messages('PercentageChanged')).to.include('pay: 20 % -> 100 %, by kubectl-patch');
    expect(messages('ConfigRejected')).to.have.length(1);
    const [rejected] = messages('ConfigRejected');
    expect(rejected.startsWith(`pay: line ${line}, column `), rejected).to.equal(true);
    expect(rejected).to.include(`${path}: `).and.include('its last good version is served on');
  });

  it('by their label, of any namespace: one comes, one is broken, one goes; of two that want a name the older has it', async () => {
    const { kube } = scenes;
    const scene = await scenes.start('selector', { names: [] });
    await selectorRights(kube, 'selector');
    const [one, two, three] = await Promise.all(
      ['team-c', 'team-b', 'team-a'].map((name) => KubeNamespace.make(kube, name)),
    );
    const label = { 'migration-proxy/config': 'true' };
    const only = (name: string, percentage: number | string) =>
      scene.text({ [name]: percentage }).split(/(?=^ {2}- name)/m);
    const shop = (percentage: number | string) => only('shop', percentage).slice(0, 2).join('');
    const pay = (percentage: number | string) => [only('pay', percentage)[0], only('pay', percentage)[2]].join('');
    await one.configure(shop(100), label);
    const source = ['--selector', 'migration-proxy/config=true'];
    const replicas = await Replicas.start({ kube, space: scene.space, source });
    scenes.ending(() => replicas.end());
    const [first] = replicas.all;
    const everywhere = (what: string, holds: (status: Awaited<ReturnType<typeof first.proxy.status>>) => boolean) =>
      eventually(what, async () => (await replicas.each(({ proxy }) => proxy.status())).every(holds));
    const answers = (host: string) =>
      replicas
        .each(async ({ proxy }) => clusterOf(await ask(proxy.port, { host })))
        .then((clusters) => clusters.join());

    await two.configure(pay(100), label);
    await everywhere('one is added', ({ services }) => services.length === 2);
    expect(await answers(hostOf('pay'))).to.equal('new,new,new');

    // Creation times are whole seconds; and the younger comes first by its name.
    const born = Date.parse((await two.object('configmap', 'migration-config'))?.metadata.creationTimestamp ?? '');
    await eventually('a second has gone by', () => Date.now() >= born + 1_000);
    await three.configure(shop(0) + pay(0).slice(pay(0).indexOf('  - name')), label);
    await everywhere('the younger is in error', ({ config }) => config.errors.length === 2);
    for (const { proxy } of replicas.all) {
      const { config } = await proxy.status();
      for (const { file, message } of config.errors) {
        expect(file).to.equal(three.label);
        expect(message).to.match(/team-[bc]/);
      }
    }
    expect([await answers(hostOf('shop')), await answers(hostOf('pay'))]).to.deep.equal(['new,new,new', 'new,new,new']);

    await one.configure(shop('lots'), label);
    await everywhere('one is broken, and the others go on', ({ config, services }) => {
      return config.errors.length === 3 && services.find(({ name }) => name === 'shop')?.stale === true;
    });
    expect(await answers(hostOf('shop'))).to.equal('new,new,new');

    await two.delete('configmap', 'migration-config');
    await everywhere('the younger takes what went', ({ services }) => {
      return services.find(({ name }) => name === 'pay')?.percentage === 0;
    });
    await three.delete('configmap', 'migration-config');
    await everywhere('what went is stale', ({ config, services }) => {
      const isGone = config.errors.some(({ code, file }) => code === 'source_gone' && file === three.label);
      return isGone && services.length === 2 && services.every(({ stale }) => stale);
    });
    expect([await answers(hostOf('shop')), await answers(hostOf('pay'))]).to.deep.equal(['new,new,new', 'old,old,old']);
    const hashes = await replicas.each(async ({ proxy }) => (await proxy.status()).config_hash);
    expect(new Set(hashes).size).to.equal(1);

    await eventually('each team reads of its own', async () => {
      const told = await Promise.all([one, two, three].map(({ name }) => eventsIn(kube, name)));
      return told.every((events) => events.length > 0);
    });
    for (const { name } of [one, two, three]) {
      const events = await eventsIn(kube, name);
      expect(toldTwice(events)).to.deep.equal([]);
      for (const { involvedObject } of events) expect(involvedObject).to.include({ namespace: name });
    }
  });
});

function served({
  name,
  percentage,
  stale,
  state,
}: {
  name: string;
  percentage: number;
  stale: boolean;
  state: string;
}) {
  return { name, percentage, stale, state };
}

/** As the selector overlay gives them, to the account of a namespace. */
async function selectorRights(kube: KubeServers, namespace: string): Promise<void> {
  const file = new URL('../../k8s/overlays/selector/cluster-role.yaml', import.meta.url);
  const input = readFileSync(file, 'utf8').replace('namespace: migration-proxy', `namespace: ${namespace}`);
  const { code, stderr } = await kube.kubectl(['apply', '-f', '-'], { input });
  if (code !== 0) throw new Error(stderr);
}
