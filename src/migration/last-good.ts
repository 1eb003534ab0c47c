/**
 * The last good configuration as text, for a disk or a Kubernetes object. In: what is applied. Out: JSON of the values as they were
 * written, never of what they meant: a later version reads them with its own validator and its own defaults.
 * Everything that comes back from such text is stale until its source has been read.
 */
import type { Applied, RememberedService, RememberedSource } from './applied.ts';
import { deepFreeze } from './freeze.ts';
import type { ServedMigration } from './model.ts';
import { readService } from './read-service.ts';

const FORMAT = 1;

interface StoredSource {
  readonly id: string;
  readonly services: readonly { readonly global?: unknown; readonly service?: unknown }[];
}

/** Equal content is equal text, so that it need not be written again. */
export function toLastGood(applied: Applied): string {
  const sources = applied.sources.map(({ id, services }) => ({
    id,
    services: services.map(({ raw }) => ({ global: raw.global ?? null, service: raw.service })),
  }));
  return `${JSON.stringify({ format: FORMAT, sources })}\n`;
}

/** As `fromLastGood`, of what the text says. */
export function fromLastGoodJson(json: unknown): { readonly applied: Applied } | null {
  const stored = sourcesIn(json);
  if (stored === null) return null;
  const sources = stored.map(
    (source): RememberedSource => ({
      id: source.id,
      readAtMs: null,
      loadedFrom: 'last_good',
      services: source.services.flatMap((raw) => remembered({ global: raw.global ?? null, service: raw.service })),
    }),
  );
  return { applied: deepFreeze({ services: servedOf(sources), errors: [], sources }) };
}

/** Null for text of another format, or none. A service that this version no longer reads is left out, or is old's alone. */
export function fromLastGood(text: string): { readonly applied: Applied } | null {
  return fromLastGoodJson(parsed(text));
}

function remembered(raw: RememberedService['raw']): RememberedService[] {
  const { name, migration, oldOnly } = readService(raw);
  const readable = migration ?? oldOnly;
  if (name === null || readable === null) return [];
  return [{ name, raw, migration: readable, quality: migration === null ? 'old_only' : 'good' }];
}

/** Without a source to ask the first of equal names or places serves, as it did when this was saved. */
function servedOf(sources: readonly RememberedSource[]): ServedMigration[] {
  const names = new Set<string>();
  const places = new Set<string>();
  const served: ServedMigration[] = [];
  for (const { migration, quality } of sources.flatMap((source) => source.services)) {
    const place = `${migration.old.host}${migration.pathPrefix ?? ''}`;
    if (names.has(migration.name) || places.has(place)) continue;
    names.add(migration.name);
    places.add(place);
    served.push({ migration, standing: quality === 'good' ? 'stale' : 'invalid' });
  }
  return served.sort((x, y) => (x.migration.name < y.migration.name ? -1 : 1));
}

/** Null at the first that makes no sense: of a million such a schema would make a million errors. */
function sourcesIn(json: unknown): readonly StoredSource[] | null {
  if (!isRecord(json) || json.format !== FORMAT || !Array.isArray(json.sources)) return null;
  return json.sources.every(isStoredSource) ? json.sources : null;
}

function isStoredSource(source: unknown): source is StoredSource {
  return (
    isRecord(source) &&
    typeof source.id === 'string' &&
    Array.isArray(source.services) &&
    source.services.every(isRecord)
  );
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
