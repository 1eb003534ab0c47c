/**
 * WebSockets and event streams live through everything that happens to their service: edits, a fallback, a hold, its removal.
 * Only what begins afterwards goes elsewhere. A data plane in, tests out.
 */
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { eventually, within } from './eventually.ts';
import { field, readHead } from './http-message.ts';
import type { JourneyPlane, JourneyRun } from './journey-plane.ts';
import { clusterOf } from './kept-connection.ts';
import { ask, RawClient, requestBytes } from './raw-client.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from './seed.ts';
import { StreamingCluster } from './streaming-cluster.ts';

/** An event waits for nothing but the event loops on its way. */
const ON_TIME_MS = 250;
/** As EventSource sends it: nginx knows an event stream by it. */
const ACCEPT = { Accept: 'text/event-stream' };

export function streamsStay(plane: JourneyPlane): void {
  describe(`streams, by the ${plane.name} plane`, function () {
    this.timeout(40_000);
    let old: StreamingCluster;
    let fresh: StreamingCluster;
    const liveMs = 1_000 + 2 * plane.knowsWithinMs;
    let run: JourneyRun;
    let proxy: JourneyRun['proxy'];
    let endings: (() => unknown)[];

    beforeEach(async () => {
      endings = [];
      [old, fresh] = [await StreamingCluster.listen('old'), await StreamingCluster.listen('new')];
      run = await plane.start(yaml(100));
      proxy = run.proxy;
    });
    afterEach(async () => {
      for (const end of endings) end();
      await run.end();
      await Promise.all([old.close(), fresh.close()]);
    });

    // The ordinary limit is far shorter than the streams live: theirs is another.
    const yaml = (percentage: number) =>
      seedYaml(
        { old: old.backend, new: fresh.backend },
        {
          percentage,
          global: '  default_timeout: 300ms\n  health_check_interval: 300ms',
          fallback: '{ max_failures: 3, failure_window: 1, recovery_time: 500ms }',
        },
      );
    const service = () => proxy.service(SEED_SERVICE);
    const answers = async (cluster: string) => clusterOf(await ask(proxy.port, { host: SEED_HOST })) === cluster;

    /** A WebSocket; what comes out says who is at its other end. */
    const openSocket = async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/echo`, { headers: { Host: SEED_HOST } });
      endings.push(() => socket.terminate());
      await within('open', new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)));
      return async (text: string): Promise<string> => {
        const heard = new Promise<string>((resolve) => socket.once('message', (data) => resolve(String(data))));
        socket.send(text);
        return within(`an echo of ${text}`, heard, 2_000);
      };
    };

    /** An event stream; what comes out is how long an event took. */
    const openEvents = async (cluster: StreamingCluster) => {
      const client = await RawClient.connect(proxy.port);
      endings.push(() => client.destroy());
      const count = cluster.streams.length;
      client.send(requestBytes({ path: '/events', host: SEED_HOST, headers: ACCEPT }));
      const head = await readHead(client.queue, 2_000);
      expect(field(head, 'x-served-by')).to.equal(cluster.name);
      const stream = cluster.streams[count];
      return async (text: string): Promise<number> => {
        const sentMs = performance.now();
        stream.write(`data: ${text}\n\n`);
        await client.queue.until(`data: ${text}\n\n`, 2_000);
        return performance.now() - sentMs;
      };
    };

    it('stay where they are over edits, a fallback, a recovery, a hold and the end of the service', async () => {
      const [echo, event] = [await openSocket(), await openEvents(fresh)];
      let number = 0;
      const alive = async (what: string) => {
        number += 1;
        expect(await echo(`${what} ${number}`)).to.equal(`new heard ${what} ${number}`);
        expect(await event(`${what} ${number}`)).to.be.lessThan(ON_TIME_MS);
      };
      await alive('at the beginning');

      proxy.edit(yaml(0));
      await eventually('the edit is live', () => answers('old'), liveMs);
      await alive('after an edit');
      const [echoOfOld, eventOfOld] = [await openSocket(), await openEvents(old)];
      expect(await echoOfOld('x')).to.equal('old heard x');

      proxy.edit(yaml(100));
      await eventually('the edit is live', () => answers('new'), liveMs);
      fresh.isFailing = true;
      await eventually('it falls back', async () => {
        await ask(proxy.port, { host: SEED_HOST });
        return (await service()).state === 'fallen_back';
      });
      await alive('after the fallback');
      expect(await (await openSocket())('y')).to.equal('old heard y');

      fresh.isFailing = false;
      await eventually('it is back', async () => {
        await ask(proxy.port, { host: SEED_HOST });
        return (await service()).state === 'steady';
      });
      await alive('after the recovery');
      expect(await (await openSocket())('z')).to.equal('new heard z');
      expect(await echoOfOld('still')).to.equal('old heard still');
      expect(await eventOfOld('still')).to.be.lessThan(ON_TIME_MS);
      const { new: counted, last_error: lastError } = await service();
      expect(lastError).to.include({ kind: 'status', message: 'status 503' });
      expect(counted.failures).to.be.within(3, plane.knowsWithinMs === 0 ? 10 : 40);

      const abort = { method: 'POST', path: `/api/v1/services/${SEED_SERVICE}/abort`, body: '{"reason":"rehearsal"}' };
      const json = { 'Content-Type': 'application/json' };
      const held = await ask(proxy.adminPort, { ...abort, host: `127.0.0.1:${proxy.adminPort}`, headers: json });
      expect(held.status).to.be.oneOf([200, 202]);
      expect(await answers('old')).to.equal(true);
      await alive('while held');

      const other = yaml(100).replaceAll(SEED_SERVICE, 'another');
      proxy.edit(other);
      await eventually(
        'the service is gone',
        async () => (await ask(proxy.port, { host: SEED_HOST })).status === 404,
        liveMs,
      );
      await alive('after the service is gone');
      expect(await echoOfOld('even now')).to.equal('old heard even now');
      // Nothing of what the streams did was taken for a failure.
      expect((await proxy.status()).services.map(({ name, state }) => [name, state])).to.deep.equal([
        ['another', 'steady'],
      ]);
    });

    it('live for much longer than default_timeout without a byte, both ways', async () => {
      const [echo, event] = [await openSocket(), await openEvents(fresh)];
      // Four times default_timeout.
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect(await echo('late')).to.equal('new heard late');
      expect(await event('late')).to.be.lessThan(ON_TIME_MS);
      expect((await service()).new.failures).to.equal(0);
    });

    it('a client that goes away is seen by the backend within a second, and is no failure', async () => {
      const client = await RawClient.connect(proxy.port);
      client.send(requestBytes({ path: '/events', host: SEED_HOST, headers: ACCEPT }));
      await readHead(client.queue, 2_000);
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/echo`, { headers: { Host: SEED_HOST } });
      await within('open', new Promise((resolve) => socket.once('open', resolve)));
      client.destroy();
      socket.terminate();
      await eventually('the stream is closed', () => fresh.streams[0].destroyed, 1_000);
      await eventually('the socket is closed', () => fresh.sockets[0].readyState === WebSocket.CLOSED, 1_000);
      expect(await service()).to.include({ state: 'steady', failures_in_row: 0 });
      await eventually('both are counted', async () => (await service()).new.requests === 2, plane.knowsWithinMs);
      expect((await service()).new.failures).to.equal(0);
    });
  });
}
