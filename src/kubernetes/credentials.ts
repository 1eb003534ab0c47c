/**
 * Which API server, and as whom: a kubeconfig that was named, the pod's service account, or the kubeconfig that kubectl would take.
 * Out: the client package's KubeConfig, which also knows how credentials are made (exec plug-ins) and read again (tokens in
 * files). Throws an Error with a plain message where there is no server to be found.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { parse } from 'yaml';

export interface CredentialsFrom {
  /** Path of a kubeconfig. Null: in a pod its service account, else what $KUBECONFIG or ~/.kube/config say. */
  readonly kubeconfig: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const NOBODY = 'nobody';
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const TOKEN_FILE = `${ACCOUNT}/token`;
const MOUNT =
  'the volume kube-api-access brings it, unless the pod or its ServiceAccount says automountServiceAccountToken: false';

export function loadCredentials({ kubeconfig, env }: CredentialsFrom): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === null && env.KUBERNETES_SERVICE_HOST && existsSync(TOKEN_FILE)) {
    config.loadFromCluster();
    return settled(config, [], 'the service account of this pod');
  }
  const files = kubeconfig === null ? defaultFiles(env) : [kubeconfig];
  for (const file of files) merge(config, file);
  return settled(config, files, files.join(', '));
}

function defaultFiles(env: CredentialsFrom['env']): string[] {
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (named.length > 0) return named;
  const file = join(env.HOME ?? homedir(), '.kube', 'config');
  if (existsSync(file)) return [file];
  const isPod = Boolean(env.KUBERNETES_SERVICE_HOST);
  const where = isPod ? `this pod has no ${TOKEN_FILE} (${MOUNT})` : 'this is no pod';
  throw new Error(
    `${where}, $KUBECONFIG is not set and ${file} is not there; name one, for example --kubeconfig ~/.kube/config`,
  );
}

/** In words: what is missing, where, and what to do. `error`: of reading files, or of a plug-in. */
export function credentialsProblem(error: unknown): string {
  const { code, message, path = '' } = error as NodeJS.ErrnoException;
  const isAccount = path.startsWith(`${ACCOUNT}/`);
  if (code === 'ENOENT' && !message.startsWith('spawn')) {
    return `${path} is not there: ${isAccount ? MOUNT : 'the kubeconfig names it'}`;
  }
  if (code === 'EACCES' && isAccount) return `${path} may not be read by this user: the pod needs fsGroup`;
  return `its credentials cannot be had: ${message.trim()}`;
}

function merge(config: KubeConfig, file: string): void {
  const one = new KubeConfig();
  try {
    one.loadFromFile(file);
  } catch (error) {
    throw unusable(file, error);
  }
  // As kubectl does: of what is named twice, the first counts.
  const fresh = <T extends { name: string }>(have: T[], more: T[]) =>
    more.filter(({ name }) => !have.some((one) => one.name === name));
  config.loadFromOptions({
    clusters: [...(config.clusters ?? []), ...fresh(config.clusters ?? [], one.clusters)],
    users: [...(config.users ?? []), ...fresh(config.users ?? [], one.users)],
    contexts: [...(config.contexts ?? []), ...fresh(config.contexts ?? [], one.contexts)],
    currentContext: config.currentContext || one.currentContext,
  });
}

/**
 * What the package does not do by itself: `tokenFile` of a kubeconfig (it knows `token-file` alone), servers without TLS, and a
 * cluster's own CA where the context names no user.
 */
function settled(config: KubeConfig, files: readonly string[], from: string): KubeConfig {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(`${from}: no current context that names a cluster; for example kubectl config use-context NAME`);
  }
  const tokenFiles = new Map(files.flatMap(tokenFilesOf));
  const { currentContext } = config;
  const nobody = config.getCurrentUser() === null ? [{ name: NOBODY }] : [];
  config.loadFromOptions({
    clusters: config.clusters.map((one) => (one.name === cluster.name ? withPlainHttp(one) : one)),
    users: [...config.users.map((user) => withTokenFile(user, tokenFiles.get(user.name))), ...nobody],
    contexts: config.contexts.map((one) =>
      one.name === currentContext && nobody.length > 0 ? { ...one, user: NOBODY } : one,
    ),
    currentContext,
  });
  return config;
}

/** The package asks for skipTLSVerify with http. Tokens may go in the clear to this very machine alone (`kubectl proxy`). */
function withPlainHttp(cluster: Cluster): Cluster {
  const url = new URL(cluster.server);
  if (url.protocol !== 'http:') return cluster;
  if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw new Error(`the API server ${cluster.server} would be asked without TLS; that is only done on this machine`);
  }
  return { ...cluster, skipTLSVerify: true };
}

function withTokenFile(user: User, tokenFile: string | undefined): User {
  if (tokenFile === undefined || user.token) return user;
  return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
}

/** The first line alone: behind it parsers of YAML show the lines around the mistake, and tokens stand in them. */
function unusable(file: string, error: unknown): Error {
  const [reason] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
  return new Error(`kubeconfig ${file} cannot be used: ${reason}`);
}

function tokenFilesOf(file: string): [string, string][] {
  let raw: { users?: { name: string; user?: { tokenFile?: unknown } }[] } | null;
  try {
    raw = parse(readFileSync(file, 'utf8'), { logLevel: 'error' });
  } catch (error) {
    throw unusable(file, error);
  }
  return (raw?.users ?? []).flatMap(({ name, user }): [string, string][] =>
    typeof user?.tokenFile === 'string' ? [[name, resolve(dirname(file), user.tokenFile)]] : [],
  );
}
