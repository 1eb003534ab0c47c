/**
 * A happening as a Kubernetes Event beside the ConfigMap that it is about. In: happenings. Out: objects, or null for what stands in
 * the history alone. Names are made of what is equal on every replica, so that one Event is made however many tell it.
 * Pure.
 */
import { createHash } from 'node:crypto';
import { cutToBytes } from '../controller/cut-text.ts';
import type { Happening, HappeningKind } from '../controller/happening.ts';
import type { EventObject } from './api.ts';

/** What the API accepts (core/v1 Event.message). */
const MESSAGE_BYTES = 1_024;
const MOST_NAME = 253;
const HASH_LENGTH = 16;
const SUMMARY_MS = 60_000;
/** Of a summary's names; the rest is counted. */
const NAMES_BYTES = 900;

interface Told {
  readonly reason: string;
  readonly type: EventObject['type'];
}

const TOLD: Readonly<Record<HappeningKind, Told | null>> = {
  applied: { reason: 'ConfigApplied', type: 'Normal' },
  rejected: { reason: 'ConfigRejected', type: 'Warning' },
  percentage: { reason: 'PercentageChanged', type: 'Normal' },
  reverted: { reason: 'Reverted', type: 'Warning' },
  // The text that took effect is told, with all that it changed.
  changed: null,
  fallen_back: { reason: 'FallenBack', type: 'Warning' },
  probing: null,
  recovered: { reason: 'Recovered', type: 'Normal' },
  held: { reason: 'Held', type: 'Warning' },
  resumed: { reason: 'Resumed', type: 'Normal' },
};

/** `instance`: this replica. Null: no Event is made of it. */
export function eventOf(happening: Happening, instance: string): EventObject | null {
  const { about, atMs, identity, kind, message, service } = happening;
  const told = TOLD[kind];
  if (told === null || about === null) return null;
  const name = nameOf(about.name, [about.uid, identity, told.reason, service]);
  return { ...partsOf(about, told, message), name, atMs, instance };
}

/** Many services of one ConfigMap that fell back at once. All are about that ConfigMap. */
export function summaryOf(happenings: readonly Happening[], instance: string): EventObject | null {
  const [first] = happenings;
  const { about, atMs } = first;
  const told = TOLD.fallen_back;
  if (told === null || about === null) return null;
  // Replicas draw the line between what is told alone and together at other places: one summary of a minute is enough.
  const name = nameOf(about.name, [about.uid, `summary ${Math.floor(atMs / SUMMARY_MS)}`, told.reason, null]);
  const message = `${happenings.length} services have fallen back: ${names(happenings)}`;
  return { ...partsOf(about, told, message), name, atMs, instance };
}

/** At most one Event of each key a minute. */
export function limitKey({ about, kind, service }: Happening): string {
  return JSON.stringify([about?.uid, kind, service]);
}

function partsOf(about: NonNullable<Happening['about']>, { reason, type }: Told, message: string) {
  const { namespace } = about;
  const text = cutToBytes(message, MESSAGE_BYTES);
  return { namespace, type, reason, message: text, about: { kind: 'ConfigMap' as const, ...about } };
}

/** A ConfigMap's name may fill all that a name may have; and what is cut must not end with a dot or dash before ours. */
function nameOf(configMap: string, parts: readonly (string | null)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, HASH_LENGTH);
  const stem = configMap.slice(0, MOST_NAME - HASH_LENGTH - 1).replace(/[-.]+$/, '');
  return `${stem}.${hash}`;
}

function names(happenings: readonly Happening[]): string {
  let text = '';
  for (const [i, { service }] of happenings.entries()) {
    const next = i === 0 ? `${service}` : `${text}, ${service}`;
    if (Buffer.byteLength(next) > NAMES_BYTES) return `${text}, …`;
    text = next;
  }
  return text;
}
