/**
 * Runs an image as a restricted pod would: its own process and mount namespace, a read-only root, the image's user without any
 * capability and no way to more, /tmp in memory and a few mounts. In: an image, arguments. Out: a process to signal and to
 * ask. The network is the machine's. Needs root.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import type { Image } from './image-build.ts';

export interface RunImage {
  /** In place of CMD. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Path inside: directory outside. Writable. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Shares this one's processes, as the containers of a pod with `shareProcessNamespace` do; ends with it. */
  readonly beside?: RunningImage;
  /** In place of ENTRYPOINT. */
  readonly command?: readonly string[];
}

export class RunningImage {
  readonly #image: Image;
  readonly #env: readonly string[];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  /** Standard output and error. */
  said = '';

  static async start(image: Image, options: RunImage): Promise<RunningImage> {
    const { beside } = options;
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
    const [program, ...words] =
      beside === undefined
        ? ['unshare', ...namespaces]
        : ['nsenter', '--target', String(await beside.pid()), '--pid', 'unshare', '--mount'];
    return new RunningImage(image, options, program, words);
  }

  private constructor(image: Image, options: RunImage, program: string, words: readonly string[]) {
    const { args, env = {}, mounts = {}, command = image.entrypoint } = options;
    this.#image = image;
    this.#env = Object.entries({ ...image.env, ...env }).map(([key, value]) => `${key}=${value}`);
    const binds = Object.entries(mounts).map(([inside, outside]) => {
      // As a container runtime does: the mount's place is made in the image.
      mkdirSync(join(image.root, inside), { recursive: true });
      return `mount --bind '${outside}' "$1${inside}"`;
    });
    const script = [
      'mount --bind "$1" "$1"',
      'mount -t tmpfs -o mode=1777,size=64m tmpfs "$1/tmp"',
      ...binds,
      'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"',
      'mount -o remount,ro,bind "$1"',
      'root=$1; shift; exec chroot "$root" "$@"',
    ].join('\n');
    const inside = this.#inside([...command, ...args]);
    this.#child = spawn(program, [...words, 'sh', '-euc', script, 'sh', image.root, ...inside]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    }
    const kill = (): void => this.#killAll();
    process.once('exit', kill);
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        process.off('exit', kill);
        resolve(code);
      });
    });
  }

  /** The first process inside, as the machine counts it. */
  pid(): Promise<number> {
    return eventually('the first process is there', () => this.#first());
  }

  /** Fields of /proc/PID/status. */
  async facts(): Promise<Map<string, string>> {
    const text = readFileSync(`/proc/${await this.pid()}/status`, 'utf8');
    return new Map(text.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]));
  }

  /** As `docker exec`: exit code, and what it said. */
  async exec(words: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    const target = ['--target', String(await this.pid()), '--mount', '--pid'];
    const args = [...target, 'chroot', this.#image.root, ...this.#inside(words)];
    const { status, stdout, stderr } = spawnSync('nsenter', args, { encoding: 'utf8', timeout: 30_000 });
    return { code: status, output: stdout + stderr };
  }

  /** SIGTERM to the first process, as a container runtime sends it. Exit code. */
  async terminate(): Promise<number | null> {
    process.kill(await this.pid(), 'SIGTERM');
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.#killAll();
    await this.#ended;
  }

  /** All of it, as a container runtime kills: without unshare the rest would live on, having another user. */
  #killAll(): void {
    const first = this.#first();
    if (first !== null) for (const pid of [first, ...below(first)]) kill(pid);
    this.#child.kill('SIGKILL');
  }

  #first(): number | null {
    const { pid, exitCode, signalCode } = this.#child;
    return exitCode !== null || signalCode !== null || pid === undefined ? null : (childrenOf(pid)[0] ?? null);
  }

  #inside(words: readonly string[]): string[] {
    const [uid, gid] = this.#image.user.split(':');
    const rights = ['--reuid', uid, '--regid', gid, '--clear-groups', '--no-new-privs'];
    const none = ['--bounding-set=-all', '--inh-caps=-all'];
    const env = ['/usr/bin/env', '-i', '-C', this.#image.workdir, ...this.#env];
    return ['/usr/bin/setpriv', ...rights, ...none, ...env, ...words];
  }
}

/** Bytes on disk. */
export function sizeOf(root: string): number {
  return Number(execFileSync('du', ['-sb', root], { encoding: 'utf8' }).split('\t')[0]);
}

function below(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...below(child)]);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended with its parent.
  }
}
