/**
 * The nginx data plane as the conformance table sees it: the plane of `run` with a real nginx, started anew for each case in a
 * directory of its own, so that no case finds what another left behind.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../src/fallback/outcome.ts';
import type { ServedMigration } from '../../src/migration/model.ts';
import type { RunState } from '../../src/migration/run-state.ts';
import { caBundle } from '../../src/nginx/ca-bundle.ts';
import { createNginxPlane } from '../../src/nginx/create-plane.ts';
import type { NginxPlane } from '../../src/nginx/nginx-plane.ts';
import type { NginxSettings } from '../../src/nginx/text/settings.ts';
import { buildTable } from '../../src/routing/build.ts';
import type { RoutingTable } from '../../src/routing/table.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { nginxBinary, nginxVersion, njsModule } from '../support/nginx-binary.ts';
import { freePort } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { Recorder } from '../support/recorder.ts';
import { tempDir } from '../support/temp-dir.ts';
import { nginxDifferences } from './nginx-differences.ts';
import type { Differences } from './plan.ts';
import { INSTANCE, type Plane, PlaneFault, type PlaneSetup, type PlaneUnderTest } from './plane-under-test.ts';

/** What is read from a log comes after the answer. */
const REPORTED_MS = 5_000;
const LIMITS = {
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  keepAliveMs: 75_000,
  sendTimeoutMs: 60_000,
  maxHeadBytes: 32_768,
  replayBytes: 65_536,
  maxConnections: 1_000,
};

const VERSION = nginxVersion();
let authority: CertificateAuthority | null = null;

/** One CA that signed nothing, and not the system's: nginx reads them again for each case. */
function trusted(): string {
  authority ??= new CertificateAuthority();
  return authority.ca;
}

function workerUser(): string | null {
  if (process.getuid?.() !== 0) return null;
  return /^www-data:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'www-data' : 'root';
}

class NginxUnderTest implements PlaneUnderTest {
  readonly port: number;
  readonly old: Recorder;
  readonly new: Recorder;
  readonly outcomes: Outcome[] = [];
  readonly refused: string[] = [];
  readonly #reported = new Set<string>();
  readonly #problems: string[] = [];
  readonly #directory: string;
  readonly #plane: NginxPlane;
  #table: RoutingTable | null = null;

  constructor({ limits, names }: PlaneSetup, port: number, old: Recorder, fresh: Recorder) {
    this.port = port;
    this.old = old;
    this.new = fresh;
    this.#directory = join(existsSync('/dev/shm') ? '/dev/shm' : tempDir(), `conformance-${process.pid}-${port}`);
    const bundle = caBundle(this.#directory, trusted());
    const settings: NginxSettings = {
      version: VERSION,
      listen: { host: '127.0.0.1', port },
      directory: this.#directory,
      instance: INSTANCE,
      user: workerUser(),
      workers: 1,
      shutdownTimeoutMs: 1_000,
      gzip: 'off',
      accessLogFile: null,
      detail: 'brief',
      njsModule: njsModule(),
      caBundle: bundle.path,
      caDirectory: bundle.directory,
      limits: { ...LIMITS, ...limits },
    };
    this.#plane = createNginxPlane({
      settings,
      bundle,
      nginx: nginxBinary(),
      lookup: async (host) => names[host] ?? [],
      observer: {
        attempt: (outcome) => this.outcomes.push(outcome),
        request: ({ requestId }) => this.#reported.add(requestId),
        refused: (code) => this.refused.push(code),
        untrustedForwarder: () => undefined,
      },
      now: () => performance.timeOrigin + performance.now(),
      setTimer: (run, afterMs) => {
        const timer = setTimeout(run, afterMs);
        return () => clearTimeout(timer);
      },
      onEvent: (event) => {
        if (event.kind !== 'installed') this.#problems.push(JSON.stringify(event));
      },
    });
  }

  async serve(services: readonly ServedMigration[]): Promise<void> {
    const isFirst = this.#table === null;
    this.#table = buildTable(this.#table, services);
    this.#plane.apply(this.#table);
    await (isFirst ? this.#plane.start() : this.#plane.settled()).catch(() => undefined);
    if (!isFirst) await eventually('workers of the text before have left', () => this.#workers() === 1, REPORTED_MS);
    const { up, refusals, runningGeneration } = this.#plane.facts();
    if (refusals.length > 0) throw new Error(refusals[0].message);
    const isThere = up && runningGeneration === this.#table.generation;
    if (!isThere || this.#problems.length > 0) throw new PlaneFault(this.#problems.join('\n'));
  }

  async setRunState(service: string, state: RunState): Promise<void> {
    this.#plane.setRunState(service, state);
  }

  /** One worker writes its lines in order: what came before a request of ours is told before it. */
  async reported(): Promise<void> {
    const { old, pathPrefix } = this.#table?.services[0]?.migration ?? { old: { host: '' }, pathPrefix: null };
    const headers = { Via: `1.1 ${INSTANCE}` };
    const answer = await ask(this.port, { host: old.host, path: pathPrefix ?? '/', headers });
    if (answer.status !== 508) throw new PlaneFault(`a loop was answered with ${answer.status}`);
    const id = field(answer, 'x-request-id') ?? '';
    await eventually('the log is read', () => this.#reported.has(id), REPORTED_MS);
  }

  /** A worker of the text before may take a connection still when one of the new text answers already. */
  #workers(): number {
    const pid = readFileSync(join(this.#directory, 'run', 'nginx.pid'), 'utf8').trim();
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').length;
  }

  async stop(): Promise<void> {
    await this.#plane.drain(0);
    await Promise.all([this.old.close(), this.new.close()]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export const NGINX: Plane = {
  name: 'nginx',
  addsToAnswers: [/^Date: /, /^Server: nginx$/, /^Connection: keep-alive$/],
  openBodies: 'streamed',
  spreads: 'by chance',
  async start(setup) {
    const [old, fresh] = await Promise.all([
      Recorder.listen(setup.old),
      Recorder.listen(setup.new, { tls: setup.newTls }),
    ]);
    return new NginxUnderTest(setup, await freePort(), old, fresh);
  },
};

export const NGINX_DIFFERS: Differences = nginxDifferences(VERSION, njsModule() === null ? 'no njs' : 'njs');
