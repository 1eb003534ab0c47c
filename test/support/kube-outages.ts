/**
 * Outages of the API server as replicas meet them: how long, in which data plane, in; assertions on what requests, replicas and
 * Events noticed out.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { StatusReport } from '../../src/status/report.ts';
import { eventually } from './eventually.ts';
import { EditScene, STEADY, toldTwice } from './kube-edits.ts';
import type { KubeServers } from './kube-servers.ts';
import { PercentageWatch } from './percentage-watch.ts';
import type { Replica } from './replicas.ts';

/** Promised: from the API server's being back until all is as it says. */
export const CAUGHT_UP_MS = 5_000;

/** A lost connection is noticed at once, a half-open one within 45 s. */
export async function connectedIs(
  replicas: readonly Replica[],
  isConnected: boolean,
  withinMs = 10_000,
): Promise<void> {
  await Promise.all(
    replicas.map(({ name, proxy }) =>
      eventually(
        `${name}: connected is ${isConnected}`,
        async () => (await proxy.status()).api_server?.connected === isConnected,
        withinMs,
      ),
    ),
  );
}

export interface Killed {
  readonly kube: KubeServers;
  readonly plane: 'direct' | 'nginx';
  readonly awayMs: number;
}

/** For that long under load; an edit is tried meanwhile, and the first one after it is live in time. */
export async function killedApiServer({ kube, plane, awayMs }: Killed): Promise<void> {
  const scene = await EditScene.start(kube, `killed-${plane}`, { plane });
  let isAway = false;
  try {
    const { all } = scene.replicas;
    const watch = new PercentageWatch(all, 'mail');
    const before = await scene.replicas.each(({ proxy }) => proxy.status());
    scene.load();
    await kube.stopApiServer();
    isAway = true;
    await connectedIs(all, false);
    const refused = await all[1].write('services/shop', { percentage: 30 }, 'PATCH');
    expect(refused.status).to.be.oneOf([502, 503]);
    expect(JSON.stringify(refused.body)).to.include('does not answer');
    await pause(awayMs);
    for (const { proxy } of all) {
      const status = await proxy.status();
      expect([status.ready, status.config.loaded_from]).to.deep.equal([true, 'source']);
      expect(percentagesOf(status)).to.deep.equal(STEADY);
      for (const service of status.services) expect(service).to.include({ state: 'steady', stale: false });
    }
    await kube.startApiServer();
    isAway = false;
    const readyMs = performance.now();
    await scene.patch(scene.text({ mail: 60 }));
    const took = await scene.obeyed('the first edit', { mail: 60 }, readyMs, CAUGHT_UP_MS);
    console.log(`      ${plane}: caught up within ms: ${took.map(Math.round).join(', ')}`);
    await connectedIs(all, true);

    for (const [name, seen] of await watch.stop()) expect(seen, name).to.deep.equal([STEADY.mail, 60]);
    const after = await scene.replicas.each(({ proxy }) => proxy.status());
    expect(after.map(({ generation }, i) => generation - before[i].generation)).to.deep.equal([1, 1, 1]);
    await scene.onlyExcused(plane);
    await eventually(
      'the others are heard of again, and one leads',
      async () => {
        const lists = await scene.replicas.each(async ({ proxy }) => (await proxy.status()).replicas ?? []);
        return lists.every((list) => list.length === 3 && list.filter(({ leader }) => leader).length === 1);
      },
      30_000,
    );
    const events = await eventually(
      'the edit is told',
      async () => {
        const told = await scene.events();
        return told.some(({ message }) => message.startsWith('mail: 50 % -> 60 %')) ? told : null;
      },
      45_000,
      200,
    );
    expect(toldTwice(events)).to.deep.equal([]);
  } finally {
    await scene.end();
    if (isAway) await kube.startApiServer();
  }
}

/** By service. */
export function percentagesOf({ services }: StatusReport): Readonly<Record<string, number>> {
  return Object.fromEntries(services.map(({ name, percentage }) => [name, percentage]));
}
