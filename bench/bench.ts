/**
 * CPU time a request and throughput of this proxy beside nginx, HAProxy and a Node proxy, in one run: every proxy is measured
 * once in each round, pinned to a core of its own, so that the machine's drift hits all alike. Prints tables and writes
 * results/latest.json. Exit 1: `--at-most` was passed; 2: it could not be measured.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { provide } from '../scripts/test/programs.ts';
import { CertificateAuthority } from '../test/support/certificates.ts';
import { freePorts } from '../test/support/ports.ts';
import { tempDir } from '../test/support/temp-dir.ts';
import type { Backends } from './backends.ts';
import { type Load, measure, type Sample } from './measure.ts';
import { backendText } from './nginx-text.ts';
import { type Options, readOptions, SHAPES, type Shape, USAGE } from './options.ts';
import { endAll, type Running, startPinned } from './processes.ts';
import { CONTENDERS, type Contender } from './proxies.ts';
import { type Measured, type Summary, summarize, tableOf } from './report.ts';
import { type Row, rowsOf } from './rows.ts';

/** A round in which others took more than this of a core is measured again, so often at most. */
const FOREIGN_LIMIT = 0.08;
const MOST_TRIES = 3;
/** Different requests; with many services each host is asked once in a round of them. */
const FEWEST_REQUESTS = 512;

async function main(options: Options): Promise<number> {
  if (availableParallelism() < 2) throw new Error('two cores at least: one for the proxy, one for the load');
  const rows = rowsOf(await available(options), options);
  const results: Record<string, readonly Summary[]> = {};
  for (const shape of options.shapes) {
    results[shape] = summarize(await measureShape(shape, rows, options));
    console.log(`\n${tableOf(`${shape}: ${SHAPES[shape]}, ${options.connections} connections`, results[shape])}`);
  }
  write(options, results);
  return verdict(options, rows, results);
}

/** A word of `--only` is a proxy's whole name or, where no proxy has that name, a part of it. */
async function available({ only }: Options): Promise<Contender[]> {
  const names = CONTENDERS.map(({ name }) => name);
  const means = (word: string, name: string): boolean => (names.includes(word) ? name === word : name.includes(word));
  const wanted = CONTENDERS.filter(({ name }) => only.length === 0 || only.some((word) => means(word, name)));
  const programs = ['wrk', 'nginx', 'openssl', 'taskset', ...wanted.flatMap(({ needs }) => needs)];
  const missing = await provide(programs, (line) => console.log(line));
  for (const program of ['wrk', 'nginx', 'openssl', 'taskset']) {
    if (missing.has(program)) throw new Error(`${program} is needed to measure at all: ${missing.get(program)}`);
  }
  return wanted.filter(({ name, needs }) => {
    const lacking = needs.find((program) => missing.has(program));
    if (lacking !== undefined) console.log(`without ${name}: ${lacking} ${missing.get(lacking)}`);
    return lacking === undefined;
  });
}

async function measureShape(shape: Shape, rows: readonly Row[], options: Options): Promise<Measured[]> {
  const directory = tempDir();
  const measured = rows.map(({ name, base, spread }) => {
    return { name, base, hosts: spread?.hosts ?? null, samples: [] as Sample[] };
  });
  const requests = Math.max(FEWEST_REQUESTS, options.services ?? 0);
  try {
    const { backend, backends } = await startBackend(shape, directory, options);
    const running: Running[] = [];
    for (const { name, contender, spread } of rows) {
      const fileName = name.replace(/[^a-z0-9]+/g, '-');
      running.push(await contender.start(fileName, { directory, core: options.proxyCore, backends, spread }));
    }
    for (let round = 1; round <= options.rounds; round++) {
      for (const [index, { name, hosts, samples }] of measured.entries()) {
        const load = { shape, hosts, requests, connections: options.connections, core: options.loadCore };
        const sample = await measureQuietly(running[index], backend, load, options);
        samples.push(sample);
        console.log(
          `${shape}, round ${round}: ${name} ${sample.microsPerRequest.toFixed(1)} us/req, ${sample.requestsPerSecond.toFixed(0)} req/s`,
        );
      }
    }
  } finally {
    await endAll();
  }
  return measured;
}

