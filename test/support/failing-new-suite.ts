/**
 * The new cluster breaks, in every way a cluster can, under load of GET, PUT and POST: no request that may be sent again is
 * lost, no POST acts twice, the service goes back to old and returns by probing, and the status tells the truth throughout.
 * A data plane in, tests out.
 */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type Fault, ToyCluster } from '../../src/demo/clusters.ts';
import { Arrivals } from './arrivals.ts';
import { CertificateAuthority, type Leaf } from './certificates.ts';
import { countersOf } from './counters.ts';
import { eventually } from './eventually.ts';
import type { JourneyPlane } from './journey-plane.ts';
import { KillableCluster } from './killable-cluster.ts';
import { MixedLoad } from './mixed-load.ts';
import { SEED_HOST, SEED_NEW_HOST, SEED_SERVICE, seedYaml } from './seed.ts';
import { StatusWatch } from './status-watch.ts';

const MAX_FAILURES = 5;

interface Outage {
  readonly how: Fault | 'killed' | 'certificate';
  /** Of the failures that trip; a kept connection may break before a new one is refused. */
  readonly cause: RegExp;
  /** The active check still passes, so that a probe is what fails. */
  readonly isSeenByChecks: boolean;
  /** What failed POSTs are told: null is a connection that is cut. */
  readonly postsGet: readonly (number | null)[];
}

/** The promise of nginx's plane is 250 ms from the failure that trips; a busy machine gets four times that. */
const OBEYED_MS = 1_000;
const TIMEOUT_MS = 400;

const OUTAGES: readonly Outage[] = [
  { how: 'killed', cause: /connect (refused|ECONNREFUSED)/, isSeenByChecks: true, postsGet: [502] },
  // Nothing of a request is sent before the handshake is over: even a POST goes to old.
  { how: 'certificate', cause: /tls .*expired/i, isSeenByChecks: true, postsGet: [] },
  { how: 'refuse', cause: /connect (refused|ECONNREFUSED)/, isSeenByChecks: true, postsGet: [502] },
  { how: 'reset', cause: /ECONNRESET/, isSeenByChecks: false, postsGet: [502] },
  { how: 'silent', cause: /no answer within 400 ms/, isSeenByChecks: false, postsGet: [504] },
  { how: '503', cause: /status 503/, isSeenByChecks: false, postsGet: [503] },
  { how: 'truncate', cause: /closed in the middle of an answer/, isSeenByChecks: false, postsGet: [null] },
];

const yaml = (clusters: { old: string; new: string }) =>
  seedYaml(clusters, {
    percentage: 50,
    global: `  default_timeout: 400ms
  connect_timeout: 400ms
  retry_attempts: 3
  health_check_interval: 400ms`,
    fallback: `{ enabled: true, max_failures: ${MAX_FAILURES}, failure_window: 2, recovery_time: 500ms }`,
  });

