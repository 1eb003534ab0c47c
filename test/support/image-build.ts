/**
 * Carries a Dockerfile's steps out without a Docker engine: a directory for each stage, made by debootstrap where the stage
 * begins with a base image, and each RUN in a chroot with the machine's network. In: stages, the build context. Out: roots and
 * what the image says of itself. Needs root; ends with an error that holds the failed step's last lines.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Stage, Step } from './dockerfile.ts';

export interface Image {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly workdir: string;
  /** `UID:GID`. */
  readonly user: string;
  readonly ports: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly healthcheck: readonly string[];
}

export interface BuildOptions {
  /** Files that COPY may take. */
  readonly context: string;
  /** Where roots are made; some GiB. */
  readonly workspace: string;
  /** The root that stands for a base image; called once for each. */
  readonly baseImage: (name: string, root: string) => Promise<void>;
  /** Readable below /mnt while a RUN runs, as the machine's CAs. */
  readonly lent: string;
  /** What a RUN sees besides ENV. */
  readonly buildEnv: Readonly<Record<string, string>>;
}

const STEP_LIMIT_MS = 600_000;
const EMPTY = { env: {}, labels: {}, workdir: '/', user: '0:0', ports: [], entrypoint: [], cmd: [], healthcheck: [] };
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export async function buildImages(stages: readonly Stage[], options: BuildOptions): Promise<Map<string, Image>> {
  const images = new Map<string, Image>();
  const bases = new Map<string, string>();
  for (const stage of stages) {
    const root = join(options.workspace, stage.name);
    const parent = images.get(stage.from);
    if (stage.from === 'scratch') mkdirSync(root);
    else if (parent !== undefined) copyTree(parent.root, root);
    else {
      const base = bases.get(stage.from) ?? join(options.workspace, `base-${bases.size}`);
      if (!bases.has(stage.from)) await options.baseImage(stage.from, base);
      bases.set(stage.from, base);
      copyTree(base, root);
    }
    let image: Image = { ...EMPTY, ...parent, root };
    for (const step of stage.steps) image = await carriedOut(step, image, images, options);
    images.set(stage.name, image);
  }
  return images;
}

async function carriedOut(
  step: Step,
  image: Image,
  images: ReadonlyMap<string, Image>,
  options: BuildOptions,
): Promise<Image> {
  switch (step.kind) {
    case 'run':
      await runIn(image, step.command, options);
      return image;
    case 'copy':
      copyInto(image, step, images, options.context);
      return image;
    case 'workdir':
      mkdirSync(join(image.root, step.value), { recursive: true });
      return { ...image, workdir: step.value };
    case 'user':
      return { ...image, user: step.value };
    case 'env':
      return { ...image, env: { ...image.env, ...step.values } };
    case 'label':
      return { ...image, labels: { ...image.labels, ...step.values } };
    case 'expose':
      return { ...image, ports: step.ports };
    case 'entrypoint':
      return { ...image, entrypoint: step.words, cmd: [] };
    case 'cmd':
      return { ...image, cmd: step.words };
    case 'healthcheck':
      return { ...image, healthcheck: step.words };
  }
}

function runIn({ root, env, workdir, user }: Image, command: string, { lent, buildEnv }: BuildOptions): Promise<void> {
  const variables = Object.entries({ PATH, HOME: '/root', ...buildEnv, ...env }).map(
    ([key, value]) => `${key}=${value}`,
  );
  // The mounts are in a namespace of their own: nothing is left of them, however the step ends.
  const script = `mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount --bind "$2" "$1/mnt"
    root=$1 user=$3; shift 3; exec chroot --userspec="$user" "$root" "$@"`;
  const inside = ['/usr/bin/env', '-i', '-C', workdir, ...variables, '/bin/sh', '-c', command];
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
  const args = [...namespaces, 'sh', '-euc', script, 'sh', root, lent, user, ...inside];
  return new Promise((resolve, reject) => {
    execFile('unshare', args, { timeout: STEP_LIMIT_MS, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      const end = `${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n');
      if (error === null) resolve();
      else reject(new Error(`RUN ${command}\n${end}`));
    });
  });
}

function copyInto(
  { root, workdir }: Image,
  { from, sources, to }: Extract<Step, { kind: 'copy' }>,
  images: ReadonlyMap<string, Image>,
  context: string,
): void {
  const origin = from === null ? context : images.get(from)?.root;
  if (origin === undefined) throw new Error(`COPY --from=${from}: no such stage before`);
  const target = join(root, to.startsWith('/') ? to : join(workdir, to));
  for (const source of sources) {
    const path = join(origin, source);
    if (!existsSync(path)) throw new Error(`COPY ${source}: not in the build context (.dockerignore?)`);
    if (statSync(path).isDirectory()) copyTree(path, target);
    else {
      const intoFolder = to.endsWith('/') || (existsSync(target) && statSync(target).isDirectory());
      const file = intoFolder ? join(target, source.split('/').at(-1) as string) : target;
      mkdirSync(dirname(file), { recursive: true });
      cpSync(path, file);
    }
  }
}

/** The content of a directory, with owners, modes and links. */
function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  execFileSync('cp', ['-a', '--reflink=auto', `${from}/.`, to]);
}

/** A Debian as the image `node:VERSION-SUITE-slim` is one: with Node and npm, and no services that start by themselves. */
export async function debianWithNode(root: string, suite: string, node: string, npm: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const args = ['--variant=minbase', suite, root];
    execFile('debootstrap', args, { timeout: STEP_LIMIT_MS, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      const end = `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n');
      if (error === null) resolve();
      else reject(new Error(`debootstrap ${suite}: ${end}`));
    });
  });
  // As the slim images have it.
  for (const folder of ['doc', 'info', 'locale', 'man'])
    rmSync(join(root, 'usr', 'share', folder), { recursive: true, force: true });
  const programs = join(root, 'usr', 'local', 'bin');
  cpSync(node, join(programs, 'node'));
  copyTree(npm, join(root, 'usr', 'local', 'lib', 'node_modules', 'npm'));
  execFileSync('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(programs, 'npm')]);
  writeFileSync(join(root, 'usr', 'sbin', 'policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
}
