/**
 * The demo: two toy clusters with fault switches, a little load, and the real proxy in a process of its own, on loopback
 * addresses. Addresses in; lines for a person and an exit code out. Everything it made is gone when it ends.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ToyCluster } from './clusters.ts';
import { Load } from './load.ts';
import { ProxyProcess } from './proxy-process.ts';
import { configuration, guide, HOST, liveLine, SERVICE, stateWords, transitionLine, USERS } from './scene.ts';
import { listenForSwitches } from './switches.ts';

export interface DemoOptions {
  readonly listen?: DemoAddress;
  readonly adminListen?: DemoAddress;
  /** Of the fault switches, on 127.0.0.1. */
  readonly switchPort?: number;
  readonly requestsPerSecond?: number;
  /** How often the live line is printed. */
  readonly everyMs?: number;
  /** Gets each line, without its end; stdout by default. */
  readonly print?: (line: string) => void;
  /** Gets the reason why it can't go on; stderr by default. */
  readonly complain?: (line: string) => void;
  /** Ends the demo; SIGINT, SIGTERM and SIGHUP do too. */
  readonly signal?: AbortSignal;
}

export interface DemoAddress {
  readonly host: string;
  readonly port: number;
}

export const DEMO_DEFAULTS = {
  listen: { host: '127.0.0.1', port: 8000 },
  adminListen: { host: '127.0.0.1', port: 8080 },
  switchPort: 8090,
} as const;

/** Each of the hundred users once in a live line: its shares are those of the users. */
const REQUESTS_PER_SECOND = 50;
const EVERY_MS = 2_000;
const READY_WITHIN_MS = 20_000;

/** Runs until it is ended. 0: ended by the user; 2: it could not start, or the proxy died (the lines say why). */
export async function runDemo(options: DemoOptions = {}): Promise<number> {
  const print = options.print ?? ((line: string) => process.stdout.write(`${line}\n`));
  const listen = options.listen ?? DEMO_DEFAULTS.listen;
  const adminListen = options.adminListen ?? DEMO_DEFAULTS.adminListen;
  const switchPort = options.switchPort ?? DEMO_DEFAULTS.switchPort;
  const problem = await takenAddress([
    { ...listen, flag: '--listen' },
    { ...adminListen, flag: '--admin-listen' },
    { host: '127.0.0.1', port: switchPort, flag: '--switch-port' },
  ]);
  const complain = options.complain ?? ((line: string) => process.stderr.write(`migration-proxy demo: ${line}\n`));
  if (problem !== null) {
    complain(problem);
    return 2;
  }
  const scene = new Scene({ print, complain, listen, adminListen, switchPort });
  const ended = endOf(options.signal);
  try {
    return await scene.play(options, ended);
  } finally {
    ended.forget();
    await scene.clear();
  }
}

type Stage = Required<Pick<DemoOptions, 'print' | 'complain' | 'listen' | 'adminListen' | 'switchPort'>>;

/** Everything that was started, so that it can be ended whatever happened half way. */
class Scene {
  readonly #on: Stage;
  readonly #directory = mkdtempSync(join(tmpdir(), 'migration-proxy-demo-'));
  #clusters: ToyCluster[] = [];
  #switches: Server | null = null;
  #proxy: ProxyProcess | null = null;
  #load: Load | null = null;

  constructor(stage: Stage) {
    this.#on = stage;
  }

  async play(options: DemoOptions, ended: EndOfDemo): Promise<number> {
    const proxy = await this.#build();
    if (!(await proxy.ready(READY_WITHIN_MS, ended.signal))) return ended.signal.aborted ? 0 : this.#proxyDied(proxy);
    this.#on.print(guide(this.#places()));
    const load = new Load({
      port: this.#on.listen.port,
      host: HOST,
      users: USERS,
      requestsPerSecond: options.requestsPerSecond ?? REQUESTS_PER_SECOND,
    });
    this.#load = load;
    return this.#watch(proxy, load, options.everyMs ?? EVERY_MS, ended.signal);
  }

