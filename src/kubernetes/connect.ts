/**
 * The API server as KubeApi: what is asked (requests.ts), as whom (credentials.ts), sent over kept connections (transport.ts), and
 * read into our own objects. Everything that goes wrong on the way is a KubeFailure.
 */
import {
  type ConfigMapObject,
  type EventObject,
  type KubeApi,
  KubeFailure,
  type LeaseObject,
  type NewConfigMap,
  type NewLease,
  type Patch,
  type Selection,
} from './api.ts';
import { configMapBody, eventBody, leaseBody, patchBody } from './bodies.ts';
import { loadCredentials } from './credentials.ts';
import { failureOfStatus, notTheApi } from './failures.ts';
import { kubeCall } from './kube-call.ts';
import { BrokenObject, toConfigMap, toConfigMaps, toLease } from './objects.ts';
import { type ApiRequest, create, list, patch, read } from './requests.ts';
import { Transport } from './transport.ts';
import { openWatch } from './watch.ts';

const LIMIT_MS = 10_000;
const PAGE = 500;

export interface ConnectOptions {
  /** Path of a kubeconfig. Absent: in a pod its service account, else $KUBECONFIG or ~/.kube/config. */
  readonly kubeconfig?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Asks nothing of the server yet. Throws an Error with a plain message where no server is named. */
export async function connect(options: ConnectOptions = {}): Promise<KubeApi> {
  const from = { kubeconfig: options.kubeconfig ?? null, env: options.env ?? process.env };
  const { server, namespace } = loadCredentials(from);
  return new Connection(server, namespace, new Transport(() => loadCredentials(from)));
}

class Connection implements KubeApi {
  readonly server: string;
  readonly namespace: string;
  readonly #transport: Transport;

  constructor(server: string, namespace: string, transport: Transport) {
    this.server = server;
    this.namespace = namespace;
    this.#transport = transport;
  }

  getConfigMap(namespace: string, name: string): Promise<ConfigMapObject | null> {
    const what = `read configmap "${name}" in namespace "${namespace}"`;
    return orNull(this.#ask(what, 'again', read('configmaps', namespace, name), toConfigMap));
  }

  async listConfigMaps(selection: Selection): Promise<{ items: readonly ConfigMapObject[]; resourceVersion: string }> {
    try {
      return await this.#listPages(selection, PAGE);
    } catch (error) {
      // The pages' snapshot was given up between two of them: then all at once.
      if (!(error instanceof KubeFailure) || error.kind !== 'gone') throw error;
      return this.#listPages(selection, undefined);
    }
  }

  watchConfigMaps(selection: Selection, resourceVersion: string, handlers: Parameters<KubeApi['watchConfigMaps']>[2]) {
    return openWatch({ server: this.server, transport: this.#transport }, selection, resourceVersion, handlers);
  }

  createConfigMap(object: NewConfigMap): Promise<ConfigMapObject> {
    const { namespace, name } = object;
    const request = create('configmaps', namespace, configMapBody(object));
    return this.#ask(`create configmap "${name}" in namespace "${namespace}"`, 'once', request, toConfigMap);
  }

  patchConfigMap(namespace: string, name: string, change: Patch): Promise<ConfigMapObject> {
    const request = patch('configmaps', namespace, name, patchBody(change));
    return this.#ask(`patch configmap "${name}" in namespace "${namespace}"`, 'once', request, toConfigMap);
  }

  getLease(namespace: string, name: string): Promise<LeaseObject | null> {
    const what = `read lease "${name}" in namespace "${namespace}"`;
    return orNull(this.#ask(what, 'again', read('leases', namespace, name), toLease));
  }

  createLease(lease: NewLease): Promise<LeaseObject> {
    const { namespace, name } = lease;
    const request = create('leases', namespace, leaseBody(lease));
    return this.#ask(`create lease "${name}" in namespace "${namespace}"`, 'once', request, toLease);
  }

  patchLease(namespace: string, name: string, change: Patch): Promise<LeaseObject> {
    const request = patch('leases', namespace, name, patchBody(change));
    return this.#ask(`patch lease "${name}" in namespace "${namespace}"`, 'once', request, toLease);
  }

  async createEvent(event: EventObject): Promise<'created' | 'exists'> {
    const { namespace, name } = event;
    const request = create('events', namespace, eventBody(event));
    try {
      return await this.#ask(`create event "${name}" in namespace "${namespace}"`, 'once', request, () => 'created');
    } catch (error) {
      if (error instanceof KubeFailure && error.kind === 'exists') return 'exists';
      throw error;
    }
  }

  close(): void {
    this.#transport.close();
  }

  async #listPages(selection: Selection, limit: number | undefined) {
    const items: ConfigMapObject[] = [];
    let next: string | null = null;
    let resourceVersion = '';
    do {
      const request = list('configmaps', selection.namespace, pageOf(selection, limit, next));
      const page = await this.#ask(`list ${namesOf(selection)}`, 'once', request, toConfigMaps);
      items.push(...page.items);
      ({ next, resourceVersion } = page);
    } while (next !== null);
    return { items, resourceVersion };
  }

  /** `from` reads the object of the answer; a BrokenObject that it throws is told as the server's fault. */
  async #ask<T>(what: string, ask: 'again' | 'once', request: ApiRequest, from: (raw: unknown) => T): Promise<T> {
    const perform = async (signal: AbortSignal): Promise<T> => {
      const text = await this.#send(request, what, signal);
      try {
        return from(JSON.parse(text));
      } catch (error) {
        // A gateway's page, or half an object, with status 200.
        if (!(error instanceof SyntaxError || error instanceof BrokenObject)) throw error;
        throw notTheApi(this.server, what, `something that is no object of the API (${error.message})`);
      }
    };
    try {
      return await kubeCall({ server: this.server, what, limitMs: LIMIT_MS, ask, perform });
    } catch (error) {
      if (error instanceof KubeFailure && (error.kind === 'timeout' || error.kind === 'unreachable')) {
        this.#transport.dropIdle();
      }
      throw error;
    }
  }

  /** The text of a success; every other answer is thrown as what it means. */
  async #send({ method, path, body }: ApiRequest, what: string, signal: AbortSignal): Promise<string> {
    const headers = { Accept: 'application/json', ...(body && { 'Content-Type': body.contentType }) };
    const answer = await this.#transport.send(
      { method, url: this.server + path, headers, body: body && JSON.stringify(body.value) },
      signal,
    );
    const { status, text } = answer;
    if (status < 200 || status > 299) throw failureOfStatus(this.server, what, answer);
    return text;
  }
}

/** One object by a field selector: a Role with resourceNames allows just that. */
function pageOf(selection: Selection, limit: number | undefined, next: string | null): Record<string, string> {
  if (selection.kind === 'one') return { fieldSelector: `metadata.name=${selection.name}` };
  return {
    labelSelector: selection.labels,
    ...(limit !== undefined && { limit: String(limit) }),
    ...(next !== null && { continue: next }),
  };
}

function namesOf(selection: Selection): string {
  if (selection.kind === 'one') return `configmap "${selection.name}" in namespace "${selection.namespace}"`;
  const where = selection.namespace === null ? 'all namespaces' : `namespace "${selection.namespace}"`;
  return `configmaps labelled ${selection.labels} in ${where}`;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeFailure && error.kind === 'not_found') return null;
    throw error;
  }
}
