/**
 * `kill -9` of one of three replicas at any moment of a write of states: how many kills in, a test out. Trips, holds and resumes go
 * on all the time; after each kill what is shared is whole, says what was or what was decided, and the replica that starts again
 * stands as the others do.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from './eventually.ts';
import { KubeNamespace } from './kube-namespace.ts';
import type { KubeServers } from './kube-servers.ts';
import { Replicas } from './replicas.ts';
import { closeBoth, fallingServices, listenBoth, sendEach, statesOf } from './shared-fallback.ts';

const SERVICES = Array.from({ length: 12 }, (_, i) => `svc-${i}`);
/** A write takes a few milliseconds, here and at the API server; requests and the trips before it a little more. */
const KILL_WITHIN_MS = 120;

export async function killAtRandom(kube: KubeServers, kills: number, random: () => number): Promise<void> {
  const clusters = await listenBoth();
  const { fresh } = clusters;
  const space = await KubeNamespace.make(kube, `kills-${kills}`);
  await space.configure(
    fallingServices(
      clusters,
      SERVICES.map((name) => ({ name, maxFailures: 1 })),
    ),
  );
  const replicas = await Replicas.start({ kube, space });
  const [a, b, victim] = replicas.all;
  let halves = 0;
  try {
    for (let kill = 0; kill < kills; kill++) {
      for (const service of SERVICES) fresh.failing.add(service);
      // Some trip at the one that is killed, some elsewhere; the last is held there.
      const [own, others] = [SERVICES.slice(0, 8), SERVICES.slice(8, 11)];
      const acting = [
        // It may be gone before it answers.
        sendEach(victim, own, 4).catch(() => {}),
        victim.write(`services/${SERVICES[11]}/abort`, { reason: `kill ${kill}` }).catch(() => null),
        sendEach(b, others, 1),
      ];
      await pause(random() * KILL_WITHIN_MS);
      await victim.kill();
      await Promise.all(acting);

      // What the API server keeps is what was, or what was decided: nothing else, and nothing in parts.
      const data = (await space.object('configmap', 'migration-proxy-state'))?.data ?? {};
      for (const [service, text] of Object.entries(data)) {
        const { format, hold, state, tripped_by: by } = (JSON.parse(text) as { state: Record<string, unknown> }).state;
        expect([service, format, state]).to.deep.equal([service, 1, 'fallen_back']);
        if (service === SERVICES[11]) expect(hold).to.include({ reason: `kill ${kill}` });
        else expect(by).to.equal(own.includes(service) ? victim.name : b.name);
      }
      const written = own.filter((service) => data[service] !== undefined).length;
      if (written > 0 && written < own.length) halves++;

      await replicas.restart(victim.name);
      const agreed = await eventually(
        'all say the same, and what is shared',
        async () => {
          const shared = (await space.object('configmap', 'migration-proxy-state'))?.data ?? {};
          const all = await statesOf(replicas);
          for (const service of SERVICES) {
            const says = all.map((one) => `${one.get(service)?.state} ${one.get(service)?.hold?.reason ?? ''}`);
            const fallen = shared[service] !== undefined;
            const kept = fallen ? `fallen_back ${service === SERVICES[11] ? `kill ${kill}` : ''}` : 'steady ';
            if (says.some((one) => one !== kept)) throw new Error(`${service}: ${says.join(', ')}; shared: ${kept}`);
          }
          return shared;
        },
        20_000,
        100,
      );
      for (const service of others) expect(agreed[service], service).to.not.equal(undefined);

      fresh.failing.clear();
      for (const service of Object.keys(agreed)) {
        expect((await a.write(`services/${service}/resume`, {})).status).to.equal(200);
      }
      await eventually('all are steady again', async () => {
        const all = await statesOf(replicas);
        return all.every((one) => SERVICES.every((service) => one.get(service)?.state === 'steady'));
      });
      const left = (await space.object('configmap', 'migration-proxy-state'))?.data ?? {};
      expect(Object.keys(left), 'untouched services take no key').to.deep.equal([]);
    }
    console.log(`        ${kills} kills, ${halves} of them between two writes`);
  } finally {
    await replicas.end();
    await closeBoth(clusters);
  }
}
