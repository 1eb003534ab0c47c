/**
 * The texts of `ca_file`, which only a shell can read. In: what was read of a source, and then the files it names. Out: the same with
 * the PEM texts in place, where a file that cannot be used is an error of that one service. What comes out is whole:
 * the last good version of a service does not depend on a file that may be gone tomorrow.
 */
import type { ConfigError } from './errors.ts';
import { deepFreeze } from './freeze.ts';
import type { ClusterTarget, Migration } from './model.ts';
import type { ReadResult, ReadService } from './parse.ts';
import { pemProblem } from './pem.ts';
import { quote } from './quote.ts';

/** What became of reading one file: its text, or why there is none. */
export type CaFile = { readonly pem: string } | { readonly problem: string };

const SIDES = ['old', 'new'] as const;
type Side = (typeof SIDES)[number];

/** The paths to read, as written (relative ones: to the file that names them), each once. */
export function caFilesOf(read: ReadResult): string[] {
  const paths = read.services.flatMap(({ migration, oldOnly }) =>
    [migration?.old, migration?.new, oldOnly?.old].map((target) => target?.tls.caFile ?? null),
  );
  return [...new Set(paths.filter((path) => path !== null))];
}

/** `files` has an entry for each of `caFilesOf` (throws where one is missing). */
export function withCaFiles(read: ReadResult, files: ReadonlyMap<string, CaFile>): ReadResult {
  if (caFilesOf(read).length === 0) return read;
  const errors: ConfigError[] = [...read.errors];
  const services = read.services.map((service) => {
    const problems = SIDES.flatMap((side) => problemOf(read.file, service, side, files));
    errors.push(...problems);
    return withTexts(service, files, problems);
  });
  return { ...read, errors, services };
}

function problemOf(file: string, service: ReadService, side: Side, files: ReadonlyMap<string, CaFile>): ConfigError[] {
  const served = service.migration ?? (side === 'old' ? service.oldOnly : null);
  const path = served?.[side].tls.caFile ?? null;
  if (path === null) return [];
  const found = files.get(path);
  if (found === undefined) throw new Error(`ca_file ${path} was never read`);
  const problem = 'pem' in found ? pemProblem(found.pem) : found.problem;
  if (problem === null) return [];
  return [
    {
      code: 'pem' in found ? 'bad_value' : 'unreadable',
      service: service.name,
      file,
      ...service.places[`${side}_tls`],
      path: `services[${service.index}].${side}_tls.ca_file`,
      message: `${quote(path)}: ${problem}`,
    },
  ];
}

function withTexts(
  service: ReadService,
  files: ReadonlyMap<string, CaFile>,
  problems: readonly ConfigError[],
): ReadService {
  const wrong = (side: Side) => problems.some((problem) => problem.path.includes(`.${side}_tls.`));
  const raw = { ...service.raw, service: rawWithTexts(service.raw.service, files) };
  if (problems.length === 0) {
    return { ...service, raw, migration: inlined(service.migration, files), oldOnly: inlined(service.oldOnly, files) };
  }
  const spared = service.oldOnly ?? (service.migration === null ? null : oldAlone(service.migration));
  return { ...service, raw, migration: null, oldOnly: wrong('old') ? null : inlined(spared, files) };
}

function inlined(migration: Migration | null, files: ReadonlyMap<string, CaFile>): Migration | null {
  if (migration === null) return null;
  const target = (from: ClusterTarget): ClusterTarget => {
    const found = from.tls.caFile === null ? undefined : files.get(from.tls.caFile);
    if (found === undefined || !('pem' in found)) return from;
    return { ...from, tls: { ...from.tls, ca: found.pem, caFile: null } };
  };
  return deepFreeze({ ...migration, old: target(migration.old), new: target(migration.new) });
}

function oldAlone(migration: Migration): Migration {
  return {
    ...migration,
    enabled: false,
    new: migration.old,
    headerRules: [],
    cookieRules: [],
    ipRules: [],
    userRules: [],
    fallback: { ...migration.fallback, enabled: false },
  };
}

/** As if the text had stood under `ca`. */
function rawWithTexts(raw: unknown, files: ReadonlyMap<string, CaFile>): unknown {
  const service = { ...(raw as Record<string, unknown>) };
  for (const side of SIDES) {
    const tls = service[`${side}_tls`];
    if (tls === null || typeof tls !== 'object') continue;
    const { ca_file: path, ...rest } = tls as Record<string, unknown>;
    const found = typeof path === 'string' ? files.get(path) : undefined;
    if (found !== undefined && 'pem' in found) service[`${side}_tls`] = { ...rest, ca: found.pem };
  }
  return service;
}
