/**
 * A small Kubernetes for one test: a real etcd and a real kube-apiserver with RBAC and pod security on free ports of 127.0.0.1,
 * gone when the test's process ends. There are no controllers and no nodes: no pod runs, nothing is collected, no service
 * account is made by itself. Refuses to know what the proxy asks of it. Needs @needs kubernetes in the test's head.
 */
import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { KubeApi } from './kube-api.ts';
import { KubeFiles } from './kube-files.ts';
import { KubeProcess } from './kube-process.ts';
import { kubeProgram } from './kube-programs.ts';
import { freePorts } from './ports.ts';

export interface KubeOptions {
  /** More flags of kube-apiserver, as `--watch-cache=false`. */
  readonly apiServerFlags?: readonly string[];
}

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface KubectlOptions {
  readonly input?: string;
  readonly kubeconfig?: string;
  /** Of `kubectl edit`: `sed -i s/a/b/`. */
  readonly editor?: string;
}

const READY_WITHIN_MS = 60_000;
const KUBECTL_LIMIT_MS = 60_000;

export class KubeServers {
  readonly url: string;
  readonly files: KubeFiles;
  /** Path of a kubeconfig that may do everything. */
  readonly adminKubeconfig: string;
  /** As admin. */
  readonly api: KubeApi;
  readonly #etcd: KubeProcess;
  readonly #apiServer: KubeProcess;

  private constructor(url: string, files: KubeFiles, etcd: KubeProcess, apiServer: KubeProcess) {
    this.url = url;
    this.files = files;
    this.#etcd = etcd;
    this.#apiServer = apiServer;
    this.adminKubeconfig = files.kubeconfig(url, { token: files.adminToken });
    this.api = new KubeApi(url, { ca: files.authority.ca, token: files.adminToken });
  }

