/**
 * An API server's objects in memory, behind the calls that we use: ConfigMaps and Leases with versions, merge patches (RFC 7396),
 * JSON Patches (RFC 6902) and watches, and failures on demand: before a call is made, or after it took effect (the answer is
 * lost). Refuses to know permissions, sizes and time.
 */
import {
  type ConfigMapObject,
  type JsonPatchOperation,
  type KubeApi,
  KubeFailure,
  type LeaseObject,
  type NewConfigMap,
  type NewLease,
  type Patch,
  type Selection,
  type WatchHandlers,
} from '../../src/kubernetes/api.ts';

interface Tree {
  [key: string]: unknown;
}
interface Stored extends Tree {
  metadata: {
    namespace: string;
    name: string;
    uid: string;
    resourceVersion: string;
    labels?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  };
}

export interface Call {
  readonly verb: 'get' | 'list' | 'create' | 'patch';
  readonly kind: 'configmap' | 'lease';
  readonly name: string;
  readonly patch?: Patch;
}

export class MemoryApi implements KubeApi {
  readonly server = 'memory:';
  readonly namespace = 'default';
  readonly calls: Call[] = [];
  /** Asked before each call; what it throws (or rejects with) is the answer. */
  before: (call: Call) => void | Promise<void> = () => {};
  /** Asked after each call took effect. */
  after: (call: Call) => void | Promise<void> = () => {};
  readonly #objects = new Map<string, Stored>();
  readonly #watches = new Set<{ readonly selection: Selection; readonly handlers: WatchHandlers }>();
  #version = 100;

  async getConfigMap(namespace: string, name: string): Promise<ConfigMapObject | null> {
    return this.#call({ verb: 'get', kind: 'configmap', name }, () => {
      const stored = this.#objects.get(`configmap ${namespace}/${name}`);
      return stored === undefined ? null : configMapOf(stored);
    });
  }

  async listConfigMaps(selection: Selection): ReturnType<KubeApi['listConfigMaps']> {
    return this.#call({ verb: 'list', kind: 'configmap', name: '' }, () => {
      const maps = [...this.#objects].flatMap(([key, stored]) =>
        key.startsWith('configmap ') ? [configMapOf(stored)] : [],
      );
      const items = maps.filter((object) => isSelected(selection, object));
      return { items, resourceVersion: String(this.#version) };
    });
  }

  watchConfigMaps(selection: Selection, _from: string, handlers: WatchHandlers): { stop(): void } {
    const watch = { selection, handlers };
    this.#watches.add(watch);
    return { stop: () => void this.#watches.delete(watch) };
  }

  /** Ends all watches as a connection that breaks does, or as the server does every so often (null). */
  endWatches(failure: KubeFailure | null): void {
    const ended = [...this.#watches];
    this.#watches.clear();
    for (const { handlers } of ended) handlers.onEnd(failure);
  }

  async createConfigMap(object: NewConfigMap): Promise<ConfigMapObject> {
    const { namespace, name, labels, data, binaryData } = object;
    return this.#call({ verb: 'create', kind: 'configmap', name }, () => {
      const stored = this.#add(`configmap ${namespace}/${name}`, {
        metadata: { namespace, name, labels },
        data,
        binaryData,
      });
      this.#show('added', stored);
      return configMapOf(stored);
    });
  }

  async patchConfigMap(namespace: string, name: string, patch: Patch): Promise<ConfigMapObject> {
    return this.#call({ verb: 'patch', kind: 'configmap', name, patch }, () => {
      const stored = this.#patch(`configmap ${namespace}/${name}`, patch);
      this.#show('modified', stored);
      return configMapOf(stored);
    });
  }

  async getLease(namespace: string, name: string): Promise<LeaseObject | null> {
    return this.#call({ verb: 'get', kind: 'lease', name }, () => {
      const stored = this.#objects.get(`lease ${namespace}/${name}`);
      return stored === undefined ? null : leaseOf(stored);
    });
  }

  async createLease(lease: NewLease): Promise<LeaseObject> {
    const { namespace, name, labels, annotations, holder, durationSeconds, renewMs } = lease;
    const time = new Date(renewMs).toISOString().replace('Z', '000Z');
    const spec = { holderIdentity: holder, leaseDurationSeconds: durationSeconds, renewTime: time, acquireTime: time };
    return this.#call({ verb: 'create', kind: 'lease', name }, () =>
      leaseOf(this.#add(`lease ${namespace}/${name}`, { metadata: { namespace, name, labels, annotations }, spec })),
    );
  }

  async patchLease(namespace: string, name: string, patch: Patch): Promise<LeaseObject> {
    return this.#call({ verb: 'patch', kind: 'lease', name, patch }, () =>
      leaseOf(this.#patch(`lease ${namespace}/${name}`, patch)),
    );
  }

  async createEvent(): Promise<'created' | 'exists'> {
    return 'created';
  }

  close(): void {
    this.#watches.clear();
  }

  /** As somebody else does. */
  delete(namespace: string, name: string): void {
    const key = `configmap ${namespace}/${name}`;
    const stored = this.#objects.get(key);
    this.#objects.delete(key);
    if (stored !== undefined) this.#show('deleted', { ...stored, metadata: { ...stored.metadata, ...this.#next() } });
  }

  /** What the API server would have after a backup was played back: everything as in `kept`, versions too. */
  restore(kept: ReturnType<MemoryApi['backup']>): void {
    this.#objects.clear();
    for (const [key, stored] of structuredClone(kept.objects)) this.#objects.set(key, stored);
    this.#version = kept.version;
  }

  backup(): { readonly objects: ReadonlyMap<string, Stored>; readonly version: number } {
    return { objects: structuredClone(this.#objects), version: this.#version };
  }

  async #call<T>(call: Call, effect: () => T): Promise<T> {
    this.calls.push(call);
    await this.before(call);
    const answer = effect();
    await this.after(call);
    return answer;
  }

  #add(key: string, object: Tree & { metadata: Omit<Stored['metadata'], 'uid' | 'resourceVersion'> }): Stored {
    if (this.#objects.has(key)) throw new KubeFailure('exists', `${key} exists`, { status: 409 });
    const uid = `uid-${this.#version}`;
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, uid, ...this.#next() } });
    this.#objects.set(key, stored);
    return stored;
  }

  #patch(key: string, patch: Patch): Stored {
    const before = this.#objects.get(key);
    if (before === undefined) throw new KubeFailure('not_found', `no ${key}`, { status: 404 });
    const after = structuredClone(before);
    if (patch.kind === 'merge') merge(after, patch.body);
    else for (const operation of patch.operations) apply(after, operation);
    if (after.metadata.resourceVersion !== before.metadata.resourceVersion) {
      throw new KubeFailure('conflict', `${key} was changed`, { status: 409 });
    }
    Object.assign(after.metadata, this.#next());
    this.#objects.set(key, after);
    return after;
  }

  #next(): { resourceVersion: string } {
    return { resourceVersion: String(++this.#version) };
  }

  #show(kind: 'added' | 'modified' | 'deleted', stored: Stored): void {
    const object = configMapOf(stored);
    for (const { selection, handlers } of [...this.#watches]) {
      if (!isSelected(selection, object)) continue;
      handlers.onObject(kind, object);
      handlers.onHeard(object.meta.resourceVersion);
    }
  }
}

function isSelected(selection: Selection, { meta }: ConfigMapObject): boolean {
  if (selection.kind === 'one') return meta.namespace === selection.namespace && meta.name === selection.name;
  const isThere = selection.namespace === null || selection.namespace === meta.namespace;
  return isThere && selection.labels.split(',').every((pair) => meta.labels[pair.split('=')[0]] === pair.split('=')[1]);
}

function merge(target: Tree, patch: Readonly<Tree>): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else if (typeof value === 'object' && !Array.isArray(value)) {
      const inner = (target[key] ?? {}) as Tree;
      merge(inner, value as Tree);
      target[key] = inner;
    } else target[key] = value;
  }
}