async function measureQuietly(
  proxy: Running,
  backend: Running,
  load: Omit<Load, 'seconds'>,
  options: Options,
): Promise<Sample> {
  if (options.warmUpSeconds > 0) await measure(proxy, backend, { ...load, seconds: options.warmUpSeconds });
  let best: Sample | null = null;
  for (let tries = 0; tries < MOST_TRIES && (best === null || best.foreign > FOREIGN_LIMIT); tries++) {
    const sample = await measure(proxy, backend, { ...load, seconds: options.seconds });
    if (best === null || sample.foreign < best.foreign) best = sample;
  }
  return best as Sample;
}

async function startBackend(
  shape: Shape,
  directory: string,
  { loadCore, services, backends: sharing }: Options,
): Promise<{ backend: Running; backends: Backends }> {
  const authority = new CertificateAuthority();
  const { cert, key } = authority.leaf('bench.test', '*.new.example');
  const prefix = join(directory, 'backend');
  mkdirSync(prefix);
  const files = { root: prefix, cert: join(prefix, 'cert.pem'), key: join(prefix, 'key.pem') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  writeFileSync(join(prefix, 'large.bin'), Buffer.alloc(65_536, 'x'));
  const [oldPort, newPort, oldTls, newTls] = await freePorts(4);
  const address = sharing === 'distinct' ? '0.0.0.0' : '127.0.0.1';
  const file = join(prefix, 'nginx.conf');
  writeFileSync(file, backendText({ plain: [oldPort, newPort], tls: [oldTls, newTls], address }, files, prefix));
  const command = ['nginx', '-p', prefix, '-e', join(prefix, 'error.log'), '-c', file];
  const backend = await startPinned('backend', command, { core: loadCore, port: oldPort, directory });
  if (shape !== 'tls') return { backend, backends: { oldPort, newPort, caFile: null } };
  // Of many services only new speaks TLS, as in the migrations that people have.
  const old = services === null ? oldTls : oldPort;
  return { backend, backends: { oldPort: old, newPort: newTls, caFile: authority.caFile } };
}

function write(options: Options, results: Readonly<Record<string, readonly Summary[]>>): void {
  const directory = join(import.meta.dirname, 'results');
  mkdirSync(directory, { recursive: true });
  const machine = { cpu: cpus()[0].model, cores: cpus().length, kernel: release(), node: process.version };
  const file = join(directory, 'latest.json');
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, options, results }, null, 2)}\n`);
  console.log(`\nwritten to ${file}`);
}

/** 1 when one of ours took more than it may. */
function verdict(
  { atMost }: Options,
  rows: readonly Row[],
  results: Readonly<Record<string, readonly Summary[]>>,
): number {
  const judged = rows.filter(({ name, base, contender }) => contender.whose === 'ours' && name !== base);
  const worst = judged.map(({ name, base }) => {
    const ratios = Object.values(results).map((summaries) => summaries.find((one) => one.name === name)?.ratio ?? null);
    if (atMost !== null && ratios.includes(null)) throw new Error(`--at-most needs both ${name} and ${base}`);
    const most = Math.max(...ratios.map((ratio) => ratio ?? 0));
    if (most > 0) console.log(`${name} takes ${most.toFixed(2)} times the CPU of ${base}`);
    return most;
  });
  if (atMost !== null && worst.length === 0) throw new Error('--at-most needs one of ours');
  return atMost === null || Math.max(...worst) <= atMost ? 0 : 1;
}

try {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void endAll().then(() => process.exit(130)));
  process.exitCode = await main(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n${USAGE}`);
  process.exitCode = 2;
}
