/**
 * A toy cluster that can die by kill -9 and come back on its port: a name in; its arrivals, of all its lives, out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Arrivals } from './arrivals.ts';
import { within } from './eventually.ts';
import { freePort } from './ports.ts';
import { tempDir } from './temp-dir.ts';

const PROGRAM = fileURLToPath(new URL('cluster-process.ts', import.meta.url));

export class KillableCluster {
  readonly port: number;
  readonly #name: string;
  readonly #file = join(tempDir(), 'arrivals');
  #child: ChildProcess | null = null;

  private constructor(name: string, port: number) {
    this.#name = name;
    this.port = port;
    writeFileSync(this.#file, '');
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  static async listen(name: string): Promise<KillableCluster> {
    const cluster = new KillableCluster(name, await freePort());
    await cluster.live();
    return cluster;
  }

  get backend(): string {
    return `127.0.0.1:${this.port}`;
  }

  get arrivals(): Arrivals {
    const arrivals = new Arrivals();
    for (const line of readFileSync(this.#file, 'utf8').split('\n').filter(Boolean)) {
      const [method, path] = line.split(' ');
      arrivals.record(method, path);
    }
    return arrivals;
  }

  /** Starts it, or starts it again. */
  async live(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, this.#name, String(this.port), this.#file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    await within('the cluster listens', new Promise((resolve) => child.stdout.once('data', resolve)));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await within('the cluster is dead', gone);
  }
}
