/**
 * The last good configuration as text, for a disk or a Kubernetes object. In: what is applied. Out: JSON of the values as they were
 * written, never of what they meant: a later version reads them with its own validator and its own defaults.
 * Everything that comes back from such text is stale until its source has been read.
 */
import { z } from 'zod';
import type { Applied, RememberedService, RememberedSource } from './applied.ts';
import { deepFreeze } from './freeze.ts';
import type { ServedMigration } from './model.ts';
import { readService } from './read-service.ts';

const FORMAT = 1;

const formSchema = z.object({
  format: z.literal(FORMAT),
  sources: z.array(
    z.object({
      id: z.string(),
      services: z.array(z.object({ global: z.unknown().optional(), service: z.unknown().optional() })),
    }),
  ),
});

/** Equal content is equal text, so that it need not be written again. */
export function toLastGood(applied: Applied): string {
  const sources = applied.sources.map(({ id, services }) => ({
    id,
    services: services.map(({ raw }) => ({ global: raw.global ?? null, service: raw.service })),
  }));
  return `${JSON.stringify({ format: FORMAT, sources })}\n`;
}

/** Null for text of another format, or none. A service that this version no longer reads is left out, or is old's alone. */
export function fromLastGood(text: string): { readonly applied: Applied } | null {
  const form = formSchema.safeParse(parsed(text));
  if (!form.success) return null;
  const sources = form.data.sources.map(
    (source): RememberedSource => ({
      id: source.id,
      readAtMs: null,
      loadedFrom: 'last_good',
      services: source.services.flatMap((raw) => remembered({ global: raw.global ?? null, service: raw.service })),
    }),
  );
  return { applied: deepFreeze({ services: servedOf(sources), errors: [], sources }) };
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
