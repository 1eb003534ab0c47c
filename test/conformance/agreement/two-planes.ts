/**
 * Both planes in this process, each between two recording backends of its own. In: a drawn configuration, then exchanges one after
 * the other. Out: for each plane what its clusters were asked, what the client got, and what was reported. Compares nothing.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Outcome } from '../../../src/fallback/outcome.ts';
import { NOTHING_APPLIED } from '../../../src/migration/applied.ts';
import { applyReads } from '../../../src/migration/apply.ts';
import { formatConfigError } from '../../../src/migration/errors.ts';
import type { Cluster, ServedMigration } from '../../../src/migration/model.ts';
import { readSource } from '../../../src/migration/parse.ts';
import { caBundle } from '../../../src/nginx/ca-bundle.ts';
import { createNginxPlane } from '../../../src/nginx/create-plane.ts';
import type { NginxPlane } from '../../../src/nginx/nginx-plane.ts';
import { layoutOf } from '../../../src/nginx/process/layout.ts';
import { DirectPlane } from '../../../src/proxy/direct-plane.ts';
import { buildTable } from '../../../src/routing/build.ts';
import type { RoutingTable } from '../../../src/routing/table.ts';
import type { DataPlane, DataPlaneObserver } from '../../../src/status/data-plane.ts';
import type { RequestRecord } from '../../../src/status/request-record.ts';
import { ByteQueue } from '../../support/byte-queue.ts';
import { CertificateAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { type HttpMessage, readMessage, statusOf } from '../../support/http-message.ts';
import { nginxBinary, nginxVersion, njsModule } from '../../support/nginx-binary.ts';
import { sampleSettings, workerUser } from '../../support/nginx-settings.ts';
import { freePort } from '../../support/ports.ts';
import { type RecordedRequest, Recorder, type Script } from '../../support/recorder.ts';
import { tempDir } from '../../support/temp-dir.ts';
import type { DrawnExchange } from './drawn-exchanges.ts';
import { type Drawn, textOf } from './drawn-services.ts';

const INSTANCE = 'proxy-under-test';
/** Small, so that bodies beyond it are small too. */
export const HELD_BYTES = 4096;
const LIMITS = { replayBytes: HELD_BYTES, maxConnections: 1_000 };
const ANSWER_MS = 8_000;

export interface Asked {
  readonly cluster: Cluster;
  readonly request: RecordedRequest;
}

/** What one exchange was at one plane. Null: the connection ended without a whole answer. */
export interface Seen {
  readonly asked: readonly Asked[];
  readonly answer: HttpMessage | null;
}

export interface Told {
  readonly outcomes: readonly Outcome[];
  readonly records: readonly RequestRecord[];
  readonly refused: readonly string[];
}

class Witness implements DataPlaneObserver {
  outcomes: Outcome[] = [];
  records: RequestRecord[] = [];
  refusedCodes: string[] = [];

  attempt(outcome: Outcome): void {
    this.outcomes.push(outcome);
  }
  request(record: RequestRecord): void {
    this.records.push(record);
  }
  refused(code: string): void {
    this.refusedCodes.push(code);
  }
  untrustedForwarder(): void {
    // Reported once for each address: no part of a single exchange.
  }

  take(): Told {
    const told = { outcomes: this.outcomes, records: this.records, refused: this.refusedCodes };
    this.outcomes = [];
    this.records = [];
    this.refusedCodes = [];
    return told;
  }
}

type Plane = DataPlane & Partial<Pick<NginxPlane, 'start' | 'facts'>>;

interface Life {
  /** Resolves when nobody answers by the configuration before. */
  readonly settled: () => Promise<void>;
  readonly end: () => Promise<void>;
}

/** One plane between its backends. */
export class Side {
  readonly name: string;
  readonly #plane: Plane;
  readonly #witness: Witness;
  readonly #backends: Record<Cluster, Recorder>;
  readonly #dead: number;
  readonly #life: Life;
  port: number;
  #table: RoutingTable | null = null;
  #asked: Asked[] = [];
  #scripts: Record<Cluster, Script> = { old: () => null, new: () => null };

  constructor(
    name: string,
    plane: Plane,
    witness: Witness,
    backends: Record<Cluster, Recorder>,
    ports: { readonly listen: number; readonly dead: number },
    life: Life,
  ) {
    this.name = name;
    this.#plane = plane;
    this.#witness = witness;
    this.#backends = backends;
    this.#dead = ports.dead;
    this.#life = life;
    this.port = ports.listen;
    for (const cluster of ['old', 'new'] as const) {
      backends[cluster].script = (exchange) => {
        this.#asked.push({ cluster, request: exchange.request });
        return this.#scripts[cluster](exchange);
      };
    }
  }

