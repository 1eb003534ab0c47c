/**
 * `run --data-plane nginx` on free ports, and the nginx that it keeps: configuration text in; the running proxy, nginx's
 * directory and its processes out. What was started is gone after `end`, however a test left it.
 */
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nginxBinary } from './nginx-binary.ts';
import { type ProxyOptions, RunningProxy } from './running-proxy.ts';
import { tempDir } from './temp-dir.ts';

export interface NginxOptions extends Omit<ProxyOptions, 'after'> {
  /** Keep another one's directory, file, ports and nginx: a restart. */
  readonly after?: RunningNginx;
  /** How long old workers keep streams after a reload; without it as people have it. */
  readonly shutdownTimeout?: string;
  /** The program in place of the nginx under test. */
  readonly nginx?: string;
}

export class RunningNginx {
  readonly proxy: RunningProxy;
  readonly directory: string;
  readonly #seen: Set<number>;

  private constructor(proxy: RunningProxy, directory: string, seen: Set<number>) {
    this.proxy = proxy;
    this.directory = directory;
    this.#seen = seen;
  }

  static async start(yaml: string | null, options: NginxOptions = {}): Promise<RunningNginx> {
    const { after, flags = [], nginx = nginxBinary(), shutdownTimeout, ...rest } = options;
    const directory = after?.directory ?? nginxDirectory();
    const own = ['--data-plane', 'nginx', '--nginx', nginx, '--nginx-dir', directory, '--nginx-workers', '2'];
    const grace = shutdownTimeout === undefined ? [] : ['--nginx-shutdown-timeout', shutdownTimeout];
    const before = after === undefined ? {} : { after: after.proxy };
    const seen = after === undefined ? new Set<number>() : after.#seen;
    try {
      const proxy = await RunningProxy.start(yaml, { ...rest, ...before, flags: [...own, ...grace, ...flags] });
      const running = new RunningNginx(proxy, directory, seen);
      if (options.ready !== false) running.masterPid();
      return running;
    } catch (error) {
      killGroup(pidIn(directory));
      throw error;
    }
  }

  /** As nginx's pid file has it. */
  masterPid(): number {
    const pid = pidIn(this.directory);
    if (pid === null) throw new Error(`no pid in ${this.directory}/run/nginx.pid`);
    this.#seen.add(pid);
    return pid;
  }

  /** Of the master, those that are shutting down too. */
  workers(): { readonly pid: number; readonly isLeaving: boolean }[] {
    const master = this.masterPid();
    return processes()
      .filter(({ parent }) => parent === master)
      .map(({ pid }) => ({ pid, isLeaving: titleOf(pid).includes('shutting down') }));
  }

  /** Reloads since the proxy's start, its start of nginx included. */
  async reloads(): Promise<{ readonly ok: number; readonly failed: number }> {
    const text = (await this.proxy.askAdmin('/metrics')).body.toString();
    const count = (result: string): number =>
      Number(new RegExp(`^migration_proxy_nginx_reloads_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
    return { ok: count('ok'), failed: count('failed') };
  }

  /** What a reload would change: nothing of it does, while only run state does. */
  async generation(): Promise<unknown> {
    const { generation, nginx } = await this.proxy.status();
    return { generation, nginx, reloads: await this.reloads() };
  }

  /** Both are gone. */
  async end(): Promise<void> {
    if (this.proxy.process.exitCode === null) await this.proxy.stop('SIGKILL');
    const last = pidIn(this.directory);
    for (const pid of new Set([...this.#seen, last])) killGroup(pid);
  }
}

/** A path whose directory is made by the proxy. Started by root, nginx's workers are somebody else, who has to get there. */
export function nginxDirectory(): string {
  const parent = tempDir();
  chmodSync(parent, 0o711);
  return join(parent, 'nginx');
}

/** Where nobody collects orphans, one that has ended stays in the list of processes. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function pidIn(directory: string): number | null {
  try {
    return Number(readFileSync(join(directory, 'run', 'nginx.pid'), 'utf8')) || null;
  } catch {
    return null;
  }
}

/** nginx leads a group of its own; its workers stay in it when it is gone. */
function killGroup(pid: number | null): void {
  const members = processes().filter(({ group, name }) => group === pid && name === 'nginx');
  for (const member of members) {
    try {
      process.kill(member.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

interface Process {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  readonly group: number;
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const [, program, rest] = /^\d+ \((.*)\) \S (.*)$/s.exec(stat) ?? [];
        const [parent, group] = rest.split(' ').map(Number);
        return [{ pid: Number(name), name: program, parent, group }];
      } catch {
        return [];
      }
    });
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
