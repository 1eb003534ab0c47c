/**
 * From what was read of every source to what is served: one bad service never harms another. In: what was applied before, and all sources
 * as they are now, the older first. Out: the served services, the errors to report, and the memory for the next time. Reading
 * files and ConfigMaps, and saving the memory, are somebody else's.
 */
import type { Applied, RememberedService, RememberedSource } from './applied.ts';
import { type Candidate, candidatesOf, type SourceRead } from './candidates.ts';
import type { ConfigError } from './errors.ts';
import { deepFreeze } from './freeze.ts';
import type { ServedMigration } from './model.ts';
import type { OwnAddress } from './own-address.ts';
import { type Settled, settle } from './settle.ts';

/** What a source that still counts says. */
export type LivingRead = SourceRead & { readonly read: Exclude<SourceRead['read'], 'dropped'> };

/**
 * `reads`: every source there is, in order of age, each once; a source that is not among them any more is dropped with its
 * services. `nowMs`: epoch ms, only ever noted down.
 */
export function applyReads(
  previous: Applied,
  reads: readonly LivingRead[],
  ownAddresses: readonly OwnAddress[],
  nowMs: number,
): Applied {
  const before = new Map(previous.sources.map((source) => [source.id, source]));
  const candidates = reads.flatMap((source) => candidatesOf(source, before.get(source.id)));
  const settled = settle(candidates, ownAddresses);
  const together = candidates.map((candidate, i) => ({ candidate, ...settled[i] }));

  const served = together.flatMap(({ serves }): ServedMigration[] =>
    serves === null ? [] : [{ migration: serves.service.migration, standing: serves.standing }],
  );
  served.sort((x, y) => (x.migration.name < y.migration.name ? -1 : 1));
  const errors = reads.flatMap((source) => errorsOf(source, together));
  const sources = reads.map(({ id, read }): RememberedSource => {
    const kept = before.get(id);
    const isUsable = read !== 'gone' && read.whole === null;
    return {
      id,
      readAtMs: isUsable ? nowMs : (kept?.readAtMs ?? null),
      loadedFrom: isUsable ? 'source' : (kept?.loadedFrom ?? 'source'),
      services: together.flatMap((one) => (one.candidate.sourceId === id ? rememberedOf(one) : [])),
    };
  });
  return deepFreeze({ services: served, errors, sources });
}

type Together = Settled & { readonly candidate: Candidate };

/** Also what gives way just now, so that it is there again when its place is free. */
function rememberedOf({ candidate, serves, hasName }: Together): RememberedService[] {
  if (!hasName) return [];
  if (serves !== null) return [serves.service];
  const good = candidate.versions.find((version) => version.standing !== 'valid');
  return good === undefined ? [] : [good.service];
}

function errorsOf({ id, read }: LivingRead, together: readonly Together[]): ConfigError[] {
  const own = together.filter(({ candidate }) => candidate.sourceId === id);
  const settling = own.flatMap(({ errors }) => errors);
  if (read === 'gone') return [...settling, ...own.filter(({ serves }) => serves !== null).map(goneError)];
  return [...read.errors, ...settling].sort((x, y) => x.line - y.line || x.column - y.column);
}

function goneError({ candidate: { name, file } }: Together): ConfigError {
  const message = `its source is gone, or no longer has a text; ${name} goes on as that last said`;
  return { code: 'source_gone', service: name, file, line: 1, column: 1, path: '', message };
}
