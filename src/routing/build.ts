/**
 * From served migrations to the routing table. In: the table before and the services that are to be served, in any order. Out: the
 * next table, frozen, with a digest of its content; the same table where nothing changed. Services that did not change stay
 * the same objects, so that whoever compiles tables can keep what it built for them. Knows nothing of requests.
 */
import { createHash } from 'node:crypto';
import type { ServedMigration } from '../migration/model.ts';
import type { RoutingTable } from './table.ts';

/** Of services in tables, which are frozen: so each is written out and hashed once. */
const digests = new WeakMap<ServedMigration, string>();

/** Names must be unique (throws). Generations begin with 1. */
export function buildTable(previous: RoutingTable | null, services: readonly ServedMigration[]): RoutingTable {
  const before = new Map(previous?.services.map((served) => [served.migration.name, served]));
  const sorted = services.toSorted((x, y) => (x.migration.name < y.migration.name ? -1 : 1));
  const kept = sorted.map((served, i) => {
    const { name } = served.migration;
    if (i > 0 && sorted[i - 1].migration.name === name) throw new Error(`two services named ${name}`);
    return keep(before.get(name), served);
  });
  const hash = sha256(kept.map((served) => digests.get(served)).join('\n'));
  if (previous !== null && previous.hash === hash) return previous;
  return Object.freeze({ generation: (previous?.generation ?? 0) + 1, hash, services: Object.freeze(kept) });
}

/** The one before where the content is the same, else a frozen copy. */
function keep(before: ServedMigration | undefined, served: ServedMigration): ServedMigration {
  const digest = digests.get(served) ?? sha256(canonicalJson(served));
  if (before !== undefined && digestOf(before) === digest) return before;
  const frozen = deepFreeze(structuredClone(served));
  digests.set(frozen, digest);
  return frozen;
}

/** A table that came from another process brings services without a digest. */
function digestOf(served: ServedMigration): string {
  const digest = digests.get(served) ?? sha256(canonicalJson(served));
  digests.set(served, digest);
  return digest;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON whose keys are sorted: equal content is equal text, whoever built the objects. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  );
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (inner !== null && typeof inner === 'object') deepFreeze(inner as object);
  }
  return Object.freeze(value);
}
