/**
 * Five thousand clients with kept connections: all are served, again and again, at a few KiB each, nobody waits long because
 * of the others, and when they have gone nothing of them stays.
 */
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { eventually } from '../support/eventually.ts';
import { clusterOf, KeptConnection } from '../support/kept-connection.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { openFiles, residentMiB } from '../support/proc.ts';
import { parsePrometheusText } from '../support/prometheus-text.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { SEED_HOST, seedYaml } from '../support/seed.ts';

const CLIENTS = 5_000;
const AT_ONCE = 50;
/** An idle connection: a socket of Node's with its handle, and little of ours; measured 6. */
const MOST_KIB_EACH = 32;

describe('many connections', function () {
  this.timeout(5 * 60_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let proxy: RunningProxy;
  let clients: KeptConnection[];

  before(async () => {
    [old, fresh] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    proxy = await RunningProxy.start(seedYaml({ old: old.backend, new: fresh.backend }, { percentage: 50 }));
    clients = Array.from({ length: CLIENTS }, () => new KeptConnection(proxy.port));
  });
  after(async () => {
    for (const client of clients) client.close();
    await proxy.stop('SIGKILL');
    await Promise.all([old.close(), fresh.close()]);
  });

  const pid = () => proxy.process.child.pid ?? 0;
  const openClients = async () => {
    const families = parsePrometheusText((await proxy.askAdmin('/metrics')).body.toString());
    const samples = families.get('migration_proxy_open_connections')?.samples ?? [];
    return samples.find(({ labels }) => labels.side === 'client')?.value;
  };
  /** Every client asks once. */
  const askAll = async () => {
    let next = 0;
    const lane = async () => {
      for (let at = next++; at < clients.length; at = next++) clusterOf(await clients[at].ask({ host: SEED_HOST }));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  };

  it('are served, three times over, on connections that stay', async () => {
    const warm = new MixedLoad({ port: proxy.port, host: SEED_HOST, pauseMs: 0 });
    await eventually('warm', () => warm.sent.length > 5_000, 60_000);
    await warm.stop();
    const [filesBefore, beforeMiB] = [openFiles(pid()), residentMiB(pid())];
    await askAll();
    expect(await openClients()).to.equal(CLIENTS);
    await askAll();
    await askAll();
    expect(await openClients()).to.equal(CLIENTS);
    expect(clients.every((client) => client.isOpen)).to.equal(true);
    expect(((residentMiB(pid()) - beforeMiB) * 1024) / CLIENTS).to.be.lessThan(MOST_KIB_EACH);
    expect(openFiles(pid()) - filesBefore).to.be.within(CLIENTS - 20, CLIENTS + 2 * AT_ONCE + 20);
  });

  it('do not keep others waiting', async () => {
    const load = new MixedLoad({ port: proxy.port, host: SEED_HOST });
    await eventually('1 000 requests', () => load.sent.length > 1_000, 60_000);
    await load.stop();
    expect(load.failed).to.deep.equal([]);
  });

  it('leave nothing behind', async () => {
    for (const client of clients) client.close();
    await eventually('all are gone', async () => (await openClients()) === 0, 30_000);
    expect(openFiles(pid())).to.be.lessThan(2 * AT_ONCE + 100);
    clusterOf(await new KeptConnection(proxy.port).ask({ host: SEED_HOST }));
  });
});
