/**
 * Three replicas and services that fall back on them, for tests of what the replicas share: services in, requests through one
 * replica or all, and what every replica says of a service out. All clocks are one machine's, so `state_since` of replicas can
 * be compared.
 */
import type { ServiceReport } from '../../src/status/report.ts';
import { eventually } from './eventually.ts';
import { clusterOf, KeptConnection } from './kept-connection.ts';
import type { KubeServers } from './kube-servers.ts';
import type { Replica, Replicas } from './replicas.ts';
import { WatchedCluster } from './watched-cluster.ts';

export interface FallingService {
  readonly name: string;
  readonly maxFailures?: number;
  /** Seconds. */
  readonly recoverySeconds?: number;
  /** Seconds. */
  readonly windowSeconds?: number;
}

export interface Clusters {
  readonly old: WatchedCluster;
  readonly fresh: WatchedCluster;
}

export async function listenBoth(): Promise<Clusters> {
  const [old, fresh] = await Promise.all([WatchedCluster.listen('old'), WatchedCluster.listen('new')]);
  return { old, fresh };
}

export function closeBoth(clusters: Clusters | undefined): Promise<unknown> {
  return Promise.all([clusters?.old.close(), clusters?.fresh.close()]);
}

/** All traffic of each goes to new while it is steady. `checkEvery`: a duration. */
export function fallingServices(
  { old, fresh }: Clusters,
  services: readonly FallingService[],
  { checkEvery = '1h', healthPath = '/healthz' as string | null } = {},
): string {
  const head = `global: { default_timeout: 5s, health_check_interval: ${checkEvery} }\nservices:\n`;
  const check = healthPath === null ? '' : `    health_check: { path: ${healthPath} }\n`;
  const one = ({ name, maxFailures = 3, recoverySeconds = 300, windowSeconds = 60 }: FallingService): string =>
    `  - name: ${name}\n    old_host: ${name}.test\n    old_backend: ${old.backend}\n` +
    `    new_host: ${name}.new.test\n    new_backend: ${fresh.backend}\n    new_protocol: http\n` +
    `    migration: { percentage: 100 }\n${check}` +
    `    fallback: { max_failures: ${maxFailures}, failure_window: ${windowSeconds}, recovery_time: ${recoverySeconds} }\n`;
  return head + services.map(one).join('');
}

/** GETs of the service through the replica, one after the other; which cluster answered each. */
export async function send(replica: Replica, service: string, count: number): Promise<('old' | 'new')[]> {
  const connection = new KeptConnection(replica.proxy.port);
  const request = { host: `${service}.test`, headers: { 'X-Replica': replica.name } };
  const answers: ('old' | 'new')[] = [];
  for (let sent = 0; sent < count; sent++) answers.push(clusterOf(await connection.ask(request)));
  connection.close();
  return answers;
}

/** GETs of many services through the replica, one each, over some connections. */
export async function sendEach(replica: Replica, services: readonly string[], connections = 8): Promise<void> {
  const left = [...services];
  const client = async (): Promise<void> => {
    const connection = new KeptConnection(replica.proxy.port);
    for (let service = left.shift(); service !== undefined; service = left.shift()) {
      clusterOf(await connection.ask({ host: `${service}.test`, headers: { 'X-Replica': replica.name } }));
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, client));
}

/** What every replica says of all services, as soon as all of them say that these fell back. */
export function allFell(replicas: Replicas, services: readonly string[], withinMs?: number, everyMs?: number) {
  const fell = async () => {
    const states = await statesOf(replicas);
    return states.every((one) => services.every((name) => one.get(name)?.state === 'fallen_back')) ? states : null;
  };
  return eventually('all know all', fell, withinMs, everyMs);
}

/** GETs of many services, one each, every service through one replica. */
export async function sendSpread(replicas: Replicas, services: readonly string[], connections?: number): Promise<void> {
  const { all } = replicas;
  await Promise.all(
    all.map((replica, at) => {
      const own = services.filter((_, i) => i % all.length === at);
      return sendEach(replica, own, connections);
    }),
  );
}

/** What every replica says of the service, as soon as all of them say what is asked for. */
export function allSay(
  replicas: Replicas,
  service: string,
  what: string,
  isSo: (report: ServiceReport) => boolean,
  withinMs?: number,
): Promise<ServiceReport[]> {
  const ask = async () => {
    const reports = await replicas.each((replica) => replica.proxy.service(service));
    if (reports.every(isSo)) return reports;
    throw new Error(reports.map(({ state, hold }) => (hold === null ? state : `${state}, held`)).join('; '));
  };
  return eventually(`${service}: ${what} on all replicas`, ask, withinMs);
}

/** Every service's state on each replica, by the replica's order. */
export async function statesOf(replicas: Replicas): Promise<ReadonlyMap<string, ServiceReport>[]> {
  return replicas.each(async ({ proxy }) => {
    return new Map((await proxy.status()).services.map((report) => [report.name, report]));
  });
}

/** From the last trip of any of the services until the last replica knew of all, ms. */
export function lastToKnowMs(all: readonly ReadonlyMap<string, ServiceReport>[], services: readonly string[]): number {
  const times = services.map((name) => all.map((one) => Date.parse(one.get(name)?.state_since ?? '')));
  return Math.max(...times.flat()) - Math.max(...times.map((each) => Math.min(...each)));
}

/** Patches of ConfigMaps that the API server was asked for since its start. */
export async function patchesAsked(kube: KubeServers): Promise<number> {
  const { text } = await kube.api.ask('GET', '/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith('apiserver_request_total{'));
  const patches = lines.filter((line) => /resource="configmaps"/.test(line) && /verb="(PATCH|APPLY)"/.test(line));
  return patches.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
