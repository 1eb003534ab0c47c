/**
 * One request after the other: it is exactly the failure number max_failures that sends a service back to old. A data plane
 * in, tests out.
 */
import { expect } from 'chai';
import { type Fault, ToyCluster } from '../../src/demo/clusters.ts';
import { Arrivals } from './arrivals.ts';
import { eventually } from './eventually.ts';
import { field } from './http-message.ts';
import type { JourneyPlane, JourneyRun } from './journey-plane.ts';
import { KeptConnection } from './kept-connection.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from './seed.ts';

const MAX_FAILURES = 4;

/** `arrives`: whether a failed request is seen by the broken cluster. */
const FAULTS: readonly [fault: Fault, arrives: boolean, reason: RegExp][] = [
  ['refuse', false, /^4 failures in a row in \S+ m?s: connect (refused$|ECONNREFUSED )/],
  ['silent', true, /^4 failures in a row in \S+ m?s: no answer within 200 ms$/],
  ['503', true, /^4 failures in a row in \S+ m?s: status 503$/],
  ['reset', true, /^4 failures in a row in \S+ m?s: ECONNRESET\b/],
  ['truncate', true, /^4 failures in a row in \S+ m?s: closed in the middle of an answer\b/],
];

export function exactTrip(plane: JourneyPlane): void {
  describe(`the trip, by the ${plane.name} plane`, function () {
    this.timeout(20_000);
    let old: ToyCluster;
    let fresh: ToyCluster;
    let run: JourneyRun;
    let arrivals: Arrivals;
    let client: KeptConnection;

    beforeEach(async () => {
      arrivals = new Arrivals();
      old = await ToyCluster.listen('old');
      fresh = await ToyCluster.listen('new', { onArrival: arrivals.record });
      const clusters = { old: old.backend, new: fresh.backend };
      // No active check and no rate before the row is complete: they are other rules.
      const global = '  default_timeout: 200ms\n  health_check_interval: 1h';
      const fallback = `{ max_failures: ${MAX_FAILURES}, failure_window: 60, recovery_time: 300 }`;
      run = await plane.start(seedYaml(clusters, { percentage: 0, global, fallback }));
      client = new KeptConnection(run.proxy.port);
    });
    afterEach(async () => {
      client.close();
      await run.end();
      await Promise.all([old.close(), fresh.close()]);
    });

    const headers = { 'X-Migration-Target': 'new' };
    const ask = (method: string, path: string) =>
      client.ask({ method, path, host: SEED_HOST, headers, ...(method === 'GET' ? {} : { body: '{}' }) });
    const service = () => run.proxy.service(SEED_SERVICE);
    /** The status, once it knows of what has happened. */
    const known = (what: string, is: (status: Awaited<ReturnType<typeof service>>) => boolean) =>
      eventually(
        what,
        async () => {
          const status = await service();
          return is(status) ? status : null;
        },
        plane.knowsWithinMs,
      );

    for (const [fault, arrives, reason] of FAULTS) {
      it(`${fault}: ${MAX_FAILURES} failures, not one less, not one more`, async () => {
        expect(field(await ask('GET', '/well'), 'x-served-by')).to.equal('new');
        if (plane.name === 'nginx') await closeKept(fresh);
        const before = await run.generation();
        const rescued = fault === 'truncate' && plane.name === 'nginx' ? 0 : MAX_FAILURES;
        await fresh.break(fault);
        for (let failures = 1; failures <= MAX_FAILURES; failures++) {
          const method = failures % 2 === 0 ? 'PUT' : 'GET';
          if (rescued === 0) await cutHalfWay(ask(method, `/${failures}`));
          else expect(field(await ask(method, `/${failures}`), 'x-served-by')).to.equal('old');
          const status = await known(`failure ${failures}`, ({ new: counted }) => counted.failures === failures);
          const { state, failures_in_row: inRow, new: counted } = status;
          expect(counted).to.include({ requests: failures + 1, failures });
          if (failures < MAX_FAILURES) expect({ state, inRow }).to.deep.equal({ state: 'steady', inRow: failures });
          else expect(state).to.equal('fallen_back');
        }
        const { state_reason: said, retry_at: retryAt, state_since: since, trips } = await service();
        expect(said).to.match(reason);
        expect(trips).to.equal(1);
        expect((Date.parse(retryAt ?? '') - Date.parse(since)) / 1000).to.be.within(300, 330);
        for (let at = 0; at < 10; at++) {
          expect(field(await ask(at % 2 === 0 ? 'GET' : 'POST', `/after/${at}`), 'x-served-by')).to.equal('old');
        }
        expect(arrivals.total).to.equal(1 + (arrives ? MAX_FAILURES : 0));
        const { new: counted } = await known('the others', ({ old: asked }) => asked.requests === 10 + rescued);
        expect(counted).to.include({ requests: MAX_FAILURES + 1, failures: MAX_FAILURES });
        expect(await run.generation()).to.deep.equal(before);
      });
    }

    it('a success in between begins the row anew', async () => {
      for (let round = 0; round < 3; round++) {
        await fresh.break('503');
        for (let failures = 1; failures < MAX_FAILURES; failures++) await ask('GET', '/');
        await known('all but one', ({ failures_in_row: inRow }) => inRow === MAX_FAILURES - 1);
        await fresh.heal();
        expect(field(await ask('GET', '/'), 'x-served-by')).to.equal('new');
        const { state } = await known('none in a row', ({ failures_in_row: inRow }) => inRow === 0);
        expect(state).to.equal('steady');
      }
    });

    it('failed POSTs count as well, each seen once, and get the answer of new', async () => {
      await fresh.break('503');
      for (let failures = 1; failures <= MAX_FAILURES; failures++) {
        expect((await ask('POST', `/order/${failures}`)).status).to.equal(503);
      }
      await known('it has fallen back', ({ state }) => state === 'fallen_back');
      expect(arrivals.total).to.equal(MAX_FAILURES);
      expect(old.requests).to.equal(0);
      expect(field(await ask('POST', '/order/next'), 'x-served-by')).to.equal('old');
    });
  });
}

/** nginx gives an answer on as it comes: what breaks after its head is broken for the client too. */
async function cutHalfWay(answer: Promise<unknown>): Promise<void> {
  const said = await answer.then(
    () => 'a whole answer',
    (error: Error) => error.message,
  );
  expect(said).to.match(/^connection closed while waiting for 100 bytes; got "the rest is"/);
}

/**
 * Where half a head comes on a kept connection, nginx cannot be kept from asking once more on a fresh one: two attempts, and two
 * failures. Here each request is to be one.
 */
async function closeKept(cluster: ToyCluster): Promise<void> {
  await cluster.break('silent');
  await cluster.heal();
}
