/**
 * A namespace for proxies of one test: with the service account and the rights of an installation (k8s/base), a ConfigMap to write,
 * and proxies that run with that account's own token. Refuses to know what the proxies do.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './cli.ts';
import type { KubeServers } from './kube-servers.ts';
import { type ProxyOptions, RunningProxy } from './running-proxy.ts';
import { tempDir } from './temp-dir.ts';

const CONFIG = 'migration-config';
const ACCOUNT = 'migration-proxy';
const RIGHTS = ['service-account.yaml', 'role.yaml'];

export interface ReplicaOptions extends ProxyOptions {
  /** Its POD_NAME. */
  readonly name: string;
  /** Where it asks for the API server: a gate's, where one stands in between. */
  readonly url?: string;
}

export class KubeNamespace {
  readonly name: string;
  readonly #kube: KubeServers;

  private constructor(kube: KubeServers, name: string) {
    this.#kube = kube;
    this.name = name;
  }

  static async make(kube: KubeServers, name: string): Promise<KubeNamespace> {
    await kube.restrictedNamespace(name);
    const directory = tempDir();
    for (const file of RIGHTS) {
      const text = readFileSync(join(REPOSITORY, 'k8s', 'base', file), 'utf8');
      writeFileSync(join(directory, file), text.replaceAll('namespace: migration-proxy', `namespace: ${name}`));
    }
    await kube.applyManifests(directory, name);
    return new KubeNamespace(kube, name);
  }

  get label(): string {
    return `configmap:${this.name}/${CONFIG}`;
  }

  /** As a person who applies the ConfigMap from a file. */
  async configure(yaml: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const manifest = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: CONFIG, namespace: this.name, labels },
      data: { 'migration.yaml': yaml },
    };
    await this.#kube.api.put(`/api/v1/namespaces/${this.name}/configmaps`, manifest, 'kubectl-client-side-apply');
  }

  /** Of one of our objects, or the configuration. Null: there is none. */
  async object(kind: 'configmap' | 'lease', name: string): Promise<KubeObject | null> {
    return this.#kube.api.get<KubeObject>(this.#pathOf(kind, name));
  }

  async delete(kind: 'configmap' | 'lease', name: string): Promise<void> {
    await this.#kube.api.delete(this.#pathOf(kind, name));
  }

  #pathOf(kind: 'configmap' | 'lease', name: string): string {
    const group = kind === 'configmap' ? 'api/v1' : 'apis/coordination.k8s.io/v1';
    return `/${group}/namespaces/${this.name}/${kind}s/${name}`;
  }

  /** With the account's own token, and a state directory of its own. */
  async replica({ name, url, ...options }: ReplicaOptions): Promise<RunningProxy> {
    const kubeconfig = await this.#kube.serviceAccountKubeconfig(this.name, ACCOUNT, url);
    const source = ['--configmap', `${this.name}/${CONFIG}`, '--kubeconfig', kubeconfig];
    return RunningProxy.start(null, { ...options, source, env: { POD_NAME: name, ...options.env } });
  }
}

export interface KubeObject {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}
