/**
 * The API's objects as our own plain data. In: the JSON of an answer. Out: values that hold no reference to what came in. An object
 * without a name or a version is no object: it throws.
 */
import type { ConfigMapObject, LeaseObject, ManagedFields, ObjectMeta } from './api.ts';

export class BrokenObject extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'BrokenObject';
  }
}

interface RawMeta {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly operation?: string;
    readonly time?: string;
    readonly subresource?: string;
    readonly fieldsV1?: unknown;
  }[];
}

/** Throws BrokenObject. */
export function toConfigMap(raw: unknown): ConfigMapObject {
  const object = raw as {
    metadata?: RawMeta;
    data?: Record<string, string>;
    binaryData?: Record<string, string>;
  } | null;
  return {
    meta: toMeta(object?.metadata),
    data: texts(object?.data, 'data'),
    binaryData: texts(object?.binaryData, 'binaryData'),
  };
}

/** Throws BrokenObject. */
export function toLease(raw: unknown): LeaseObject {
  const object = raw as { metadata?: RawMeta; spec?: Record<string, unknown> } | null;
  const spec = object?.spec ?? {};
  const text = (key: string): string | null => (typeof spec[key] === 'string' && spec[key] !== '' ? spec[key] : null);
  const number = (key: string): number | null => (typeof spec[key] === 'number' ? spec[key] : null);
  return {
    meta: toMeta(object?.metadata),
    holder: text('holderIdentity'),
    durationSeconds: number('leaseDurationSeconds'),
    renewTime: text('renewTime'),
    acquireTime: text('acquireTime'),
    transitions: number('leaseTransitions') ?? 0,
  };
}

/** One page of a list. `next`: where to go on; null: that was all. Throws BrokenObject. */
export function toConfigMaps(raw: unknown): {
  readonly items: readonly ConfigMapObject[];
  readonly resourceVersion: string;
  readonly next: string | null;
} {
  const page = raw as { metadata?: { resourceVersion?: string; continue?: string }; items?: unknown } | null;
  if (!page?.metadata || !Array.isArray(page.items)) throw new BrokenObject('a list without metadata or items');
  const { continue: next, resourceVersion } = page.metadata;
  return { items: page.items.map(toConfigMap), resourceVersion: resourceVersion ?? '', next: next || null };
}

function toMeta(meta: RawMeta | undefined): ObjectMeta {
  if (!isFilled(meta?.name) || !isFilled(meta.resourceVersion)) {
    throw new BrokenObject('an object without metadata.name or metadata.resourceVersion');
  }
  return {
    namespace: meta.namespace ?? '',
    name: meta.name,
    uid: meta.uid ?? '',
    resourceVersion: meta.resourceVersion,
    creationTimestamp: timeText(meta.creationTimestamp),
    labels: texts(meta.labels, 'metadata.labels'),
    annotations: texts(meta.annotations, 'metadata.annotations'),
    managedFields: (meta.managedFields ?? []).map(
      (fields): ManagedFields => ({
        manager: fields.manager ?? '',
        operation: fields.operation ?? '',
        time: timeText(fields.time),
        subresource: fields.subresource ?? '',
        fields: fields.fieldsV1 ?? null,
      }),
    ),
  };
}

/** One form, since sources are put in order by it. */
function timeText(time: string | undefined): string {
  const ms = time === undefined ? Number.NaN : new Date(time).getTime();
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString();
}

function texts(values: Readonly<Record<string, string>> | undefined | null, where: string): Record<string, string> {
  const entries = Object.entries(values ?? {});
  if (entries.some(([, value]) => typeof value !== 'string')) throw new BrokenObject(`${where} that is not all text`);
  return Object.fromEntries(entries);
}

function isFilled(text: unknown): text is string {
  return typeof text === 'string' && text !== '';
}
