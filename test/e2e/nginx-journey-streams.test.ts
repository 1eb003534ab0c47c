/**
 * WebSockets and event streams through nginx live through everything that happens to their service, reloads too, for as long
 * as the shutdown timeout says.
 * @needs nginx
 */
import { expect } from 'chai';
import { countersOf } from '../support/counters.ts';
import { eventually, within } from '../support/eventually.ts';
import { NGINX } from '../support/journey-plane.ts';
import { clusterOf } from '../support/kept-connection.ts';
import { ask } from '../support/raw-client.ts';
import { RunningNginx } from '../support/running-nginx.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';
import { StreamingCluster } from '../support/streaming-cluster.ts';
import { openEvents, openSocket } from '../support/streams.ts';
import { streamsStay } from '../support/streams-suite.ts';

streamsStay(NGINX);

const SHUTDOWN_MS = 3_000;

describe('the shutdown timeout', function () {
  this.timeout(30_000);

  it('is the life of streams after a reload: not less, and then they end', async () => {
    const [old, fresh] = [await StreamingCluster.listen('old'), await StreamingCluster.listen('new')];
    const yaml = (percentage: number) => seedYaml({ old: old.backend, new: fresh.backend }, { percentage });
    const running = await RunningNginx.start(yaml(100), { shutdownTimeout: `${SHUTDOWN_MS}ms` });
    try {
      const where = { port: running.proxy.port, host: SEED_HOST };
      const streams = [await openSocket(where), await openEvents({ ...where, cluster: fresh })];
      let ended = 0;
      for (const stream of streams) void stream.ended.then(() => ended++);
      // Without a reload they have no such limit.
      await eventually('a while', () => new Promise((resolve) => setTimeout(() => resolve(true), SHUTDOWN_MS + 500)));
      const beforeMs = performance.now();
      running.proxy.edit(yaml(0));
      await eventually('the edit is live', async () => clusterOf(await ask(where.port, where)) === 'old');
      await eventually('old workers are leaving', () => running.workers().some(({ isLeaving }) => isLeaving));
      for (const stream of streams) expect(await stream.echo('still here')).to.equal('still here');
      await within('both have ended', Promise.all(streams.map((stream) => stream.ended)), 10_000);
      expect(performance.now() - beforeMs).to.be.at.least(SHUTDOWN_MS);
      expect(ended).to.equal(2);
      await eventually('old workers are gone', () => running.workers().every(({ isLeaving }) => !isLeaving));
      // It was us who cut them: no failure of the cluster.
      await eventually('the socket is counted', async () => {
        const counted = await countersOf(running.proxy);
        return counted('migration_proxy_requests_total', { cluster: 'new', code: '1xx' }) === 1;
      });
      expect((await running.proxy.service(SEED_SERVICE)).new.failures).to.equal(0);
    } finally {
      await running.end();
      await Promise.all([old.close(), fresh.close()]);
    }
  });
});
