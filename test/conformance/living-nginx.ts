/**
 * One nginx with the plane of `run`, in a directory and on ports of its own, that serves case after case. In: the services of
 * the case that has its turn. Out: what it reports of that case alone: a request of ours that the log tells marks where the
 * case begins, as one worker writes its lines in order.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../src/fallback/outcome.ts';
import type { ServedMigration } from '../../src/migration/model.ts';
import { type RunState, STEADY } from '../../src/migration/run-state.ts';
import { caBundle } from '../../src/nginx/ca-bundle.ts';
import { createNginxPlane } from '../../src/nginx/create-plane.ts';
import type { NginxPlane } from '../../src/nginx/nginx-plane.ts';
import { askConnections } from '../../src/nginx/process/control.ts';
import { layoutOf } from '../../src/nginx/process/layout.ts';
import type { NginxVersion } from '../../src/nginx/text/settings.ts';
import { buildTable } from '../../src/routing/build.ts';
import type { RoutingTable } from '../../src/routing/table.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { nginxBinary, njsModule } from '../support/nginx-binary.ts';
import { sampleSettings, workerUser } from '../support/nginx-settings.ts';
import { freePorts } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { tempDir } from '../support/temp-dir.ts';
import { INSTANCE, PlaneFault } from './plane-under-test.ts';
import type { Living, LivingSetup } from './pool.ts';

/** What is read from a log comes after the answer. */
const REPORTED_MS = 5_000;
/** What an ended case may leave open: nginx notices within milliseconds. */
const QUIET_MS = 1_000;
const OFTEN_MS = 3;

/** One CA that signed nothing, and not the system's: nginx reads them again at each load. */
let authority: CertificateAuthority | null = null;
function trusted(): string {
  authority ??= new CertificateAuthority();
  return authority.ca;
}

/** What was reported since a case began; it grows. */
export interface Reported {
  readonly outcomes: Outcome[];
  readonly refused: string[];
}

export interface Ports {
  readonly listen: number;
  readonly old: number;
  readonly new: number;
}

export class LivingNginx implements Living {
  readonly ports: Ports;
  readonly #directory: string;
  readonly #plane: NginxPlane;
  readonly #problems: string[] = [];
  readonly #heard = new Set<string>();
  readonly #moved = new Map<string, RunState>();
  #reported: Reported = { outcomes: [], refused: [] };
  /** Of the request with which the case begins: what is told before it is of earlier ones. Null: not sent yet. */
  #marker: string | null = null;
  #table: RoutingTable | null = null;
  #isFit = true;

  constructor({ limits, names }: LivingSetup, ports: Ports, version: NginxVersion) {
    this.ports = ports;
    this.#directory = join(
      existsSync('/dev/shm') ? '/dev/shm' : tempDir(),
      `conformance-${process.pid}-${ports.listen}`,
    );
    const bundle = caBundle(this.#directory, trusted());
    this.#plane = createNginxPlane({
      startedBy: 'self',
      settings: sampleSettings({
        version,
        listen: { host: '127.0.0.1', port: ports.listen },
        directory: this.#directory,
        instance: INSTANCE,
        user: workerUser(),
        njsModule: njsModule(),
        caBundle: bundle.path,
        caDirectory: bundle.directory,
        limits,
      }),
      bundle,
      nginx: nginxBinary(),
      lookup: async (host) => names[host] ?? [],
      observer: {
        attempt: (outcome) => this.#isOfThisCase() && this.#reported.outcomes.push(outcome),
        request: ({ requestId }) => this.#heard.add(requestId),
        refused: (code) => this.#isOfThisCase() && this.#reported.refused.push(code),
        untrustedForwarder: () => undefined,
      },
      now: () => performance.timeOrigin + performance.now(),
      setTimer: (run, afterMs) => {
        const timer = setTimeout(run, afterMs).unref();
        return () => clearTimeout(timer);
      },
      onEvent: (event) => {
        if (event.kind !== 'installed' && event.kind !== 'taken') this.#problems.push(JSON.stringify(event));
      },
    });
  }

  static async of(setup: LivingSetup, version: NginxVersion): Promise<LivingNginx> {
    const [listen, old, fresh] = await freePorts(3);
    return new LivingNginx(setup, { listen, old, new: fresh }, version);
  }

  /** Of the case that has its turn. */
  get reported(): Reported {
    return this.#reported;
  }

  /** The first text of a case. */
  async begin(services: readonly ServedMigration[]): Promise<void> {
    this.#reported = { outcomes: [], refused: [] };
    this.#marker = null;
    this.#heard.clear();
    await this.serve(services);
    this.#marker = await this.#loop();
  }

  async serve(services: readonly ServedMigration[]): Promise<void> {
    const isFirst = this.#table === null;
    this.#table = buildTable(this.#table, services);
    this.#plane.apply(this.#table);
    await (isFirst ? this.#plane.start() : this.#plane.settled()).catch(() => undefined);
    if (!isFirst)
      await eventually('workers of the text before have left', () => this.#workers() === 1, REPORTED_MS, OFTEN_MS);
    const { up, refusals, runningGeneration } = this.#plane.facts();
    const isThere = up && runningGeneration === this.#table.generation && this.#problems.length === 0;
    this.#isFit &&= isThere && refusals.length === 0;
    if (refusals.length > 0) throw new Error(refusals[0].message);
    if (!isThere) throw new PlaneFault(this.#problems.join('\n'));
  }

  setRunState(service: string, state: RunState): void {
    this.#moved.set(service, state);
    this.#plane.setRunState(service, state);
  }

  /** Resolves when what was answered before has been told. */
  async told(): Promise<void> {
    const id = await this.#loop();
    await eventually('the log is read', () => this.#heard.has(id), REPORTED_MS, OFTEN_MS);
  }

  /** The case is over and its clients are gone: resolves when nginx has noticed. */
  async end(): Promise<void> {
    const socket = layoutOf(this.#directory).controlSocket;
    // The one that asks is one of them.
    const isQuiet = async (): Promise<boolean> => ((await askConnections(socket, QUIET_MS))?.active ?? 1) <= 1;
    await eventually('no client is left', isQuiet, QUIET_MS, OFTEN_MS).catch(() => {
      this.#isFit = false;
    });
    for (const service of this.#moved.keys()) this.#plane.setRunState(service, STEADY);
    this.#moved.clear();
  }

  isFit(): boolean {
    return this.#isFit && this.#problems.length === 0;
  }

  async stop(): Promise<void> {
    await this.#plane.drain(0);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #isOfThisCase(): boolean {
    return this.#marker !== null && this.#heard.has(this.#marker);
  }

  /** A request that reaches no backend; gives the id under which the log tells it. */
  async #loop(): Promise<string> {
    const { old, pathPrefix } = this.#table?.services[0]?.migration ?? { old: { host: '' }, pathPrefix: null };
    const headers = { Via: `1.1 ${INSTANCE}` };
    const answer = await ask(this.ports.listen, { host: old.host, path: pathPrefix ?? '/', headers });
    if (answer.status !== 508) throw new PlaneFault(`a loop was answered with ${answer.status}`);
    return field(answer, 'x-request-id') ?? '';
  }

  /** Those that live: one that has ended is a child of its master until that has slept for 100 ms, and has no command line. */
  #workers(): number {
    const pid = readFileSync(layoutOf(this.#directory).pidFile, 'utf8').trim();
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8') !== '').length;
  }
}
