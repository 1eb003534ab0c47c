/**
 * A source's text to services. In: the text of a file or of a ConfigMap. Out: each service as far as it reads, with its place, and every
 * error with file, line and column. One service in error leaves the others as they are. An error outside the list of
 * services (in `global`, or an unknown key beside it) is one of every service: none may silently get a default in its place.
 */
import type { ConfigError, ConfigErrorCode } from './errors.ts';
import { LineIndex, type Place } from './line-index.ts';
import { type ConfigText, openSource, type Source } from './manifest.ts';
import type { Migration } from './model.ts';
import { formatPath, type Path, type ValueProblem } from './problem.ts';
import { type RawValues, readService } from './read-service.ts';
import { globalProblems, unknownKeyProblem } from './validate.ts';
import { TooManyAliases, YamlValues } from './yaml-values.ts';

export type { Source } from './manifest.ts';

/** Keys of a service that later checks point at. */
export type PlacedKey = 'name' | 'old_host' | 'path_prefix' | 'old_backend' | 'new_backend' | 'old_tls' | 'new_tls';

export interface ReadService {
  readonly name: string | null;
  /** Null where anything is wrong with it. */
  readonly migration: Migration | null;
  /** Where something is wrong, but not with what old needs: the version that old alone can serve. */
  readonly oldOnly: Migration | null;
  readonly raw: RawValues;
  /** Its place in `services`. */
  readonly index: number;
  readonly line: number;
  readonly column: number;
  readonly places: Readonly<Record<PlacedKey, Place>>;
}

export interface ReadResult {
  readonly file: string;
  /** Set when nothing of the text can be used: then `services` is empty and says nothing about which services there are. */
  readonly whole: ConfigError | null;
  /** All of them, `whole` too, in the order of the text. */
  readonly errors: readonly ConfigError[];
  readonly services: readonly ReadService[];
}

const PLACED_KEYS: readonly PlacedKey[] = [
  'name',
  'old_host',
  'path_prefix',
  'old_backend',
  'new_backend',
  'old_tls',
  'new_tls',
];

/** Far more than any proxy carries; a MiB of commas and nulls would be half a million. */
const MOST_SERVICES = 20_000;
/** As many as anybody reads; the rest is counted, so that one text cannot fill logs and `/status`. */
const MOST_ERRORS_OF_ONE = 100;
const MOST_ERRORS = 2_000;

/** Never throws for any text. */
export function readSource(source: Source): ReadResult {
  const lines = new LineIndex(source.text);
  const opened = openSource(source, lines);
  if (!opened.ok) {
    const errors = opened.problems.map(({ code, offset, text }) => ({
      ...blank(source.file, code, text),
      ...lines.placeAt(offset),
    }));
    return { file: source.file, whole: errors[0], errors, services: [] };
  }
  try {
    return readDocument(source, opened.config, new YamlValues(opened.config.document));
  } catch (error) {
    if (!(error instanceof TooManyAliases)) throw error;
    const whole = blank(source.file, 'limit', 'its aliases stand for too much; repeat less');
    return { file: source.file, whole, errors: [whole], services: [] };
  }
}

/** What to read where the text itself could not be had. `message` says why. */
export function unreadableSource(file: string, message: string): ReadResult {
  const whole = blank(file, 'unreadable', message);
  return { file, whole, errors: [whole], services: [] };
}

function readDocument(source: Source, config: ConfigText, values: YamlValues): ReadResult {
  const { file } = source;
  const placeOf = (path: Path, at: ValueProblem['at'] = 'value'): Place =>
    config.lines.placeAt(config.toSource(values.offsetOf(path, at)));
  const toError = (problem: ValueProblem, service: string | null): ConfigError => ({
    ...blank(file, problem.code, problem.text),
    service,
    ...placeOf(problem.path, problem.at),
    path: formatPath(problem.path),
  });

  const unusable = listProblem(values);
  if (unusable !== null) {
    const whole = toError(unusable, null);
    return { file, whole, errors: [whole], services: [] };
  }
  const document = values.plain as Record<string, unknown> & { services: unknown[] };
  const outside = outsideProblems(document, values.problems);
  const tell = (problems: readonly ValueProblem[], service: string | null, where: string): ConfigError[] => {
    const told = inOrder(problems.slice(0, MOST_ERRORS_OF_ONE).map((problem) => toError(problem, service)));
    return withRest(told, problems.length - told.length, where);
  };
  const errors = tell(outside, null, 'outside of the services');
  let untold = 0;
  const inside = problemsByService(values.problems);
  const services = document.services.map((service, index): ReadService => {
    const base = ['services', index];
    const raw = { global: document.global ?? null, service };
    const reading = readService(raw, outside, [
      ...(inside.get(index) ?? []),
      ...caFileProblems(source, config, service),
    ]);
    const problems = reading.problems.map((problem) => ({ ...problem, path: [...base, ...problem.path] }));
    if (errors.length < MOST_ERRORS) errors.push(...tell(problems, reading.name, 'in this service'));
    else untold += problems.length;
    const places = Object.fromEntries(PLACED_KEYS.map((key) => [key, placeOf([...base, key])]));
    const { name, migration, oldOnly } = reading;
    return { name, migration, oldOnly, raw, index, ...placeOf(base), places: places as ReadService['places'] };
  });
  return { file, whole: null, errors: withRest(inOrder(errors), untold, 'in the services after this'), services };
}

