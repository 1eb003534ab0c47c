/**
 * Two hundred clients that take large answers by the drop: the proxy holds no more than its buffers for each, others are
 * served meanwhile as if they were not there, and every byte arrives in the end.
 */
import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { listenForBigBodies } from '../support/big-bodies.ts';
import { hostOf, loadOn, threeServices } from '../support/edits.ts';
import { eventually, within } from '../support/eventually.ts';
import type { MixedLoad } from '../support/mixed-load.ts';
import { openFiles, residentMiB } from '../support/proc.ts';
import { RunningProxy } from '../support/running-proxy.ts';

const MIB = 1024 * 1024;
const READERS = 200;
const BYTES = 16 * MIB;
/** What waits in the proxy for one of them, measured 150 to 200; all their answers together would be 3 200 MiB. */
const MOST_KIB_EACH = 512;

describe('many slow readers', function () {
  this.timeout(5 * 60_000);
  let clusters: ToyCluster[];
  let server: Server;
  let proxy: RunningProxy;
  let readers: Socket[];
  let loads: MixedLoad[];

  before(async () => {
    clusters = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    const big = await listenForBigBodies();
    server = big.server;
    const [old, fresh] = clusters;
    const yaml = threeServices({ old: old.backend, new: fresh.backend }, { shop: 50, pay: 50, mail: 0 });
    // Mail is the service with the large answers.
    const at = yaml.indexOf('- name: mail');
    proxy = await RunningProxy.start(yaml.slice(0, at) + yaml.slice(at).replace(old.backend, big.backend));
    readers = [];
  });
  after(async () => {
    for (const reader of readers) reader.destroy();
    await Promise.all(loads.map((load) => load.stop()));
    await proxy.stop('SIGKILL');
    server.closeAllConnections();
    server.close();
    await Promise.all(clusters.map((cluster) => cluster.close()));
  });

  it('cost a buffer each, keep nobody waiting, and get every byte', async () => {
    const pid = proxy.process.child.pid ?? 0;
    loads = loadOn(proxy.port, ['shop', 'pay']);
    await eventually('load', () => loads.every((load) => load.sent.length > 500), 30_000);
    const beforeMiB = residentMiB(pid);
    const hashes: string[] = [];
    const ended: Promise<void>[] = [];
    for (let at = 0; at < READERS; at++) {
      const reader = connect(proxy.port, '127.0.0.1');
      readers.push(reader);
      const framing = at % 2 === 0 ? 'length' : 'close';
      const version = framing === 'length' ? '1.1' : '1.0';
      reader.write(`GET /${BYTES}/${framing} HTTP/${version}\r\nHost: ${hostOf('mail')}\r\nConnection: close\r\n\r\n`);
      ended.push(slowly(reader).then((hash) => void hashes.push(hash)));
    }
    const asked = loads.map((load) => load.sent.length);
    let mostMiB = 0;
    await eventually(
      'load goes on for a while',
      () => {
        mostMiB = Math.max(mostMiB, residentMiB(pid));
        return loads.every((load, at) => load.sent.length > asked[at] + 2_000);
      },
      120_000,
    );
    expect(((mostMiB - beforeMiB) * 1024) / READERS).to.be.lessThan(MOST_KIB_EACH);
    // Before readers hurry: to hash three gigabytes keeps this process, which is the load and its clusters too, from anything else.
    await Promise.all(loads.map((load) => load.stop()));
    expect(loads.flatMap((load) => load.failed)).to.deep.equal([]);
    for (const reader of readers) reader.emit('hurry');
    await within('all have theirs', Promise.all(ended), 180_000);
    expect(new Set(hashes).size).to.equal(1);
    await eventually('nothing stays open', () => openFiles(pid) < 80, 30_000);
  });
});

/** The hash of the body. Takes a little now and then, until it hurries. */
async function slowly(reader: Socket): Promise<string> {
  const hash = createHash('sha256');
  let head: Buffer | null = Buffer.alloc(0);
  let timer: NodeJS.Timeout | null = null;
  reader.on('data', (chunk: Buffer) => {
    if (head === null) hash.update(chunk);
    else {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end >= 0) {
        hash.update(head.subarray(end + 4));
        head = null;
      }
    }
    if (isHurried) return;
    reader.pause();
    timer = setTimeout(() => reader.resume(), 200);
  });
  let isHurried = false;
  reader.once('hurry', () => {
    isHurried = true;
    if (timer !== null) clearTimeout(timer);
    reader.resume();
  });
  await new Promise<void>((resolve, reject) => reader.once('end', resolve).once('error', reject));
  return hash.digest('hex');
}
