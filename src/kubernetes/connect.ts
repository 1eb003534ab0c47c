/**
 * The API server as KubeApi, over @kubernetes/client-node: its KubeConfig says where and as whom, its generated classes make the
 * requests. Its Watch is not used: 2.0.1 passes over lines that do not read, swallows what a callback throws, keeps of a
 * refusal the status text alone, and ends every watch that was silent for 30 s as if it had failed.
 */
import {
  CoordinationV1Api,
  CoreV1Api,
  createConfiguration,
  type RequestContext,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
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
import { configMapBody, contentTypeOf, eventBody, FIELD_MANAGER, leaseBody, patchBody } from './bodies.ts';
import { loadCredentials } from './credentials.ts';
import { failureOfStatus, notTheApi } from './failures.ts';
import { kubeCall } from './kube-call.ts';
import { BrokenObject, toConfigMap, toLease } from './objects.ts';
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
  const config = loadCredentials(from);
  const server = config.getCurrentCluster()?.server ?? '';
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim();
  return new Connection(server, namespace || 'default', new Transport(() => loadCredentials(from)));
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
    return orNull(
      this.#ask(what, 'again', async ({ core }) =>
        toConfigMap(await core.readNamespacedConfigMap({ namespace, name })),
      ),
    );
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
    const request = { namespace, body: configMapBody(object), fieldManager: FIELD_MANAGER };
    return this.#ask(`create configmap "${name}" in namespace "${namespace}"`, 'once', async ({ core }) =>
      toConfigMap(await core.createNamespacedConfigMap(request)),
    );
  }

  patchConfigMap(namespace: string, name: string, patch: Patch): Promise<ConfigMapObject> {
    const request = { namespace, name, body: patchBody(patch), fieldManager: FIELD_MANAGER };
    return this.#ask(`patch configmap "${name}" in namespace "${namespace}"`, 'once', async ({ core }) =>
      toConfigMap(await core.patchNamespacedConfigMap(request, contentTypeOf(patch))),
    );
  }

  createLease(lease: NewLease): Promise<LeaseObject> {
    const { namespace, name } = lease;
    const request = { namespace, body: leaseBody(lease), fieldManager: FIELD_MANAGER };
    return this.#ask(`create lease "${name}" in namespace "${namespace}"`, 'once', async ({ leases }) =>
      leaseOf(await leases.createNamespacedLeaseWithHttpInfo(request)),
    );
  }

  patchLease(namespace: string, name: string, patch: Patch): Promise<LeaseObject> {
    const request = { namespace, name, body: patchBody(patch), fieldManager: FIELD_MANAGER };
    return this.#ask(`patch lease "${name}" in namespace "${namespace}"`, 'once', async ({ leases }) =>
      leaseOf(await leases.patchNamespacedLeaseWithHttpInfo(request, contentTypeOf(patch))),
    );
  }

  async createEvent(event: EventObject): Promise<'created' | 'exists'> {
    const { namespace } = event;
    const request = { namespace, body: eventBody(event), fieldManager: FIELD_MANAGER };
    try {
      await this.#ask(`create event "${event.name}" in namespace "${namespace}"`, 'once', ({ core }) =>
        core.createNamespacedEvent(request),
      );
      return 'created';
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
    let next: string | undefined;
    let resourceVersion = '';
    do {
      const pages = { ...(limit === undefined ? {} : { limit }), ...(next ? { _continue: next } : {}) };
      next = await this.#ask(`list ${namesOf(selection)}`, 'once', async ({ core }) => {
        const page = await listPage(core, selection, pages);
        items.push(...page.items.map(toConfigMap));
        resourceVersion = page.metadata?.resourceVersion ?? '';
        return page.metadata?._continue;
      });
    } while (next);
    return { items, resourceVersion };
  }

  /** `use` gets the generated classes over a sender that belongs to this one call. */
  async #ask<T>(
    what: string,
    ask: 'again' | 'once',
    use: (apis: { core: CoreV1Api; leases: CoordinationV1Api }) => Promise<T>,
  ): Promise<T> {
    const perform = async (signal: AbortSignal): Promise<T> => {
      const configuration = createConfiguration({
        baseServer: new ServerConfiguration(this.server, {}),
        httpApi: wrapHttpLibrary({ send: (context) => this.#send(context, what, signal) }),
      });
      try {
        return await use({ core: new CoreV1Api(configuration), leases: new CoordinationV1Api(configuration) });
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

  /** Every answer that is no success ends here, before the generated classes make something of it. */
  async #send(context: RequestContext, what: string, signal: AbortSignal): Promise<ResponseContext> {
    const body = context.getBody();
    const answer = await this.#transport.send(
      {
        method: context.getHttpMethod(),
        url: context.getUrl(),
        headers: context.getHeaders(),
        body: typeof body === 'string' ? body : undefined,
      },
      signal,
    );
    const { status, text } = answer;
    if (status < 200 || status > 299) throw failureOfStatus(this.server, what, answer);
    return new ResponseContext(
      status,
      { 'content-type': 'application/json' },
      { text: async () => text, binary: async () => Buffer.from(text), stream: () => null },
    );
  }
}

function listPage(core: CoreV1Api, selection: Selection, page: { limit?: number; _continue?: string }) {
  if (selection.kind === 'one') {
    const { namespace, name } = selection;
    return core.listNamespacedConfigMap({ namespace, fieldSelector: `metadata.name=${name}` });
  }
  const { namespace, labels: labelSelector } = selection;
  return namespace === null
    ? core.listConfigMapForAllNamespaces({ labelSelector, ...page })
    : core.listNamespacedConfigMap({ namespace, labelSelector, ...page });
}

function namesOf(selection: Selection): string {
  if (selection.kind === 'one') return `configmap "${selection.name}" in namespace "${selection.namespace}"`;
  const where = selection.namespace === null ? 'all namespaces' : `namespace "${selection.namespace}"`;
  return `configmaps labelled ${selection.labels} in ${where}`;
}

async function leaseOf(info: ResponseContext): Promise<LeaseObject> {
  return toLease(JSON.parse(await info.body.text()));
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeFailure && error.kind === 'not_found') return null;
    throw error;
  }
}
