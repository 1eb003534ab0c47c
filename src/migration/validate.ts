/**
 * Plain values against the schemas. In: a service or the globals as written, as plain data. Out: every problem as a path, a code and a
 * sentence with an example of what is right. Knows nothing of texts and positions.
 */
import { z } from 'zod';
import { crossProblems } from './cross-checks.ts';
import type { Path, ValueProblem } from './problem.ts';
import { quote } from './quote.ts';
import { documentSchema, globalSchema, serviceSchema } from './schema.ts';
import { wordsOf } from './schema-parts.ts';
import { nearest } from './suggest.ts';

/** Of one service; paths begin inside it. */
export function serviceProblems(raw: unknown): ValueProblem[] {
  const problems = problemsOf(serviceSchema, raw);
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return problems;
  const crossing = crossProblems(raw as Record<string, unknown>);
  return [...problems, ...crossing.map((problem): ValueProblem => ({ ...problem, at: 'value' }))];
}

/** Judged once for all services of a document: 1 000 trusted proxies are 2 ms, and 5 000 services would be 10 s. */
const judgedGlobals = new WeakMap<object, readonly ValueProblem[]>();

/** Of `global`, which may be absent, and is plain data that nobody changes. */
export function globalProblems(raw: unknown): readonly ValueProblem[] {
  if (raw === undefined) return [];
  if (raw === null || typeof raw !== 'object') return problemsOf(globalSchema, raw);
  const known = judgedGlobals.get(raw);
  if (known !== undefined) return known;
  const problems = problemsOf(globalSchema, raw);
  judgedGlobals.set(raw, problems);
  return problems;
}

export function unknownKeyProblem(path: Path, root: z.core.$ZodType = documentSchema): ValueProblem {
  const key = String(path[path.length - 1]);
  const parent = schemaAt(root, path.slice(0, -1));
  const known = parent instanceof z.ZodObject ? Object.keys(parent.shape) : [];
  const near = nearest(key, known);
  const home = near === null ? homeOf(key) : null;
  const hint = near !== null ? `did you mean ${near}?` : (home ?? `known here: ${known.join(', ')}`);
  const text = key === '<<' ? 'merge keys are not read; repeat the keys' : `unknown key ${quote(key)}; ${hint}`;
  return { path, code: 'unknown_key', text, at: 'key' };
}

/** A right key in the wrong place is the commonest slip after a wrong letter. */
function homeOf(key: string): string | null {
  const homes = { global: globalSchema, ...serviceSchema.shape };
  const [home] = Object.entries(homes).filter(([, schema]) => {
    const form = unwrapped(schema);
    return form instanceof z.ZodObject && Object.hasOwn(form.shape, key);
  });
  if (home !== undefined) return `it belongs under ${home[0]}`;
  return Object.hasOwn(serviceSchema.shape, key) ? 'it belongs to a service' : null;
}

function problemsOf(schema: z.ZodType, raw: unknown): ValueProblem[] {
  const result = schema.safeParse(raw);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => describe(schema, raw, issue));
}

function describe(schema: z.ZodType, raw: unknown, issue: z.core.$ZodIssue): ValueProblem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKeyProblem([...path, key], schema));
  const found = schemaAt(schema, path);
  const words = found === null ? null : wordsOf(found);
  const example = words === null ? '' : `; for example ${asYaml(path, words.example)}`;
  if (issue.code === 'custom') {
    const code = issue.params?.code === 'limit' ? 'limit' : 'bad_value';
    return [{ path, code, text: `${issue.message}${code === 'limit' ? '' : example}`, at: 'value' }];
  }
  const value = valueAt(raw, path);
  if (value === undefined) return [{ path, code: 'missing_key', text: `is missing${example}`, at: 'value' }];
  const known = found instanceof z.ZodEnum && typeof value === 'string';
  const near = known ? nearest(value, found.options.map(String)) : null;
  const isUnquoted = typeof value === 'number' || typeof value === 'boolean';
  if (found instanceof z.ZodString && isUnquoted && found.safeParse(String(value)).success) {
    const text = `must be a text, not ${kindOf(value)}; in quotes it is one: ${asYaml(path, JSON.stringify(String(value)))}`;
    return [{ path, code: 'wrong_type', text, at: 'value' }];
  }
  const noun = words?.noun ?? 'something else';
  const but = value === null ? 'and nothing stands here' : `not ${kindOf(value)}`;
  const text = `must be ${noun}, ${but}${near === null ? example : `; did you mean ${near}?`}`;
  return [{ path, code: known ? 'bad_value' : 'wrong_type', text, at: 'value' }];
}

/** The schema of a key however deep, without the shell that makes it optional; null for an unknown key. */
function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | null {
  let at: z.core.$ZodType = unwrapped(schema);
  for (const step of path) {
    if (at instanceof z.ZodArray && typeof step === 'number') at = unwrapped(at.element);
    else if (at instanceof z.ZodObject && typeof step === 'string' && Object.hasOwn(at.shape, step)) {
      at = unwrapped(at.shape[step]);
    } else return null;
  }
  return at;
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional ? unwrapped(schema.unwrap()) : schema;
}

/** As it stands in a text: behind its key, items of a list by themselves. */
function asYaml(path: Path, value: string): string {
  const key = path[path.length - 1];
  return typeof key === 'string' ? `${key}: ${value}` : value;
}

function valueAt(raw: unknown, path: Path): unknown {
  let at = raw;
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  if (typeof value === 'string') return `the text ${quote(value)}`;
  return typeof value === 'boolean' ? String(value) : `the number ${quote(value)}`;
}
