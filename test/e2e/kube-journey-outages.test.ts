/**
 * The API server is killed and started again while three replicas serve under load and people want to edit: nothing of it reaches a
 * request, and each replica is caught up within 5 s. The full run has longer and other outages.
 * @needs kubernetes
 */
import { expect } from 'chai';
import { STEADY } from '../support/kube-edits.ts';
import { CAUGHT_UP_MS, killedApiServer } from '../support/kube-outages.ts';
import { kubeScenes } from '../support/kube-scenes.ts';
import { PercentageWatch } from '../support/percentage-watch.ts';

const NAMES = ['pod-a', 'pod-b', 'pod-c'];

describe('outages of the API server', function () {
  this.timeout(100_000);
  const scenes = kubeScenes();
  const started = (name: string) => scenes.start(name, { gated: NAMES });

  it('killed for seconds: traffic goes on, edits are refused in words, and the first after it is live within 5 s', () =>
    killedApiServer({ kube: scenes.kube, plane: 'direct', awayMs: 4_000 }));

  it('away for hundreds of versions, and another process when it is back: caught up within 5 s', async () => {
    const scene = await started('versions');
    const { all } = scene.replicas;
    const watch = new PercentageWatch(all, 'mail');
    await Promise.all(all.map(({ gate }) => gate?.cut()));
    // More than a watch cache of the API server remembers of a start.
    for (let at = 0; at < 150; at++) await scene.patch(scene.text({ mail: 60, shop: at % 2 }));
    await scenes.kube.stopApiServer();
    await Promise.all([scenes.kube.startApiServer(), ...all.map(({ gate }) => gate?.open())]);
    const readyMs = performance.now();
    await scene.patch(scene.text({ mail: 70 }));
    await scene.obeyed('the newest', { mail: 70 }, readyMs, CAUGHT_UP_MS);
    for (const [name, seen] of await watch.stop()) {
      expect(
        seen.filter((mail) => mail !== 60),
        name,
      ).to.deep.equal([STEADY.mail, 70]);
    }
  });
});
