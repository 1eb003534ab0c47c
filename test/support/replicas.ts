/**
 * Several replicas of `run --configmap` (three: pod-a, pod-b, pod-c) over one namespace of a real API server, in either data plane:
 * each with the account's own token, an admin token, a state directory and, where asked for, a gate of its own before the API server.
 * Refuses to know what they serve.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliResult, runCli } from './cli.ts';
import type { KubeNamespace } from './kube-namespace.ts';
import type { KubeServers } from './kube-servers.ts';
import { RunningNginx } from './running-nginx.ts';
import { type ProxyOptions, RunningProxy } from './running-proxy.ts';
import { TcpGate } from './tcp-gate.ts';
import { tempDir } from './temp-dir.ts';

const ADMIN_TOKEN = 'a-token-of-some-length';
/** Several start at once, and a busy machine takes its time. */
const READY_WITHIN_MS = 60_000;

export interface ReplicasOptions {
  readonly kube: KubeServers;
  readonly space: KubeNamespace;
  readonly plane?: 'direct' | 'nginx';
  readonly names?: readonly string[];
  /** Those that reach the API server through a gate; all of them share none. */
  readonly gated?: readonly string[];
  /** Those of them whose gate is cut from the start. */
  readonly cut?: readonly string[];
  /** More flags of `run`. */
  readonly flags?: readonly string[];
  /** Instead of the namespace's own ConfigMap: `['--selector', 'team']`. */
  readonly source?: readonly string[];
  /** Instead of a kubeconfig of the namespace's account; no gate then. */
  readonly kubeconfig?: string;
  /** False: given back before they are ready. */
  readonly ready?: false;
}

export class Replica {
  readonly name: string;
  /** Null: it asks the API server itself. */
  readonly gate: TcpGate | null;
  readonly #options: Omit<ProxyOptions, 'after'>;
  #running: RunningNginx | RunningProxy | null = null;

  constructor(name: string, gate: TcpGate | null, options: Omit<ProxyOptions, 'after'>) {
    this.name = name;
    this.gate = gate;
    this.#options = options;
  }

  get proxy(): RunningProxy {
    if (this.#running === null) throw new Error(`${this.name} was never started`);
    return this.#running instanceof RunningNginx ? this.#running.proxy : this.#running;
  }

  /** Only with nginx. */
  get nginx(): RunningNginx {
    if (!(this.#running instanceof RunningNginx)) throw new Error(`${this.name} has no nginx`);
    return this.#running;
  }

  /** As ever, or `ready: false`: it is given back before it is ready. Started before: with the same ports and directories. */
  async start(plane: 'direct' | 'nginx', options: Pick<ProxyOptions, 'ready'> = {}): Promise<void> {
    const all = { ...this.#options, ready: false } as const;
    const before = this.#running;
    if (plane === 'nginx') {
      const after = before instanceof RunningNginx ? { after: before } : {};
      this.#running = await RunningNginx.start(null, { ...all, ...after });
    } else {
      const after = before instanceof RunningProxy ? { after: before } : {};
      this.#running = await RunningProxy.start(null, { ...all, ...after });
    }
    if (options.ready === false) return;
    await this.proxy.ready(READY_WITHIN_MS);
    if (this.#running instanceof RunningNginx) this.#running.masterPid();
  }

  /** The command with this replica's admin server and the token: `cli('abort', 'shop')`. */
  cli(...args: string[]): Promise<CliResult> {
    const env = { MIGRATION_PROXY_ADMIN: this.proxy.admin, MIGRATION_PROXY_ADMIN_TOKEN: ADMIN_TOKEN };
    return runCli(args, { env });
  }

  /** A write to its admin API: `write('services/shop/abort', { reason: 'a test' })`. */
  async write(
    path: string,
    body: unknown,
    method = 'POST',
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}`, 'Content-Type': 'application/json' };
    const url = `${this.proxy.admin}/api/v1/${path}`;
    const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  }

  /** The value of a metric's line, as `replicas` or `shared_writes_total{result="done"}`; NaN: there is no such line. */
  async metric(line: string): Promise<number> {
    const text = (await this.proxy.askAdmin('/metrics')).body.toString();
    const start = `migration_proxy_${line} `;
    const found = text.split('\n').find((one) => one.startsWith(start));
    return found === undefined ? Number.NaN : Number(found.slice(start.length));
  }

  /** What its state directory would serve. */
  kept(): string {
    return readFileSync(join(this.proxy.directory, 'state', 'last-good.json'), 'utf8');
  }

  /** The proxy's process alone: what it keeps is there for the next start. */
  async kill(): Promise<void> {
    if (this.#running !== null && this.proxy.process.exitCode === null)
      await this.proxy.stop('SIGKILL').catch(() => {});
  }

  async end(): Promise<void> {
    await (this.#running instanceof RunningNginx ? this.#running.end() : this.kill());
    await this.gate?.end();
  }
}

export class Replicas {
  readonly all: readonly Replica[];
  readonly #plane: 'direct' | 'nginx';

  private constructor(all: readonly Replica[], plane: 'direct' | 'nginx') {
    this.all = all;
    this.#plane = plane;
  }

  /** All ready, unless told otherwise. The ConfigMap is there already. */
  static async start(options: ReplicasOptions): Promise<Replicas> {
    const { plane = 'direct', names = ['pod-a', 'pod-b', 'pod-c'] } = options;
    const replicas = new Replicas(await Promise.all(names.map((name) => made(name, options))), plane);
    const how = options.ready === false ? ({ ready: false } as const) : {};
    // All of them: one that is still starting can't be ended.
    const starts = await Promise.allSettled(replicas.all.map((replica) => replica.start(plane, how)));
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed === undefined) return replicas;
    await replicas.end();
    throw failed.reason;
  }

  get(name: string): Replica {
    const replica = this.all.find((one) => one.name === name);
    if (replica === undefined) throw new Error(`no replica ${name}`);
    return replica;
  }

  /** What each says to the question, in the order of names. */
  each<T>(question: (replica: Replica) => Promise<T>): Promise<T[]> {
    return Promise.all(this.all.map(question));
  }

  /** Again, with ports, directories and gate of before. */
  restart(name: string, options: Pick<ProxyOptions, 'ready'> = {}): Promise<void> {
    return this.get(name).start(this.#plane, options);
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map((replica) => replica.end()));
  }
}

async function made(name: string, options: ReplicasOptions): Promise<Replica> {
  const { kube, space, gated = [], cut = [], flags = [] } = options;
  const gate = gated.includes(name) ? await TcpGate.to(kube.url) : null;
  if (cut.includes(name)) await gate?.cut();
  const kubeconfig =
    options.kubeconfig ?? (await kube.serviceAccountKubeconfig(space.name, 'migration-proxy', gate?.url ?? kube.url));
  const tokenFile = join(tempDir(), 'token');
  writeFileSync(tokenFile, ADMIN_TOKEN, { mode: 0o600 });
  return new Replica(name, gate, {
    source: [...(options.source ?? ['--configmap', `${space.name}/migration-config`]), '--kubeconfig', kubeconfig],
    flags: ['--admin-token-file', tokenFile, ...flags],
    env: { POD_NAME: name, POD_NAMESPACE: space.name },
  });
}
