/**
 * nginx's log is rotated by us under load, several times: not one request is lost to the counters, none counted twice, and the
 * disk stays bounded.
 * @needs nginx
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { countersOf } from '../support/counters.ts';
import { eventually } from '../support/eventually.ts';
import { clustersOf } from '../support/kept-connection.ts';
import { RunningNginx } from '../support/running-nginx.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';

/** With all lines full, about 180 bytes each, that is more than three times what a log may grow to. */
const REQUESTS = 160_000;
const CONNECTIONS = 32;
const ROTATED_BYTES = 8 * 1024 * 1024;
/** The one that is written, the one before it until it is read, and what came between two looks. */
const MOST_BYTES = 2 * ROTATED_BYTES + 4 * 1024 * 1024;

describe("rotation of nginx's log under load", function () {
  this.timeout(10 * 60_000);

  it(`${REQUESTS} requests, each counted once`, async () => {
    const [old, fresh] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    const text = seedYaml({ old: old.backend, new: fresh.backend }, { percentage: 30, canary: '{}' });
    const running = await RunningNginx.start(text, { flags: ['--access-log', 'all'] });
    const logs = join(running.directory, 'log');
    let largest = 0;
    let [inode, logsSeen] = [0, 0];
    const watch = setInterval(() => {
      const files = readdirSync(logs).flatMap((name) => statSync(join(logs, name), { throwIfNoEntry: false }) ?? []);
      largest = Math.max(
        largest,
        files.reduce((sum, { size }) => sum + size, 0),
      );
      const current = statSync(join(logs, 'outcome.log'), { throwIfNoEntry: false });
      if (current === undefined || current.ino === inode) return;
      // A file system may give a number again.
      inode = current.ino;
      logsSeen++;
    }, 20);
    try {
      const answers = await clustersOf(
        running.proxy.port,
        Array.from({ length: REQUESTS }, () => ({ host: SEED_HOST })),
        CONNECTIONS,
      );
      const counted = await eventually(
        'all are counted',
        async () => {
          const now = await countersOf(running.proxy);
          return now('migration_proxy_requests_total', {}) >= REQUESTS ? now : null;
        },
        20_000,
      );
      for (const cluster of ['old', 'new'] as const) {
        const served = answers.filter((one) => one === cluster).length;
        expect(counted('migration_proxy_requests_total', { cluster, code: '2xx' })).to.equal(served);
        expect((await running.proxy.service(SEED_SERVICE))[cluster]).to.include({ requests: served, failures: 0 });
      }
      expect(counted('migration_proxy_requests_total', {})).to.equal(REQUESTS);
      expect(logsSeen).to.be.at.least(3);
      expect(largest).to.be.below(MOST_BYTES);
      console.log(`      ${logsSeen} logs one after the other, ${Math.round(largest / 2 ** 20)} MiB at most`);
    } finally {
      clearInterval(watch);
      await running.end();
      await Promise.all([old.close(), fresh.close()]);
    }
  });
});
