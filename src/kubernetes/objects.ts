/**
 * The API's objects as our own plain data. In: what the wire or the client package gives (times as text or as dates). Out: values
 * that hold no reference to what came in. An object without a name or a version is no object: it throws.
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
  readonly creationTimestamp?: string | Date;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly operation?: string;
    readonly time?: string | Date;
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

/** Of the answer's own JSON: the client package keeps milliseconds of a MicroTime alone, and a `test` needs all of it. */
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

/** One form for both ways in, since sources are put in order by it. */
function timeText(time: string | Date | undefined): string {
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
