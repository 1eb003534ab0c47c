/** What a proxy does between SIGTERM and the end of its drain delay, whichever plane it has: it says so, and serves on. */
import { expect } from 'chai';
import { eventually, patience } from './eventually.ts';
import { clusterOf } from './kept-connection.ts';
import type { MixedLoad } from './mixed-load.ts';
import { ask } from './raw-client.ts';
import type { RunningProxy } from './running-proxy.ts';
import { SEED_HOST } from './seed.ts';

/** Flags of `run`: long enough to see it, also where the machine has much to do. */
export const drainDelay = (): readonly string[] => ['--drain-delay', `${patience(1_000)}ms`];

/** The load asks both clusters all the time; it ends with the proxy. */
export async function expectServedWhileDraining(proxy: RunningProxy, load: MixedLoad): Promise<void> {
  await eventually('both clusters are asked', () => load.servedBy('new') >= 20 && load.servedBy('old') >= 20);
  const ended = proxy.stop();
  await eventually('it is not ready', async () => (await proxy.askAdmin('/readyz')).status === 503);
  const before = load.sent.length;
  for (let at = 0; at < 20; at++) clusterOf(await ask(proxy.port, { host: SEED_HOST }));
  await eventually('load goes on', () => load.sent.length > before + 20);
  await load.stop();
  expect(load.failed).to.deep.equal([]);
  expect((await ended).code).to.equal(0);
}
