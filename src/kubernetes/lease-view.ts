/**
 * What a replica makes of the lease: who leads, who takes part, what to write next. In: the lease as it was answered, and when
 * this replica saw what of it change. Out: views and patches. Pure; times are of this replica's own clock alone, for another's
 * may be an hour off: the times inside the lease are for people.
 */
import { createHash } from 'node:crypto';
import type { JsonPatchOperation, LeaseObject, Patch } from './api.ts';
import { microTime } from './micro-time.ts';

export const BEAT_MS = 5_000;
/** A lease that nobody was seen to renew for so long is free. */
export const EXPIRES_MS = 15_000;
/** Its holder stops acting this long after it began its last renewal: well before anybody can have seen it expire. */
export const ACTS_FOR_MS = 10_000;
/** A registration that did not change for so long is taken out. */
const FORGOTTEN_MS = 60_000;

/** The API's int32: one more is refused, and nobody would lead again. */
const MOST_TRANSITIONS = 2 ** 31 - 1;

const ANNOTATION = 'replica.migration-proxy/';

export interface Registration {
  readonly name: string;
  /** `http://10.1.2.3:8080`; null: nobody can reach it. */
  readonly address: string | null;
  /** That it is, by somebody who knows the admin token; null: there is none. */
  readonly proof: string | null;
  readonly configHash: string;
  readonly version: string;
}

export interface RegisteredReplica extends Registration {
  /** When this replica last saw its registration change, epoch ms. */
  readonly seenMs: number;
  readonly leader: boolean;
}

interface Sighting {
  readonly text: string;
  readonly sinceMs: number;
}

/** The newest answer, and since when its parts are as they are. */
export interface LeaseSeen {
  readonly lease: LeaseObject;
  readonly renewal: Sighting;
  /** By key of the annotation. */
  readonly registrations: ReadonlyMap<string, Sighting>;
}

/** `atMs`: when the answer was there. */
export function see(before: LeaseSeen | null, lease: LeaseObject, atMs: number): LeaseSeen {
  const isSame = before?.lease.meta.uid === lease.meta.uid;
  const sighting = (known: Sighting | undefined, text: string): Sighting =>
    isSame && known?.text === text ? known : { text, sinceMs: atMs };
  const registrations = Object.entries(lease.meta.annotations)
    .filter(([key]) => key.startsWith(ANNOTATION))
    .map(([key, text]) => [key, sighting(before?.registrations.get(key), text)] as const);
  const renewal = JSON.stringify([lease.holder, lease.renewTime, lease.transitions]);
  return { lease, renewal: sighting(before?.renewal, renewal), registrations: new Map(registrations) };
}

export function isFree({ lease, renewal }: LeaseSeen, nowMs: number): boolean {
  return !lease.holder || nowMs - renewal.sinceMs >= EXPIRES_MS;
}

/** How long until the lease is free, as far as can be seen. */
export function freeInMs({ lease, renewal }: LeaseSeen, nowMs: number): number {
  return lease.holder ? Math.max(0, renewal.sinceMs + EXPIRES_MS - nowMs) : 0;
}

/** What makes sense among the registrations, by name. */
export function replicasOf(seen: LeaseSeen, nowMs: number): RegisteredReplica[] {
  const holder = isFree(seen, nowMs) ? null : seen.lease.holder;
  const replicas = [...seen.registrations].flatMap(([key, { text, sinceMs }]) => {
    const registration = registrationOf(text);
    // Under another's key it would be a second one of that name.
    return registration === null || keyOf(registration.name) !== key
      ? []
      : [{ ...registration, seenMs: sinceMs, leader: registration.name === holder }];
  });
  return replicas.sort((x, y) => (x.name < y.name ? -1 : 1));
}

/** Keys of registrations whose replicas are gone. */
export function forgotten(seen: LeaseSeen, nowMs: number): string[] {
  return [...seen.registrations].flatMap(([key, { sinceMs }]) => (nowMs - sinceMs >= FORGOTTEN_MS ? [key] : []));
}

export function keyOf(replica: string): string {
  return `${ANNOTATION}${createHash('sha256').update(replica).digest('hex').slice(0, 16)}`;
}

/** `beat` differs from one to the next: that it changes is what the others go by. */
export function registrationText(own: Registration, beat: number): string {
  const { name, address, configHash, proof, version } = own;
  return JSON.stringify({ name, address, proof, config_hash: configHash, version, beat });
}

/** Null: not ours, or no sense in it. */
function registrationOf(text: string): Registration | null {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (typeof json !== 'object' || json === null || typeof json.name !== 'string' || json.name === '') return null;
  const word = (value: unknown): string => (typeof value === 'string' ? value : '');
  const address = typeof json.address === 'string' && isOrigin(json.address) ? json.address : null;
  const proof = word(json.proof) || null;
  return { name: json.name, address, proof, configHash: word(json.config_hash), version: word(json.version) };
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'http:' && text.replace(/:80$/, '') === url.origin;
}

/** A registration alone; null takes it out. */
export function registerPatch(texts: Readonly<Record<string, string | null>>): Patch {
  return { kind: 'merge', body: { metadata: { annotations: texts } } };
}

/** Registers and renews, where `replica` is the holder still. */
export function renewPatch(replica: string, text: string, nowMs: number): Patch {
  return json([
    { op: 'test', path: '/spec/holderIdentity', value: replica },
    { op: 'add', path: '/spec/renewTime', value: microTime(nowMs) },
    { op: 'add', path: annotationPath(replica), value: text },
  ]);
}

/** Of all that try at once one succeeds: nobody changed anything since `lease` was read. */
export function takeOverPatch({ meta, transitions }: LeaseObject, replica: string, nowMs: number): Patch {
  return json([
    { op: 'test', path: '/metadata/resourceVersion', value: meta.resourceVersion },
    { op: 'add', path: '/spec/holderIdentity', value: replica },
    { op: 'add', path: '/spec/leaseDurationSeconds', value: EXPIRES_MS / 1_000 },
    { op: 'add', path: '/spec/acquireTime', value: microTime(nowMs) },
    { op: 'add', path: '/spec/renewTime', value: microTime(nowMs) },
    { op: 'add', path: '/spec/leaseTransitions', value: Math.min(transitions + 1, MOST_TRANSITIONS) },
  ]);
}

/** Gives the lease up, and the registration with it. */
export function releasePatch(replica: string): Patch {
  return json([
    { op: 'test', path: '/spec/holderIdentity', value: replica },
    { op: 'add', path: '/spec/holderIdentity', value: '' },
    { op: 'remove', path: annotationPath(replica) },
  ]);
}

function json(operations: readonly JsonPatchOperation[]): Patch {
  return { kind: 'json', operations };
}

/** RFC 6901. */
function annotationPath(replica: string): string {
  return `/metadata/annotations/${keyOf(replica).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
