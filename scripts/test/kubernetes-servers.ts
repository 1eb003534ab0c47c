/**
 * etcd, kube-apiserver, kubectl and helm for tests: names in, paths or reasons out. They come from KUBEBUILDER_ASSETS, else
 * from the PATH when new enough, else they are built once from their Go modules and kept below the user's cache directory.
 * `node scripts/test/kubernetes-servers.ts [NAME...]` prints the paths as shell assignments. Refuses to start any of them.
 */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../setup/lock.mjs';
import { buildGoProgram, type GoModule } from './go-build.ts';
import { fitGo, type Go } from './go-toolchain.ts';
import { isProgram, pathOf } from './programs.ts';

/** In the order in which they are built. */
export const KUBERNETES_PROGRAMS = ['etcd', 'kube-apiserver', 'kubectl', 'helm'] as const;
export type KubernetesProgram = (typeof KUBERNETES_PROGRAMS)[number];

/** What a suite's `@needs` may say, and the programs that it means. */
export const KUBERNETES_NEEDS: Readonly<Record<string, readonly KubernetesProgram[]>> = {
  kubernetes: ['etcd', 'kube-apiserver', 'kubectl'],
  helm: ['helm'],
};

export interface Provided {
  readonly paths: ReadonlyMap<KubernetesProgram, string>;
  readonly missing: ReadonlyMap<KubernetesProgram, string>;
}

interface Source {
  readonly from: GoModule;
  readonly path: string;
  /** Of the cache, below the user's. */
  readonly folder: string;
  readonly askVersion: readonly string[];
  /** Major and minor of the oldest on the PATH that will do. */
  readonly oldest: readonly [number, number];
  /** Measured on two cores, with what was built before. */
  readonly minutes: number;
}

const KUBERNETES: GoModule = {
  module: 'k8s.io/kubernetes',
  version: 'v1.35.4',
  stagingVersion: 'v0.35.4',
  variables: ['gitVersion=v1.35.4', 'gitMajor=1', 'gitMinor=35'].map((one) => `k8s.io/component-base/version.${one}`),
};

const SOURCES: Readonly<Record<KubernetesProgram, Source>> = {
  etcd: {
    from: { module: 'go.etcd.io/etcd/server/v3', version: 'v3.6.6' },
    path: '.',
    folder: 'etcd-3.6.6',
    askVersion: ['--version'],
    oldest: [3, 5],
    minutes: 1.5,
  },
  'kube-apiserver': {
    from: KUBERNETES,
    path: './cmd/kube-apiserver',
    folder: 'kubernetes-1.35.4',
    askVersion: ['--version'],
    oldest: [1, 30],
    minutes: 6,
  },
  kubectl: {
    from: KUBERNETES,
    path: './cmd/kubectl',
    folder: 'kubernetes-1.35.4',
    askVersion: ['version', '--client'],
    oldest: [1, 30],
    minutes: 1,
  },
  helm: {
    from: { module: 'helm.sh/helm/v3', version: 'v3.22.0' },
    path: './cmd/helm',
    folder: 'helm-3.22.0',
    askVersion: ['version', '--short'],
    oldest: [3, 14],
    minutes: 2.5,
  },
};

const STILL_AT_IT_MS = 30_000;
const ANSWERS_WITHIN_MS = 10_000;

/** Path of one that is there already; null: it would have to be built. */
export async function findProgram(program: KubernetesProgram): Promise<string | null> {
  const { folder } = SOURCES[program];
  const assets = process.env.KUBEBUILDER_ASSETS ?? '';
  const given = [process.env[variableOf(program)] ?? '', assets === '' ? '' : join(assets, program)];
  const first = given.find((path) => path !== '' && isProgram(path));
  if (first !== undefined) return first;
  const onPath = pathOf(program);
  if (onPath !== null && (await isFit(onPath, SOURCES[program]))) return onPath;
  const cached = join(cacheDirectory(), folder, program);
  return isProgram(cached) ? cached : null;
}

