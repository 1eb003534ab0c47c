/**
 * The same promise at any size: every byte arrives, up and down, and the proxy's memory does not depend on how many there
 * are. In: a size and what it may cost; out: tests.
 */
import type { Server } from 'node:http';
import { expect } from 'chai';
import { download, type Framing, growthMiB, hashOfBody, listenForBigBodies, upload } from './big-bodies.ts';
import { RunningProxy } from './running-proxy.ts';
import { SEED_HOST, seedYaml } from './seed.ts';

const MIB = 1024 * 1024;
/** Of buffers that were read and not collected yet; measured 20 to 56, the same for 128 MiB and for a GiB. */
const MOST_MIB = 96;

export function bigBodies(mebibytes: number, withinMs: number): void {
  describe(`bodies of ${mebibytes} MiB`, function () {
    this.timeout(2 * withinMs);
    let server: Server;
    let proxy: RunningProxy;
    let expected: string;

    before(async () => {
      expected = hashOfBody(mebibytes * MIB);
      const big = await listenForBigBodies();
      server = big.server;
      proxy = await RunningProxy.start(seedYaml({ old: big.backend, new: big.backend }, { percentage: 100 }));
      // What its first large exchanges make a process take for good is not what is measured.
      for (const framing of ['length', 'chunked'] as const) {
        await upload(transfer(framing, 16 * MIB));
        await download(transfer(framing, 16 * MIB), 'fast');
      }
    });
    after(async () => {
      await proxy.stop('SIGKILL');
      server.closeAllConnections();
      server.close();
    });

    const transfer = (framing: Framing, bytes = mebibytes * MIB) => {
      return { port: proxy.port, host: SEED_HOST, bytes, framing, withinMs };
    };
    const passes = async (what: () => Promise<string>) => {
      const grown = await growthMiB(proxy.process.child.pid ?? 0, async () => {
        expect(await what()).to.equal(expected);
      });
      expect(grown).to.be.lessThan(MOST_MIB);
    };

    for (const framing of ['length', 'chunked'] as const) {
      it(`up, ${framing}`, () => passes(() => upload(transfer(framing))));
      it(`down, ${framing}`, () => passes(() => download(transfer(framing), 'fast')));
      it(`down, ${framing}, to a slow reader`, () => passes(() => download(transfer(framing), 'slow')));
    }
  });
}
