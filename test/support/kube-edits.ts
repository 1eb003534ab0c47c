/**
 * Edits of a ConfigMap that several replicas follow, under load: percentages in; when each replica obeyed, what was answered
 * meanwhile and what Events say out. Refuses to know how many edits are enough.
 */
import { request } from 'node:https';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { hostOf, loadOn, NAMES, type Name, threeServices } from './edits.ts';
import { eventually } from './eventually.ts';
import { clusterOf } from './kept-connection.ts';
import { KubeNamespace } from './kube-namespace.ts';
import type { KubeServers } from './kube-servers.ts';
import type { MixedLoad } from './mixed-load.ts';
import { ask } from './raw-client.ts';
import { type Replica, Replicas, type ReplicasOptions } from './replicas.ts';

export type Percentages = Readonly<Record<Name, number | string>>;

export const STEADY: Percentages = { shop: 0, pay: 20, mail: 50 };

/** What an Event tells, as `kubectl get events -o json` has it. */
export interface ToldEvent {
  readonly metadata: { readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly name: string; readonly namespace: string; readonly uid: string };
}

/** Two clusters, a namespace with a ConfigMap, replicas and load on each of them. */
export class EditScene {
  readonly kube: KubeServers;
  readonly space: KubeNamespace;
  readonly replicas: Replicas;
  readonly #clusters: readonly ToyCluster[];
  #loads: readonly MixedLoad[] = [];

  private constructor(kube: KubeServers, space: KubeNamespace, replicas: Replicas, clusters: readonly ToyCluster[]) {
    this.kube = kube;
    this.space = space;
    this.replicas = replicas;
    this.#clusters = clusters;
  }

  static async start(
    kube: KubeServers,
    name: string,
    options: Partial<Omit<ReplicasOptions, 'kube' | 'space'>> = {},
  ): Promise<EditScene> {
    const space = await KubeNamespace.make(kube, name);
    const clusters = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    await space.configure(textOf(clusters, STEADY));
    const replicas = await Replicas.start({ kube, space, ...options });
    return new EditScene(kube, space, replicas, clusters);
  }

  text(changes: Partial<Percentages> = {}): string {
    return textOf(this.#clusters, { ...STEADY, ...changes });
  }

  /** On shop and mail, of every replica: some 500 requests a second, so that replicas and API server have the machine too. */
  load(): void {
    this.#loads = this.replicas.all.flatMap(({ proxy }) => loadOn(proxy.port, ['shop', 'mail'], 30));
  }

  /** All that was sent since `load`, when every service of every replica was asked often enough to mean something. */
  async rest(): Promise<readonly MixedLoad[]> {
    await eventually('each was asked', () => this.#loads.every(({ sent }) => sent.length > 30), 20_000);
    const loads = this.#loads;
    this.#loads = [];
    await Promise.all(loads.map((load) => load.stop()));
    return loads;
  }

  /** Ends the load. Nothing failed; with nginx but requests on idle kept connections that a reload closed (docs/nginx.md). */
  async onlyExcused(plane: 'direct' | 'nginx'): Promise<void> {
    const loads = await this.rest();
    const failed = loads.flatMap((load) => load.failed);
    const cutOff = new Set(
      plane === 'nginx' ? loads.flatMap((load) => load.cutOff.filter(({ onKept }) => onKept)) : [],
    );
    expect(failed.filter((one) => !cutOff.has(one))).to.deep.equal([]);
    const sent = loads.reduce((sum, load) => sum + load.sent.length, 0);
    if (plane === 'nginx') console.log(`      ${failed.length} of ${sent} requests met a closing connection`);
  }

  /** As `kubectl patch` does, in one request. Resolves when the API server has it. */
  patch(text: string): Promise<void> {
    return patchConfigMap(this.kube, this.space.name, text);
  }

  async kubectlPatch(text: string): Promise<void> {
    const patch = JSON.stringify({ data: { 'migration.yaml': text } });
    await this.kube.expectKubectl('patch', 'configmap', 'migration-config', '-n', this.space.name, '-p', patch);
  }

  /** `kubectl edit` with `sed -i EXPRESSION` for an editor. */
  async kubectlEdit(expression: string): Promise<void> {
    const args = ['edit', 'configmap', 'migration-config', '-n', this.space.name];
    const { code, stderr } = await this.kube.kubectl(args, { editor: `sed -i ${expression}` });
    if (code !== 0) throw new Error(stderr);
  }

  /** Until every replica decides, answers and reports so. Ms since `sinceMs` (`performance.now`), of each replica. */
  obeyed(what: string, percentages: Partial<Percentages>, sinceMs: number, withinMs: number): Promise<number[]> {
    return this.replicas.each(async (replica) => {
      const leftMs = sinceMs + withinMs - performance.now();
      await eventually(`${what} at ${replica.name}`, () => obeys(replica, percentages), leftMs, 10);
      return performance.now() - sinceMs;
    });
  }

  async events(): Promise<readonly ToldEvent[]> {
    return eventsIn(this.kube, this.space.name);
  }

  async end(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()));
    await this.replicas.end();
    await Promise.all(this.#clusters.map((cluster) => cluster.close()));
  }
}

/** Its answers (0 and 100 alone tell for sure), its status, and with nginx what nginx runs. */
export async function obeys({ proxy }: Replica, percentages: Partial<Percentages>): Promise<boolean> {
  for (const name of NAMES) {
    const percentage = percentages[name];
    if (percentage !== 0 && percentage !== 100) continue;
    const cluster = clusterOf(await ask(proxy.port, { host: hostOf(name) }));
    if (cluster !== (percentage === 0 ? 'old' : 'new')) return false;
  }
  const { generation, nginx, services } = await proxy.status();
  if (nginx !== undefined && nginx.running_generation !== generation) return false;
  return Object.entries(percentages).every(
    ([name, percentage]) => services.find((service) => service.name === name)?.percentage === percentage,
  );
}

export async function eventsIn(kube: KubeServers, namespace: string): Promise<readonly ToldEvent[]> {
  const list = await kube.api.get<{ items: ToldEvent[] }>(`/api/v1/namespaces/${namespace}/events`);
  return list?.items ?? [];
}

/** Events that tell one thing twice. */
export function toldTwice(events: readonly ToldEvent[]): string[] {
  const texts = events.map(({ reason, message }) => `${reason}: ${message}`);
  return texts.filter((text, at) => texts.indexOf(text) !== at);
}

function textOf([old, fresh]: readonly ToyCluster[], percentages: Percentages): string {
  return threeServices({ old: old.backend, new: fresh.backend }, percentages);
}

function patchConfigMap({ url, files }: KubeServers, namespace: string, text: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/migration-config?fieldManager=kubectl-patch`;
  const headers = { authorization: `Bearer ${files.adminToken}`, 'content-type': 'application/merge-patch+json' };
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}${path}`,
      { method: 'PATCH', headers, ca: files.authority.ca, agent: false },
      (answer) => {
        answer.resume();
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`PATCH of ${namespace}/migration-config: ${answer.statusCode}`));
      },
    );
    sent.once('error', reject);
    sent.end(JSON.stringify({ data: { 'migration.yaml': text } }));
  });
}