/** What is not told is counted, at the place of the last that is. */
function withRest(told: readonly ConfigError[], untold: number, where: string): ConfigError[] {
  const last = told.at(-1);
  if (untold === 0 || last === undefined) return [...told];
  return [...told, { ...last, code: 'limit', message: `and ${untold} more errors ${where}` }];
}

/** Why there is no usable list of services; null when there is one. */
function listProblem(values: YamlValues): ValueProblem | null {
  const { plain } = values;
  const example = 'for example services: [ { name: api-name01, … } ]';
  if (plain === null || typeof plain !== 'object' || Array.isArray(plain)) {
    return { path: [], code: 'wrong_type', text: `must be keys with values; ${example}`, at: 'value' };
  }
  const problem = (code: ConfigErrorCode, text: string): ValueProblem => ({
    path: ['services'],
    code,
    text,
    at: 'key',
  });
  const twice = values.problems.find(
    ({ code, path }) => code === 'duplicate_key' && path.length === 1 && path[0] === 'services',
  );
  if (twice !== undefined) return twice;
  if (!Object.hasOwn(plain, 'services')) {
    const unknown = Object.keys(plain).find((key) => key !== 'global');
    if (unknown === undefined) return problem('missing_key', `is missing; ${example}`);
    return unknownKeyProblem([unknown]);
  }
  const { services } = plain as { services: unknown };
  if (services === null) return problem('wrong_type', 'is empty; write services: [] where there is to be none');
  if (!Array.isArray(services)) return problem('wrong_type', `must be a list; ${example}`);
  return services.length > MOST_SERVICES
    ? problem('limit', `has ${services.length} entries; one text has at most ${MOST_SERVICES}`)
    : null;
}

function outsideProblems(document: Record<string, unknown>, found: readonly ValueProblem[]): ValueProblem[] {
  const unknown = Object.keys(document).filter((key) => key !== 'global' && key !== 'services');
  const isService = ({ path }: ValueProblem) => path[0] === 'services' && typeof path[1] === 'number';
  // `global:` with nothing after it, all its lines commented out, is as good as none.
  const global = document.global ?? undefined;
  return [
    ...found.filter((problem) => !isService(problem)),
    ...unknown.map((key) => unknownKeyProblem([key])),
    ...globalProblems(global).map((problem) => ({ ...problem, path: ['global', ...problem.path] })),
  ];
}

function problemsByService(found: readonly ValueProblem[]): Map<number, ValueProblem[]> {
  const byService = new Map<number, ValueProblem[]>();
  for (const problem of found) {
    const [root, index, ...path] = problem.path;
    if (root !== 'services' || typeof index !== 'number') continue;
    const known = byService.get(index);
    if (known === undefined) byService.set(index, [{ ...problem, path }]);
    else known.push({ ...problem, path });
  }
  return byService;
}

/** A ConfigMap is read where its author's files are not. */
function caFileProblems(source: Source, config: ConfigText, service: unknown): ValueProblem[] {
  if (source.kind === 'file' && !config.isManifest) return [];
  return (['old_tls', 'new_tls'] as const).flatMap((side): ValueProblem[] => {
    const tls = (service as Record<string, Record<string, unknown> | null> | null)?.[side];
    if (tls === null || typeof tls !== 'object' || tls.ca_file === undefined) return [];
    const text = 'works only in a local file; write the PEM text under ca';
    return [{ path: [side, 'ca_file'], code: 'bad_value', text, at: 'value' }];
  });
}

function inOrder(errors: readonly ConfigError[]): ConfigError[] {
  return errors.toSorted((x, y) => x.line - y.line || x.column - y.column);
}

function blank(file: string, code: ConfigErrorCode, message: string): ConfigError {
  return { code, service: null, file, line: 1, column: 1, path: '', message };
}
