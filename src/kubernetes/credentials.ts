/**
 * Which API server, and as whom: a kubeconfig that was named, the pod's service account, or the kubeconfig that kubectl would take.
 * What is only read (tokens, certificates, passwords) is read here; what takes more (exec plug-ins, auth providers, proxies) is
 * the client package's, which is loaded only then: it takes half a second. Throws an Error with a plain message where no server is named.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type CurrentContext, currentContext, textOf } from './kubeconfig.ts';
import { packageCredentials } from './package-credentials.ts';
import { plainCredentials } from './plain-credentials.ts';

export interface Credentials {
  /** Without a slash at its end. */
  readonly server: string;
  readonly namespace: string;
  /** Whether `applyTo` sets an agent that goes through a proxy. */
  readonly isProxied: boolean;
  /** Adds who asks and whom to trust, by files and plug-ins as they are now. Rejects with an Error in plain words. */
  applyTo(options: RequestOptions): Promise<void>;
}

export interface CredentialsFrom {
  /** Path of a kubeconfig. Null: in a pod its service account, else what $KUBECONFIG or ~/.kube/config say. */
  readonly kubeconfig: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory of a pod's service account. */
  readonly account?: string;
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Those that take no more than reading. Whatever else a user has is the package's. */
const PLAIN_KEYS = new Set([
  'as',
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'extensions',
  'password',
  'token',
  'tokenFile',
  'username',
]);

export function loadCredentials({ kubeconfig, env, account = ACCOUNT }: CredentialsFrom): Credentials {
  if (kubeconfig === null && env.KUBERNETES_SERVICE_HOST && existsSync(join(account, 'token'))) {
    return plainCredentials(ofThisPod(account, env.KUBERNETES_SERVICE_HOST, env.KUBERNETES_SERVICE_PORT));
  }
  const files = kubeconfig === null ? defaultFiles(env) : [kubeconfig];
  const context = currentContext(files);
  const server = serverOf(context, files);
  const isPlain =
    textOf(context.clusterEntry, 'proxy-url') === null &&
    Object.entries(context.userEntry).every(([key, value]) => PLAIN_KEYS.has(key) || (value ?? '') === '');
  return (isPlain ? plainCredentials : packageCredentials)({ ...context, server });
}

function ofThisPod(account: string, host: string, port: string | undefined) {
  const namespaceFile = join(account, 'namespace');
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port || '443'}`,
    cluster: 'the cluster of this pod',
    clusterEntry: { 'certificate-authority': join(account, 'ca.crt') },
    userEntry: { tokenFile: join(account, 'token') },
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8') : null,
  };
}

function defaultFiles(env: CredentialsFrom['env']): string[] {
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) return named;
  const file = join(env.HOME ?? homedir(), '.kube', 'config');
  if (existsSync(file)) return [file];
  throw new Error(
    `this is no pod, $KUBECONFIG is not set and ${file} is not there; name one, for example --kubeconfig ~/.kube/config`,
  );
}

/** Tokens may go in the clear to this very machine alone (`kubectl proxy`). */
function serverOf({ cluster, clusterEntry }: CurrentContext, files: readonly string[]): string {
  const server = (textOf(clusterEntry, 'server') ?? '').replace(/\/+$/, '');
  const url = URL.parse(server);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const wrong = `the server of cluster "${cluster}" is no URL, for example https://10.0.0.1:6443`;
    throw new Error(`${files.join(', ')}: ${wrong}`);
  }
  if (url.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw new Error(`the API server ${server} would be asked without TLS; that is only done on this machine`);
  }
  return server;
}
