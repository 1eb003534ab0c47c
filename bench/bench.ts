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
import { measure, type Sample } from './measure.ts';
import { type Backends, backendText } from './nginx-text.ts';
import { type Options, readOptions, SHAPES, type Shape, USAGE } from './options.ts';
import { endAll, type Running, startPinned } from './processes.ts';
import { BASE, CONTENDERS, type Contender, OURS } from './proxies.ts';
import { type Summary, summarize, tableOf } from './report.ts';

/** A round in which others took more than this of a core is measured again, so often at most. */
const FOREIGN_LIMIT = 0.08;
const MOST_TRIES = 3;

async function main(options: Options): Promise<number> {
  if (availableParallelism() < 2) throw new Error('two cores at least: one for the proxy, one for the load');
  const contenders = await available(options);
  const results: Record<string, readonly Summary[]> = {};
  for (const shape of options.shapes) {
    results[shape] = summarize(await measureShape(shape, contenders, options));
    console.log(`\n${tableOf(`${shape}: ${SHAPES[shape]}, ${options.connections} connections`, results[shape])}`);
  }
  write(options, results);
  return verdict(options, results);
}

async function available({ only }: Options): Promise<Contender[]> {
  const wanted = CONTENDERS.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
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

async function measureShape(shape: Shape, contenders: readonly Contender[], options: Options) {
  const directory = tempDir();
  const rows = contenders.map(({ name }) => ({ name, samples: [] as Sample[] }));
  try {
    const { backend, backends } = await startBackend(shape, directory, options.loadCore);
    const running: Running[] = [];
    for (const contender of contenders)
      running.push(await contender.start({ directory, core: options.proxyCore, backends }));
    for (let round = 1; round <= options.rounds; round++) {
      for (const [index, row] of rows.entries()) {
        const sample = await measureQuietly(running[index], backend, shape, options);
        row.samples.push(sample);
        console.log(
          `${shape}, round ${round}: ${row.name} ${sample.microsPerRequest.toFixed(1)} us/req, ${sample.requestsPerSecond.toFixed(0)} req/s`,
        );
      }
    }
  } finally {
    await endAll();
  }
  return rows;
}

async function measureQuietly(proxy: Running, backend: Running, shape: Shape, options: Options): Promise<Sample> {
  const load = { shape, connections: options.connections, core: options.loadCore };
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
  core: number,
): Promise<{ backend: Running; backends: Backends }> {
  const authority = new CertificateAuthority();
  const { cert, key } = authority.leaf('bench.test');
  const prefix = join(directory, 'backend');
  mkdirSync(prefix);
  const files = { root: prefix, cert: join(prefix, 'cert.pem'), key: join(prefix, 'key.pem') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  writeFileSync(join(prefix, 'large.bin'), Buffer.alloc(65_536, 'x'));
  const [oldPort, newPort, oldTls, newTls] = await freePorts(4);
  const file = join(prefix, 'nginx.conf');
  writeFileSync(file, backendText({ plain: [oldPort, newPort], tls: [oldTls, newTls] }, files, prefix));
  const command = ['nginx', '-p', prefix, '-e', join(prefix, 'error.log'), '-c', file];
  const backend = await startPinned('backend', command, { core, port: oldPort, directory });
  const plain = { oldPort, newPort, caFile: null };
  return {
    backend,
    backends: shape === 'tls' ? { oldPort: oldTls, newPort: newTls, caFile: authority.caFile } : plain,
  };
}

function write(options: Options, results: Readonly<Record<string, readonly Summary[]>>): void {
  const directory = join(import.meta.dirname, 'results');
  mkdirSync(directory, { recursive: true });
  const machine = { cpu: cpus()[0].model, cores: cpus().length, kernel: release(), node: process.version };
  const file = join(directory, 'latest.json');
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, options, results }, null, 2)}\n`);
  console.log(`\nwritten to ${file}`);
}

function verdict({ atMost }: Options, results: Readonly<Record<string, readonly Summary[]>>): number {
  if (atMost === null) return 0;
  const ratios = Object.values(results).map((summaries) => summaries.find(({ name }) => name === OURS)?.ratio ?? null);
  if (ratios.includes(null)) throw new Error(`--at-most needs both ${OURS} and ${BASE}`);
  const worst = Math.max(...(ratios as number[]));
  console.log(`${OURS} takes ${worst.toFixed(2)} times the CPU of ${BASE}; at most ${atMost}`);
  return worst <= atMost ? 0 : 1;
}

try {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void endAll().then(() => process.exit(130)));
  process.exitCode = await main(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n${USAGE}`);
  process.exitCode = 2;
}