  /** Resolves when it is live. Throws where a service is refused. */
  async serve(drawn: Drawn): Promise<readonly ServedMigration[]> {
    const { old, new: fresh } = this.#backends;
    // What the configuration before kept is no part of this one.
    for (const socket of [...old.sockets, ...fresh.sockets]) socket.destroy();
    const text = textOf(drawn, { old: old.port, new: fresh.port, dead: this.#dead });
    const read = readSource({ file: 'drawn.yaml', text, kind: 'file' });
    const { services, errors } = applyReads(NOTHING_APPLIED, [{ id: 'drawn', read }], [], 0);
    if (errors.length > 0) throw new Error(errors.map(formatConfigError).join('\n'));
    const isFirst = this.#table === null;
    this.#table = buildTable(this.#table, services);
    this.#plane.apply(this.#table);
    await (isFirst ? this.#plane.start?.() : this.#plane.settled?.());
    await this.#life.settled();
    const facts = this.#plane.facts?.();
    if (facts !== undefined && (facts.refusals.length > 0 || facts.runningGeneration !== this.#table.generation))
      throw new Error(`nginx does not serve it: ${JSON.stringify(facts)}`);
    for (const [i, { state }] of drawn.services.entries()) this.#plane.setRunState(`s${i}`, state);
    return services;
  }

  async exchange({ bytes, method, address, scripts }: DrawnExchange): Promise<Seen> {
    this.#asked = [];
    this.#scripts = scripts;
    const socket = connect({ port: this.port, host: '127.0.0.1', localAddress: address, noDelay: true });
    const queue = new ByteQueue(socket);
    socket.on('error', () => undefined);
    socket.write(Buffer.from(bytes, 'latin1'));
    let answer: HttpMessage | null = null;
    try {
      const start = (await queue.peek(12, ANSWER_MS)).toString('latin1');
      const isBare = method === 'HEAD' || /^HTTP\/1\.[01] (1\d\d|204|304)$/.test(start);
      answer = await readMessage(queue, isBare ? 'none' : 'framed or to the end', ANSWER_MS);
      if (statusOf(answer) === 101) await queue.rest(ANSWER_MS);
    } catch (error) {
      if (!queue.ended) throw new Error(`${this.name}: ${String(error)}\n${bytes.slice(0, 2000)}`);
    } finally {
      socket.destroy();
    }
    return { asked: this.#asked, answer };
  }

  /** What was reported since last, when `requests` have been. */
  async told(requests: number): Promise<Told> {
    const { records, refusedCodes } = this.#witness;
    await eventually(
      `${requests} requests at ${this.name}, ${records.length} and ${refusedCodes.length} so far`,
      () => records.length + refusedCodes.length >= requests,
      5_000,
    );
    return this.#witness.take();
  }

  async stop(): Promise<void> {
    await this.#life.end();
    await Promise.all([this.#backends.old.close(), this.#backends.new.close()]);
  }
}

async function backends(): Promise<Record<Cluster, Recorder>> {
  const [old, fresh] = await Promise.all([Recorder.listen(), Recorder.listen()]);
  return { old, new: fresh };
}

export async function directSide(): Promise<Side> {
  const witness = new Witness();
  const plane = new DirectPlane({
    listen: { host: '127.0.0.1', port: 0 },
    instance: INSTANCE,
    observer: witness,
    limits: LIMITS,
  });
  const listen = (await plane.listen()).port;
  return new Side(
    'direct',
    plane,
    witness,
    await backends(),
    { listen, dead: await freePort() },
    {
      settled: async () => undefined,
      end: () => plane.close(),
    },
  );
}

export async function nginxSide(): Promise<Side> {
  const witness = new Witness();
  const listen = await freePort();
  const directory = join(existsSync('/dev/shm') ? '/dev/shm' : tempDir(), `agreement-${process.pid}-${listen}`);
  const bundle = caBundle(directory, new CertificateAuthority().ca);
  const plane = createNginxPlane({
    startedBy: 'self',
    settings: sampleSettings({
      version: nginxVersion(),
      listen: { host: '127.0.0.1', port: listen },
      directory,
      instance: INSTANCE,
      user: workerUser(),
      njsModule: njsModule(),
      caBundle: bundle.path,
      caDirectory: bundle.directory,
      limits: LIMITS,
    }),
    bundle,
    nginx: nginxBinary(),
    observer: witness,
    now: () => performance.timeOrigin + performance.now(),
    setTimer: (run, afterMs) => {
      const timer = setTimeout(run, afterMs).unref();
      return () => clearTimeout(timer);
    },
    onEvent: (event) => {
      if (event.kind !== 'installed' && process.env.SHOW !== undefined) console.error(JSON.stringify(event));
    },
  });
  const workers = (): number => {
    const pid = readFileSync(layoutOf(directory).pidFile, 'utf8').trim();
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').length;
  };
  const settled = async (): Promise<void> => {
    await eventually('workers of the text before have left', () => workers() === 1, 5_000, 3);
  };
  const end = async (): Promise<void> => {
    await plane.drain(0);
    rmSync(directory, { recursive: true, force: true });
  };
  return new Side('nginx', plane, witness, await backends(), { listen, dead: await freePort() }, { settled, end });
}