  async clear(): Promise<void> {
    this.#load?.stop();
    await this.#proxy?.stop();
    this.#switches?.closeAllConnections();
    this.#switches?.close();
    for (const cluster of this.#clusters) await cluster.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #build(): Promise<ProxyProcess> {
    this.#clusters = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    this.#switches = await listenForSwitches(this.#on.switchPort, this.#clusters, (line) =>
      this.#on.print(`-- ${line}`),
    );
    const [older, newer] = this.#clusters;
    writeFileSync(this.#places().file, configuration(older.backend, newer.backend));
    this.#proxy = new ProxyProcess({
      file: this.#places().file,
      stateDirectory: join(this.#directory, 'state'),
      log: this.#places().log,
      listen: urlHost(this.#on.listen),
      adminListen: urlHost(this.#on.adminListen),
    });
    return this.#proxy;
  }

  async #watch(proxy: ProxyProcess, load: Load, everyMs: number, signal: AbortSignal): Promise<number> {
    let before = load.counts;
    let state: string | null = null;
    while (await waited(everyMs, signal)) {
      if (proxy.exitCode !== null) return this.#proxyDied(proxy);
      const service = await proxy.service(SERVICE);
      if (service !== null && service.state !== state) {
        if (state !== null) this.#on.print(`-- ${transitionLine(service)}`);
        state = service.state;
      }
      const now = load.counts;
      this.#on.print(liveLine(before, now, everyMs / 1000, stateWords(service, Date.now())));
      before = now;
    }
    this.#on.print(`-- ended; ${load.counts.sent} requests, ${load.counts.failed} failed`);
    return 0;
  }

  #proxyDied(proxy: ProxyProcess): number {
    this.#on.complain(
      `the proxy ended or did not become ready (exit code ${proxy.exitCode ?? 'none'}); its last words:\n${proxy.lastWords()}`,
    );
    return 2;
  }

  #places() {
    const admin = `http://${urlHost(this.#on.adminListen)}`;
    const usual = urlHost(DEMO_DEFAULTS.adminListen) === urlHost(this.#on.adminListen);
    return {
      traffic: `http://${urlHost(this.#on.listen)}`,
      admin,
      switches: `http://127.0.0.1:${this.#on.switchPort}`,
      file: join(this.#directory, 'migration.yaml'),
      log: join(this.#directory, 'proxy.log'),
      adminFlag: usual ? '' : ` --admin ${admin}`,
    };
  }
}

interface EndOfDemo {
  readonly signal: AbortSignal;
  forget(): void;
}

/** One end for Ctrl-C, a polite kill, a closed terminal and the caller's own signal; a second Ctrl-C ends at once. */
function endOf(outer: AbortSignal | undefined): EndOfDemo {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.once(name, end);
  outer?.addEventListener('abort', end, { once: true });
  if (outer?.aborted) end();
  const forget = (): void => {
    for (const name of names) process.off(name, end);
    outer?.removeEventListener('abort', end);
  };
  return { signal: controller.signal, forget };
}

/** False when the signal came first. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

/** What to say when one of the addresses can't be listened on; null when all are free. */
async function takenAddress(wanted: readonly (DemoAddress & { flag: string })[]): Promise<string | null> {
  for (const address of wanted) {
    const error = await listenError(address);
    if (error === null) continue;
    const reason = error === 'EADDRINUSE' ? 'is taken by another program' : `can't be listened on (${error})`;
    const other = address.flag === '--switch-port' ? `${address.port + 1}` : `${address.host}:${address.port + 1}`;
    return `${urlHost(address)} ${reason}: choose another, such as \`npx migration-proxy demo ${address.flag} ${other}\``;
  }
  return null;
}

function listenError({ host, port }: DemoAddress): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}

function urlHost({ host, port }: DemoAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
