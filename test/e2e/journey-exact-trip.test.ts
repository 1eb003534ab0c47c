/**
 * One request after the other: it is exactly the failure number max_failures that sends a service back to old.
 * @alone
 */
import { expect } from 'chai';
import { type Fault, ToyCluster } from '../../src/demo/clusters.ts';
import { Arrivals } from '../support/arrivals.ts';
import { field } from '../support/http-message.ts';
import { KeptConnection } from '../support/kept-connection.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';

const MAX_FAILURES = 4;

/** `arrives`: whether a failed request is seen by the broken cluster. */
const FAULTS: readonly [fault: Fault, arrives: boolean, reason: RegExp][] = [
  ['refuse', false, /^4 failures in a row in \S+ m?s: connect refused$/],
  ['silent', true, /^4 failures in a row in \S+ m?s: no answer within 200 ms$/],
  ['503', true, /^4 failures in a row in \S+ m?s: status 503$/],
  ['reset', true, /^4 failures in a row in \S+ m?s: ECONNRESET\b/],
  ['truncate', true, /^4 failures in a row in \S+ m?s: closed in the middle of an answer$/],
];

describe('the trip', () => {
  let old: ToyCluster;
  let fresh: ToyCluster;
  let proxy: RunningProxy;
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
    proxy = await RunningProxy.start(seedYaml(clusters, { percentage: 0, global, fallback }));
    client = new KeptConnection(proxy.port);
  });
  afterEach(async () => {
    client.close();
    await proxy.stop('SIGKILL');
    await Promise.all([old.close(), fresh.close()]);
  });

  const headers = { 'X-Migration-Target': 'new' };
  const ask = (method: string, path: string) =>
    client.ask({ method, path, host: SEED_HOST, headers, ...(method === 'GET' ? {} : { body: '{}' }) });
  const service = () => proxy.service(SEED_SERVICE);

  for (const [fault, arrives, reason] of FAULTS) {
    it(`${fault}: ${MAX_FAILURES} failures, not one less, not one more`, async () => {
      expect(field(await ask('GET', '/well'), 'x-served-by')).to.equal('new');
      await fresh.break(fault);
      for (let failures = 1; failures <= MAX_FAILURES; failures++) {
        const method = failures % 2 === 0 ? 'PUT' : 'GET';
        expect(field(await ask(method, `/${failures}`), 'x-served-by')).to.equal('old');
        const { state, failures_in_row: inRow, new: counted } = await service();
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
      expect((await service()).new).to.include({ requests: MAX_FAILURES + 1, failures: MAX_FAILURES });
    });
  }

  it('a success in between begins the row anew', async () => {
    for (let round = 0; round < 3; round++) {
      await fresh.break('503');
      for (let failures = 1; failures < MAX_FAILURES; failures++) await ask('GET', '/');
      expect((await service()).failures_in_row).to.equal(MAX_FAILURES - 1);
      await fresh.heal();
      expect(field(await ask('GET', '/'), 'x-served-by')).to.equal('new');
      expect(await service()).to.include({ failures_in_row: 0, state: 'steady' });
    }
  });

  it('failed POSTs count as well, each seen once, and get the answer of new', async () => {
    await fresh.break('503');
    for (let failures = 1; failures <= MAX_FAILURES; failures++) {
      expect((await ask('POST', `/order/${failures}`)).status).to.equal(503);
    }
    expect((await service()).state).to.equal('fallen_back');
    expect(arrivals.total).to.equal(MAX_FAILURES);
    expect(old.requests).to.equal(0);
    expect(field(await ask('POST', '/order/next'), 'x-served-by')).to.equal('old');
  });
});