  static async start({ apiServerFlags = [] }: KubeOptions = {}): Promise<KubeServers> {
    const files = new KubeFiles();
    const [client, peer, secure] = await freePorts(3);
    const etcdFlags = flagsOfEtcd(files, client, peer);
    const apiFlags = [...flagsOfApiServer(files, client, secure), ...apiServerFlags];
    const etcd = new KubeProcess(await kubeProgram('etcd'), etcdFlags, join(files.directory, 'etcd.log'));
    const apiLog = join(files.directory, 'kube-apiserver.log');
    const apiServer = new KubeProcess(await kubeProgram('kube-apiserver'), apiFlags, apiLog);
    const servers = new KubeServers(`https://127.0.0.1:${secure}`, files, etcd, apiServer);
    try {
      etcd.start();
      await servers.startApiServer();
      return servers;
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  /** On the same port and with the same data; ready when this returns. */
  async startApiServer(): Promise<void> {
    this.#apiServer.start();
    await this.ready();
  }

  async ready(): Promise<void> {
    // Not in the question below: a process that has ended would be asked for a minute.
    let ended: unknown = null;
    await eventually(
      'kube-apiserver is ready',
      async () => {
        try {
          this.#etcd.expectAlive();
          this.#apiServer.expectAlive();
        } catch (error) {
          ended = error;
          return true;
        }
        return (await this.#statusOf('/readyz')) === 200;
      },
      READY_WITHIN_MS,
      50,
    );
    if (ended !== null) throw ended;
  }

  /** As by SIGKILL: connections end, new ones are refused. */
  stopApiServer(): Promise<void> {
    return this.#apiServer.kill();
  }

  /** Half-open: connections stay and are taken by the kernel, and nobody answers. */
  freezeApiServer(): void {
    this.#apiServer.freeze();
  }

  thawApiServer(): void {
    this.#apiServer.thaw();
  }

  /** The API server takes requests, and has nobody to ask. */
  freezeEtcd(): void {
    this.#etcd.freeze();
  }

  thawEtcd(): void {
    this.#etcd.thaw();
  }

  /** Everything that is stored now, for `restore`. The API server is away meanwhile. */
  async backUp(): Promise<void> {
    await this.stop();
    cpSync(this.files.subdirectory('etcd'), this.files.subdirectory('backup'), { recursive: true });
    this.#etcd.start();
    await this.startApiServer();
  }

  /** As after a disaster: what was stored since the backup is gone, and versions are as they were then. */
  async restore(): Promise<void> {
    await this.stop();
    const store = this.files.subdirectory('etcd');
    rmSync(store, { recursive: true });
    cpSync(this.files.subdirectory('backup'), store, { recursive: true });
    this.#etcd.start();
    await this.startApiServer();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#apiServer.kill(), this.#etcd.kill()]);
  }

  /** As admin, or as whom a kubeconfig says. A failure is in `code`. */
  async kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<Said> {
    const { input = '', kubeconfig = this.adminKubeconfig, editor = 'false' } = options;
    const home = this.files.subdirectory('home');
    const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig, KUBE_EDITOR: editor };
    const kubectl = await kubeProgram('kubectl');
    return new Promise((resolve) => {
      const limits = { timeout: KUBECTL_LIMIT_MS, maxBuffer: 64 * 2 ** 20 };
      const child = execFile(kubectl, [...args], { env, cwd: home, ...limits }, (error, stdout, stderr) => {
        resolve({ stdout, stderr, code: error === null ? 0 : (child.exitCode ?? 1) });
      });
      child.stdin?.on('error', () => {}).end(input);
    });
  }

  /** What kubectl printed. Throws with what it complained of. */
  async expectKubectl(...args: string[]): Promise<string> {
    const { stdout, stderr, code } = await this.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr || stdout}`);
    return stdout;
  }

  /** `kubectl apply` of a file, or of all files in a directory. */
  applyManifests(path: string, namespace = 'default'): Promise<string> {
    return this.expectKubectl('apply', '--namespace', namespace, '-f', path);
  }

  /** A new namespace that takes only pods of the strictest pod security standard. */
  async restrictedNamespace(name: string): Promise<void> {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await this.api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  }

  /** A real token of a service account that exists already, valid for an hour. */
  async serviceAccountToken(namespace: string, name: string): Promise<string> {
    const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    return (await this.api.create<{ status: { token: string } }>(path, asked)).status.token;
  }

  /** Path of a kubeconfig for a service account that exists already; at a gate's `url`, where one stands in between. */
  async serviceAccountKubeconfig(namespace: string, name: string, url = this.url): Promise<string> {
    return this.files.kubeconfig(url, { token: await this.serviceAccountToken(namespace, name), namespace });
  }

  #statusOf(path: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const request = get(`${this.url}${path}`, { ca: this.files.authority.ca, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.setTimeout(2000, () => request.destroy(new Error('no answer within 2 s'))).once('error', reject);
    });
  }
}

export function startKubeServers(options: KubeOptions = {}): Promise<KubeServers> {
  return KubeServers.start(options);
}

function flagsOfEtcd(files: KubeFiles, client: number, peer: number): string[] {
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  return [
    ...['--data-dir', files.subdirectory('etcd'), '--log-level', 'warn', '--unsafe-no-fsync'],
    ...['--listen-client-urls', at(client), '--advertise-client-urls', at(client)],
    ...['--listen-peer-urls', at(peer), '--initial-advertise-peer-urls', at(peer)],
    ...['--initial-cluster', `default=${at(peer)}`],
  ];
}

function flagsOfApiServer(files: KubeFiles, etcd: number, secure: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    ...['--bind-address=127.0.0.1', `--secure-port=${secure}`],
    `--cert-dir=${files.subdirectory('certificates')}`,
    ...[`--tls-cert-file=${files.servingCert}`, `--tls-private-key-file=${files.servingKey}`],
    ...['--authorization-mode=RBAC', `--token-auth-file=${files.tokens}`],
    ...['--service-account-issuer=https://kubernetes.default.svc', '--service-cluster-ip-range=10.0.0.0/24'],
    ...[`--service-account-key-file=${files.serviceAccountPublicKey}`],
    ...[`--service-account-signing-key-file=${files.serviceAccountKey}`],
    // It would refuse pods of namespaces whose account `default` no controller has made.
    '--disable-admission-plugins=ServiceAccount',
    // Pod security is to refuse privileged pods, not this older switch; and nobody reaches pods or an address of loopback.
    ...['--allow-privileged=true', '--endpoint-reconciler-type=none', '--advertise-address=127.0.0.1'],
  ];
}