export function failingNew(plane: JourneyPlane): void {
  describe(`the new cluster breaks under load, by the ${plane.name} plane`, function () {
    this.timeout(60_000);
    let endings: (() => unknown)[];
    beforeEach(() => {
      endings = [];
    });
    afterEach(async () => {
      for (const end of endings.reverse()) await end();
    });

    for (const outage of OUTAGES) {
      const { how, cause, isSeenByChecks, postsGet } = outage;
      it(`${how}: nothing that may be sent again is lost, and it comes back by probing`, async () => {
        const atOld = new Arrivals();
        const old = await ToyCluster.listen('old', { onArrival: atOld.record });
        const fresh = await breakable(how);
        endings.push(() => Promise.all([old.close(), fresh.end()]));
        const run = await plane.start(fresh.describe(yaml({ old: old.backend, new: fresh.backend })));
        const { proxy } = run;
        const watch = new StatusWatch(proxy, SEED_SERVICE, () => fresh.arrivals().total);
        const load = new MixedLoad({ port: proxy.port, host: SEED_HOST });
        endings.push(
          () => run.end(),
          () => watch.stop(),
          () => load.stop(),
        );
        const status = () => proxy.service(SEED_SERVICE);

        await eventually('new has its share', () => load.servedBy('new') >= 50);
        expect(load.failed).to.deep.equal([]);
        const generation = await run.generation();
        const brokenAtMs = Date.now();
        await fresh.break();
        await eventually('it falls back', async () => (await status()).state === 'fallen_back');
        if (isSeenByChecks) {
          await eventually('a check fails', async () => (await status()).last_check?.ok === false);
        } else {
          await eventually('a probe fails', async () => (await status()).trips >= 2);
        }
        await fresh.heal();
        await eventually('it is back', async () => (await status()).state === 'steady');
        const before = load.servedBy('new');
        await eventually('new has its share again', () => load.servedBy('new') >= before + 50);
        await load.stop();
        await eventually('all are counted', async () => (await status()).old.requests === atOld.total, OBEYED_MS);
        await watch.stop();
        expect(await run.generation()).to.deep.equal(generation);

        // The client's side. nginx gives an answer on as it comes: what is cut after its head is cut for the client too.
        if (how === 'truncate' && plane.name === 'nginx') {
          for (const { said } of load.lost) expect(said).to.match(/^connection closed .*; got "the rest is"$/);
        } else {
          expect(load.lost).to.deep.equal([]);
        }
        expect(new Set([...postsGet, ...load.failed.map(({ status: code }) => code)])).to.deep.equal(new Set(postsGet));
        if (plane.knowsWithinMs === 0) {
          // No more than the failures that trip, those under way at that moment, and nothing while probing.
          expect(load.failed.length).to.be.at.most(MAX_FAILURES + 6);
        } else {
          const failedPosts = load.failed.filter(({ method }) => method === 'POST');
          const lastMs = Math.max(brokenAtMs, ...failedPosts.map(({ atMs }) => atMs));
          console.log(`        the last failed POST ${lastMs - brokenAtMs} ms after new broke`);
          expect(lastMs - brokenAtMs).to.be.below(OBEYED_MS + (how === 'silent' ? 2 * TIMEOUT_MS : 0));
        }

        // The clusters' side.
        const atNew = fresh.arrivals();
        for (const { method, path } of load.sent.filter((one) => one.method === 'POST')) {
          expect([path, atOld.of(method, path) + atNew.of(method, path)].join(' ')).to.match(/ [01]$/);
        }

        // What the status said.
        expect(watch.lies).to.deep.equal([]);
        expect(watch.states[0]).to.equal('steady');
        expect(watch.states.at(-1)).to.equal('steady');
        expect(watch.states).to.include('probing');
        expect(watch.tripReasons[0])
          .to.match(/^5 failures in a row in \S+ m?s: ./)
          .and.match(cause);
        for (const reason of watch.tripReasons.slice(1))
          expect(reason)
            .to.match(/^[12] failures?\b.*: ./)
            .and.match(cause);
        const shares = new Set(watch.looks.map(({ service }) => service.probe_share).filter((share) => share !== null));
        expect([0, 0.1, 0.25, 0.5, 1]).to.include.members([...shares]);
        // Steps of fifty milliseconds may be over between two looks, but not most of them.
        expect(shares.size).to.be.at.least(3);
        const last = await status();
        expect(last.state_reason).to.equal('recovered: every step of probing went well');
        expect(last.percentage).to.equal(50);
        expect(last.trips).to.equal(watch.tripReasons.length);
        const counted = await countersOf(proxy);
        const unreached = counted('migration_proxy_upstream_failures_total', { cluster: 'new', kind: 'connect' });
        expect(last.old).to.include({ requests: atOld.total, failures: 0 });
        // What a dying process had not read yet failed without having arrived.
        expect(last.new.requests - last.new.failures).to.be.at.most(atNew.total);
        if (!isSeenByChecks) expect(last.new.requests).to.equal(atNew.total + unreached);
        expect(last.new.failures).to.equal(counted('migration_proxy_upstream_failures_total', { cluster: 'new' }));
        expect(counted('migration_proxy_fallbacks_total', {})).to.equal(last.trips);
        // An answer that is cut has begun with a good status.
        const cut = load.failed.filter(({ status: code }) => code === null).length;
        const begunBy = { old: load.servedBy('old'), new: load.servedBy('new') + cut };
        for (const cluster of ['old', 'new'] as const) {
          expect(counted('migration_proxy_requests_total', { cluster, code: '2xx' })).to.equal(begunBy[cluster]);
        }
        expect(counted('migration_proxy_requests_total', {})).to.equal(load.sent.length);
        expect(last.new_share).to.be.closeTo(begunBy.new / load.sent.length, 0.05);
        expect((await proxy.stop()).code).to.equal(0);
      });
    }
  });
}

async function breakable(how: Outage['how']) {
  const describe = (text: string) => text;
  if (how === 'killed') {
    const cluster = await KillableCluster.listen('new');
    return {
      describe,
      backend: cluster.backend,
      arrivals: () => cluster.arrivals,
      break: () => cluster.kill(),
      heal: () => cluster.live(),
      end: () => cluster.kill(),
    };
  }
  if (how === 'certificate') return await withCertificate();
  const arrivals = new Arrivals();
  const cluster = await ToyCluster.listen('new', { onArrival: arrivals.record });
  return {
    describe,
    backend: cluster.backend,
    arrivals: () => arrivals,
    break: () => cluster.break(how),
    heal: () => cluster.heal(),
    end: () => cluster.close(),
  };
}

/** One that speaks TLS, whose certificate expires and is renewed. */
async function withCertificate() {
  const authority = new CertificateAuthority();
  const [good, bad] = [authority.leaf(SEED_NEW_HOST), authority.expired(SEED_NEW_HOST)];
  const arrivals = new Arrivals();
  /** Connections that were opened with the present certificate. */
  let fresh = new WeakSet<object>();
  const server = createServer({ ...good, keepAliveTimeout: 0 }, (request, response) => {
    arrivals.record(request.method ?? '', request.url ?? '');
    if (!fresh.has(request.socket)) response.setHeader('Connection', 'close');
    request.resume().once('end', () => response.setHeader('X-Served-By', 'new').end('new'));
  });
  server.on('secureConnection', (socket) => fresh.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const present = async (leaf: Leaf): Promise<void> => {
    server.setSecureContext(leaf);
    // Those that were opened before end with their next answer: closed while idle, one might meet a POST that is on its way.
    fresh = new WeakSet();
  };
  return {
    describe: (text: string) =>
      text.replace('new_protocol: http', `new_protocol: https\n    new_tls: { ca: ${JSON.stringify(authority.ca)} }`),
    backend: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals: () => arrivals,
    break: () => present(bad),
    heal: () => present(good),
    end: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
