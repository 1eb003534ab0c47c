/**
 * Edits while nginx serves, with load on kept connections, a WebSocket and an event stream: a number of edits in, tests out.
 *
 * Every edit is a reload, and at a reload nginx's old workers close connections that are idle just then (before nginx 1.27.4,
 * which has keepalive_min_timeout). A request that was on its way on such a connection gets no answer: neither side did wrong,
 * RFC 9112 9.5 leaves it to the client to repeat it. Those and only those may fail, and none of them has reached a cluster,
 * so that even a POST may be repeated. Measured (nginx 1.22.1, busy machine): 190 of 68 402 requests at 200 reloads.
 */
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { Arrivals } from './arrivals.ts';
import { editOften, loadOn, threeServices, WAYS } from './edits.ts';
import { eventually } from './eventually.ts';
import type { MixedLoad } from './mixed-load.ts';
import { RunningNginx } from './running-nginx.ts';
import { StreamingCluster } from './streaming-cluster.ts';
import { openEvents, openSocket, type Stream } from './streams.ts';

/** Connections a load keeps, and loads. */
const KEPT = 9;
/** One that is busy while a reload takes place: on a machine with nothing else to do an edit is live in 0.3 s. */
const LIVE_MS = 3_000;

export function nginxEdits(edits: number, withinMs: number): void {
  describe(`${edits} edits while nginx serves`, function () {
    this.timeout(withinMs);
    let endings: (() => unknown)[];
    beforeEach(() => {
      endings = [];
    });
    afterEach(async () => {
      for (const end of endings.reverse()) await end();
    });

    it('no wrong answer, nothing lost that nginx could have kept, and every stream stays', async () => {
      const arrivals = new Arrivals();
      const onArrival = arrivals.record;
      const [old, fresh] = [
        await ToyCluster.listen('old', { onArrival }),
        await ToyCluster.listen('new', { onArrival }),
      ];
      const streaming = await StreamingCluster.listen('new');
      endings.push(() => Promise.all([old.close(), fresh.close(), streaming.close()]));
      const yaml = (shop: number) =>
        threeServices({ old: old.backend, new: fresh.backend }, { shop, pay: 0, mail: 100 }) +
        `  - { name: live, old_host: live.old.test, old_backend: "${old.backend}", new_host: live.new.test, new_backend: "${streaming.backend}", migration: { percentage: 100 } }\n`;
      const running = await RunningNginx.start(yaml(0));
      endings.push(() => running.end());
      const { proxy } = running;
      const streams: Stream[] = [];
      const open = async (): Promise<void> => {
        const where = { port: proxy.port, host: 'live.old.test' };
        streams.push(await openSocket(where), await openEvents({ ...where, cluster: streaming }));
      };
      endings.push(() => {
        for (const stream of streams) stream.close();
      });
      await open();
      const loads = loadOn(proxy.port);
      endings.push(() => Promise.all(loads.map((load) => load.stop())));
      // Even: an edit that changes nothing is no reload.
      const half = 2 * Math.ceil(edits / 4);
      // For a moment after a reload an old worker may still take a connection: only the count tells that an edit was seen.
      const grows = async () => (await running.reloads()).ok;
      const target = { file: proxy.file, yaml, withinMs: LIVE_MS, grows };
      await editOften(proxy, half, Object.values(WAYS), target);
      await open();
      await editOften(proxy, edits - half, Object.values(WAYS), target);
      await eventually('each service was asked', () => loads.every((load) => load.sent.length > 30));
      await Promise.all(loads.map((load) => load.stop()));

      // Streams that nobody touched.
      for (const stream of streams) expect(await stream.echo('still here')).to.equal('still here');
      expect(streaming.sockets).to.have.length(2);

      // Answers.
      const sent = loads.flatMap((load) => load.sent);
      const wrong = sent.filter(({ status }) => status !== null && status !== 200);
      expect(wrong).to.deep.equal([]);
      expect(servers(loads[1])).to.deep.equal(['old']);
      expect(servers(loads[2])).to.deep.equal(['new']);
      const failed = loads.flatMap((load) => load.failed);
      const cutOff = loads.flatMap((load) => load.cutOff);
      const { ok: reloads, failed: refused } = await running.reloads();
      console.log(`      ${failed.length} of ${sent.length} requests met a closing connection at ${reloads} reloads`);
      expect(failed.filter((one) => !cutOff.includes(one))).to.deep.equal([]);
      expect(cutOff.filter(({ onKept }) => !onKept)).to.deep.equal([]);
      expect(failed.length).to.be.at.most(KEPT * reloads);
      for (const { method, path, status } of sent) {
        expect(`${method} ${path}: ${arrivals.of(method, path)}`).to.equal(
          `${method} ${path}: ${status === null ? 0 : 1}`,
        );
      }

      // What is said of it.
      expect(refused).to.equal(0);
      expect(reloads).to.be.within(edits, 3 * edits + 1);
      const status = await proxy.status();
      expect(status.config.errors).to.deep.equal([]);
      expect(status.nginx?.running_generation).to.equal(status.generation);
      for (const service of status.services) expect(service).to.include({ state: 'steady', stale: false });
      // Old workers stay for the streams they have, two at most, and for nothing else.
      await eventually('the other workers are gone', () => running.workers().length <= 2 + 4, LIVE_MS);
    });
  });
}

function servers(load: MixedLoad): string[] {
  return [...new Set(load.sent.flatMap(({ servedBy }) => (servedBy === null ? [] : [servedBy])))];
}
