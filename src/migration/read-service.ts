/**
 * One service from plain values: what it means, or as much of it as can be served safely. In: the service and the globals of its
 * document as written. Out: the migration where all is well, else the version that old alone can serve, and every problem.
 */
import type { Migration } from './model.ts';
import { formatPath, type Path, type ValueProblem } from './problem.ts';
import { resolveMigration } from './resolve.ts';
import type { RawGlobal, RawService } from './schema.ts';
import { globalProblems, serviceProblems } from './validate.ts';

/** Values as they were written: plain JSON data. */
export interface RawValues {
  readonly global: unknown;
  readonly service: unknown;
}

export interface ServiceReading {
  /** Null where the name itself does not read well. */
  readonly name: string | null;
  /** Null where anything is wrong, in the service or in `global`. */
  readonly migration: Migration | null;
  /**
   * Where something is wrong, but not in what old needs: the service with old alone, `new` being old again. Null where it
   * is not known for certain which requests are meant and where they went before.
   */
  readonly oldOnly: Migration | null;
  /** Of the service; paths begin inside it. */
  readonly problems: readonly ValueProblem[];
}

/** What old alone needs; each must read well. */
const OLD_KEYS = ['name', 'old_host', 'old_backend', 'old_protocol', 'old_tls', 'path_prefix'] as const;
/** What is kept of the rest where it reads well. */
const KEPT_KEYS = ['timeout', 'connect_timeout'] as const;

/**
 * `outside`: problems of the document that are not in its services; `found`: problems of this service that the values no longer show
 * (a key that stands twice). Neither is known to values from the state directory, which have none.
 */
export function readService(
  raw: RawValues,
  outside: readonly ValueProblem[] = [],
  found: readonly ValueProblem[] = [],
): ServiceReading {
  const said = unreadPaths(found);
  const problems = [...found, ...serviceProblems(raw.service).filter(({ path }) => !isSaid(path, said))];
  const globalIsWell = outside.length === 0 && globalProblems(raw.global ?? undefined).length === 0;
  const service = isKeys(raw.service) ? raw.service : {};
  const wrong = new Set(problems.map((problem) => problem.path[0]));
  const name = typeof service.name === 'string' && !wrong.has('name') ? service.name : null;
  // Old alone is served with the defaults where the globals are in doubt.
  const global = globalIsWell ? ((raw.global ?? {}) as RawGlobal) : {};
  if (problems.length === 0 && globalIsWell) {
    // Passing the schemas is what makes the values these types.
    return { name, migration: resolveMigration(global, raw.service as RawService), oldOnly: null, problems };
  }
  const canServeOld = isKeys(raw.service) && !OLD_KEYS.some((key) => wrong.has(key));
  return { name, migration: null, oldOnly: canServeOld ? readOldOnly(global, service, wrong) : null, problems };
}

/** A value that could not be read as plain data (an alias to nothing, a tag) has only a stand-in, which is not worth judging. */
function unreadPaths(found: readonly ValueProblem[]): ReadonlySet<string> {
  const unread = found.filter(({ code }) => code === 'bad_value' || code === 'limit');
  return new Set(unread.map(({ path }) => formatPath(path)));
}

function isSaid(path: Path, said: ReadonlySet<string>): boolean {
  return said.size > 0 && [0, ...path.keys()].some((_, length) => said.has(formatPath(path.slice(0, length))));
}

/** Of values in error only what old needs may be remembered: what else they say was never found to be right. */
export function oldOnlyRaw(raw: RawValues): RawValues {
  const service = isKeys(raw.service) ? raw.service : {};
  const keys = [...OLD_KEYS, ...KEPT_KEYS].filter((key) => service[key] !== undefined);
  return { global: raw.global, service: Object.fromEntries(keys.map((key) => [key, service[key]])) };
}

function readOldOnly(global: RawGlobal, service: Record<string, unknown>, wrong: ReadonlySet<unknown>): Migration {
  const keys = [...OLD_KEYS, ...KEPT_KEYS].filter((key) => service[key] !== undefined && !wrong.has(key));
  const kept = Object.fromEntries(keys.map((key) => [key, service[key]])) as unknown as RawService;
  return resolveMigration(global, {
    ...kept,
    new_host: kept.old_host,
    new_backend: kept.old_backend,
    ...(kept.old_protocol === undefined ? {} : { new_protocol: kept.old_protocol }),
    ...(kept.old_tls === undefined ? {} : { new_tls: kept.old_tls }),
    migration: { enabled: false },
    fallback: { enabled: false },
  });
}

function isKeys(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