/** Builds those that are not there, one line to `say` at least every 30 s. */
export async function provideKubernetes(
  programs: Iterable<KubernetesProgram>,
  say: (line: string) => void,
): Promise<Provided> {
  const wanted = new Set(programs);
  const paths = new Map<KubernetesProgram, string>();
  const missing = new Map<KubernetesProgram, string>();
  const directory = cacheDirectory();
  let found: Promise<Go | string> | null = null;
  const go = (): Promise<Go | string> => {
    found ??= fitGo(directory, say);
    return found;
  };
  for (const program of KUBERNETES_PROGRAMS) {
    if (!wanted.has(program)) continue;
    const path = (await findProgram(program)) ?? (await built(program, go, say).catch(problemOf));
    if (typeof path === 'string') paths.set(program, path);
    else missing.set(program, path.problem);
  }
  return { paths, missing };
}

/** In which a suite finds a program's path: `TEST_KUBE_APISERVER`. */
export function variableOf(program: KubernetesProgram): string {
  return `TEST_${program.replace('-', '_').toUpperCase()}`;
}

async function built(
  program: KubernetesProgram,
  findGo: () => Promise<Go | string>,
  say: (line: string) => void,
): Promise<string | { readonly problem: string }> {
  const { from, path, folder, minutes } = SOURCES[program];
  const directory = cacheDirectory();
  const target = join(directory, folder, program);
  const name = `${program} ${from.version}`;
  let doing = `waiting for ${name}, which another test run builds`;
  let began = performance.now();
  const minutesOfIt = (): string => ((performance.now() - began) / 60_000).toFixed(1);
  const timer = setInterval(() => say(`still ${doing}: ${minutesOfIt()} of some ${minutes} minutes`), STILL_AT_IT_MS);
  const build = async (): Promise<string | { readonly problem: string }> => {
    // Whoever held the lock before may have built it.
    if (isProgram(target)) return target;
    const go = await findGo();
    if (typeof go === 'string') return { problem: go };
    say(`building ${name} into ${target}, once: some ${minutes} minutes on two cores`);
    doing = `building ${name}`;
    began = performance.now();
    const problem = await buildGoProgram(go, from, path, target);
    return problem === null ? target : { problem };
  };
  try {
    return await withLock(join(directory, 'building.lock'), say, build);
  } finally {
    clearInterval(timer);
  }
}

/** A cache that can't be written, or a full disk: a reason as any other. */
function problemOf(error: Error): { readonly problem: string } {
  return { problem: error.message };
}

async function isFit(path: string, { askVersion, oldest }: Source): Promise<boolean> {
  const said = await new Promise<string>((resolve) => {
    const child = execFile(path, askVersion, (error, stdout) => {
      clearTimeout(timer);
      resolve(error === null ? stdout : '');
    });
    // Not execFile's own limit: it waits for whoever else has the output open.
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      resolve('');
    }, ANSWERS_WITHIN_MS);
  });
  // Google's tool chain installs a kubectl that asks the server first and then runs another one: it hangs where we test that.
  if (said.includes('dispatcher')) return false;
  const [major, minor] = /\bv?(\d+)\.(\d+)\.\d+/.exec(said)?.slice(1).map(Number) ?? [0, 0];
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'migration-proxy');
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2) as KubernetesProgram[];
  const wrong = names.filter((name) => !KUBERNETES_PROGRAMS.includes(name));
  if (wrong.length > 0)
    console.error(`no such program: ${wrong.join(', ')} (there are ${KUBERNETES_PROGRAMS.join(', ')})`);
  const wanted = wrong.length > 0 ? [] : names.length > 0 ? names : KUBERNETES_PROGRAMS;
  const { paths, missing } = await provideKubernetes(wanted, (line) => console.error(line));
  for (const [program, path] of paths) console.log(`${variableOf(program)}='${path}'`);
  for (const [program, reason] of missing) console.error(`no ${program}: ${reason}`);
  process.exitCode = wrong.length + missing.size > 0 ? 1 : 0;
}
