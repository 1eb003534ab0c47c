/**
 * What we ask of an API server, in our own words: objects as plain data and calls that either answer in time or fail with a
 * KubeFailure. The one implementation wraps @kubernetes/client-node; nothing else of this room, and no other room, sees that
 * package's types. Refuses to know what the objects are for.
 */

export interface ObjectMeta {
  /** '' for objects of no namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly managedFields: readonly ManagedFields[];
}

/** Who owns which fields (server-side apply, metadata.managedFields). */
export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  /** RFC 3339, or '' where the server gave none. */
  readonly time: string;
  readonly subresource: string;
  /** `fieldsV1` as the server sent it. */
  readonly fields: unknown;
}

export interface ConfigMapObject {
  readonly meta: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
  /** Base64. */
  readonly binaryData: Readonly<Record<string, string>>;
}

export interface LeaseObject {
  readonly meta: ObjectMeta;
  readonly holder: string | null;
  readonly durationSeconds: number | null;
  /** RFC 3339 with six decimals (MicroTime). */
  readonly renewTime: string | null;
  readonly acquireTime: string | null;
  readonly transitions: number;
}

/** Events of the core group: what `kubectl get events` and `kubectl describe` show. */
export interface EventObject {
  readonly namespace: string;
  /** A name that is taken already answers `exists`. */
  readonly name: string;
  readonly type: 'Normal' | 'Warning';
  /** UpperCamelCase. */
  readonly reason: string;
  /** At most 1 024 bytes. */
  readonly message: string;
  /** Epoch ms. */
  readonly atMs: number;
  readonly about: {
    readonly kind: 'ConfigMap';
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
  /** Which replica says so. */
  readonly instance: string;
}

/** Which ConfigMaps: one by its name (with a field selector, so that a Role with resourceNames allows it), or those with labels. */
export type Selection =
  | { readonly kind: 'one'; readonly namespace: string; readonly name: string }
  /** `namespace` null: all of them. */
  | { readonly kind: 'labelled'; readonly namespace: string | null; readonly labels: string };

/** Fields that are set, nested as in the object; null removes (RFC 7396). */
export type MergePatch = Readonly<Record<string, unknown>>;
/** RFC 6902. */
export interface JsonPatchOperation {
  readonly op: 'test' | 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}
export type Patch =
  | { readonly kind: 'merge'; readonly body: MergePatch }
  | { readonly kind: 'json'; readonly operations: readonly JsonPatchOperation[] };

export type KubeFailureKind =
  /** No connection, or it broke. */
  | 'unreachable'
  | 'timeout'
  /** 401. */
  | 'unauthorized'
  /** 403: the role does not allow it. */
  | 'forbidden'
  | 'not_found'
  /** 409 on a change: another resourceVersion. */
  | 'conflict'
  /** 409 on a create. */
  | 'exists'
  /** 410: the resourceVersion is too old to go on from. */
  | 'gone'
  /** 413, or 422 for the object's size. */
  | 'too_large'
  /** 422: a JSON Patch whose `test` failed, or an object that is not valid. */
  | 'invalid'
  /** 429 and 503 with Retry-After. */
  | 'throttled'
  /** Another 5xx, or an answer that is none of the API's. */
  | 'server';

export class KubeFailure extends Error {
  readonly kind: KubeFailureKind;
  readonly status: number | null;
  readonly retryAfterMs: number | null;

  /** `message`: for people: what was asked, of whom, what came back. */
  constructor(
    kind: KubeFailureKind,
    message: string,
    options: { readonly status?: number; readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KubeFailure';
    this.kind = kind;
    this.status = options.status ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export interface WatchHandlers {
  readonly onObject: (kind: 'added' | 'modified' | 'deleted', object: ConfigMapObject) => void;
  /** Anything was heard, a bookmark too. `resourceVersion`: go on from there. */
  readonly onHeard: (resourceVersion: string) => void;
  /** Once. Null: the server ended it as it does every so often. */
  readonly onEnd: (failure: KubeFailure | null) => void;
}

/** Every call ends within its own time limit (10 s unless it says otherwise) and rejects with KubeFailure alone. */
export interface KubeApi {
  /** `https://10.0.0.1:443`: for messages. */
  readonly server: string;
  /** The namespace of the pod or of the kubeconfig's context, else `default`. */
  readonly namespace: string;
  /** Null: there is none. */
  getConfigMap(namespace: string, name: string): Promise<ConfigMapObject | null>;
  /** As of now (a consistent read), in pages where there are many. */
  listConfigMaps(
    selection: Selection,
  ): Promise<{ readonly items: readonly ConfigMapObject[]; readonly resourceVersion: string }>;
  /** Ends by itself after at most 30 s (the server's timeoutSeconds) plus a grace; `stop` ends it silently. */
  watchConfigMaps(selection: Selection, resourceVersion: string, handlers: WatchHandlers): { stop(): void };
  createConfigMap(object: NewConfigMap): Promise<ConfigMapObject>;
  patchConfigMap(namespace: string, name: string, patch: Patch): Promise<ConfigMapObject>;
  createLease(lease: NewLease): Promise<LeaseObject>;
  patchLease(namespace: string, name: string, patch: Patch): Promise<LeaseObject>;
  createEvent(event: EventObject): Promise<'created' | 'exists'>;
  close(): void;
}

export interface NewConfigMap {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface NewLease {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly holder: string | null;
  readonly durationSeconds: number;
  readonly renewMs: number;
}