function apply(target: Tree, { op, path, value }: JsonPatchOperation): void {
  const keys = path
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop()!;
  const refused = () => new KubeFailure('invalid', `the patch cannot be applied: ${op} ${path}`, { status: 422 });
  let parent: Tree = target;
  for (const key of keys) {
    if (typeof parent[key] !== 'object' || parent[key] === null) throw refused();
    parent = parent[key] as Tree;
  }
  if (op !== 'add' && parent[last] === undefined) throw refused();
  if (op === 'test' && parent[last] !== value) throw refused();
  if (op === 'remove') delete parent[last];
  else if (op !== 'test') parent[last] = value;
}

function metaOf({ metadata }: Stored): ConfigMapObject['meta'] {
  const { namespace, name, uid, resourceVersion, labels, annotations } = metadata;
  return {
    namespace,
    name,
    uid,
    resourceVersion,
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { ...labels },
    annotations: { ...annotations },
    managedFields: [],
  };
}

function configMapOf(stored: Stored): ConfigMapObject {
  const { data = {}, binaryData = {} } = stored;
  return structuredClone({ meta: metaOf(stored), data, binaryData }) as ConfigMapObject;
}

function leaseOf(stored: Stored): LeaseObject {
  const spec = (stored.spec ?? {}) as Record<string, never>;
  return {
    meta: metaOf(stored),
    holder: spec.holderIdentity ?? null,
    durationSeconds: spec.leaseDurationSeconds ?? null,
    renewTime: spec.renewTime ?? null,
    acquireTime: spec.acquireTime ?? null,
    transitions: spec.leaseTransitions ?? 0,
  };
}
