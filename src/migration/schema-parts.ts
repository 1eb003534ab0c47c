/**
 * The kinds of value that a configuration is made of, as zod schemas. Each says its noun and an example once: the messages of the
 * validator and the JSON Schema for editors both take them from here. Which key has which kind is `schema.ts`.
 */
import { z } from 'zod';
import { formatDurationMs, parseDurationMs } from './duration.ts';
import { quote } from './quote.ts';
import { percentToBp } from './share.ts';
import type { Problem } from './texts.ts';

/** What a message says of a kind: "must be NOUN", "for example KEY: EXAMPLE". */
export interface Words {
  readonly noun: string;
  /** As YAML that stands after the key. */
  readonly example: string;
}

/** What else an editor is told. */
interface Hints {
  readonly description: string;
  readonly default?: unknown;
}

const words = new WeakMap<z.core.$ZodType, Words>();

export function wordsOf(schema: z.core.$ZodType): Words | null {
  return words.get(schema) ?? null;
}

/** Attaches words and hints; `json` are further keywords of JSON Schema. */
function described<T extends z.ZodType>(schema: T, said: Words, hints: Hints, json: Record<string, unknown> = {}): T {
  const described = schema.meta({ ...hints, ...json });
  words.set(described, said);
  return described;
}

/** Zod's own pattern and range checks would say it in their words and once more in ours. */
function checked<T>(problem: (value: T) => Problem): z.core.CheckFn<T> {
  return (context) => {
    const found = problem(context.value);
    if (found === null) return;
    const limit = typeof found === 'object';
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: limit ? found.limit : found,
      params: { code: limit ? 'limit' : 'bad_value' },
    });
  };
}

export function text(example: string, hints: Hints & { pattern?: string }, problem: (value: string) => Problem) {
  const { pattern, ...rest } = hints;
  const json = { examples: [example], ...(pattern === undefined ? {} : { pattern }) };
  return described(
    z.string().check(checked(problem)),
    { noun: 'a text', example: JSON.stringify(example) },
    rest,
    json,
  );
}

export function yesNo(byDefault: 'true' | 'false', hints: Hints) {
  const noun = 'true or false';
  return described(z.boolean(), { noun, example: byDefault }, { ...hints, default: byDefault === 'true' });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T, hints: Hints) {
  const list = values.length === 1 ? values[0] : `${values.slice(0, -1).join(', ')} or ${values[values.length - 1]}`;
  return described(z.enum(values), { noun: list, example: values[0] }, hints);
}

export function integer(least: number, most: number, hints: Hints & { example?: number }) {
  const { example = hints.default, ...rest } = hints;
  const noun = `a whole number from ${least} to ${most}`;
  const problem = (value: number): Problem =>
    Number.isInteger(value) && value >= least && value <= most ? null : `must be ${noun}, not ${quote(value)}`;
  const json = { type: 'integer', minimum: least, maximum: most };
  return described(z.number().check(checked(problem)), { noun, example: String(example) }, rest, json);
}

export function percent(hints: Hints & { example: number }) {
  const { example, ...rest } = hints;
  const noun = 'a number from 0 to 100 with at most two decimals';
  const problem = (value: number): Problem =>
    percentToBp(value) === null ? `must be ${noun}, not ${quote(value)}` : null;
  const json = { minimum: 0, maximum: 100, examples: [example] };
  return described(z.number().check(checked(problem)), { noun, example: String(example) }, rest, json);
}

/** Ends inclusive, in milliseconds. */
export function duration(leastMs: number, mostMs: number, hints: Hints & { example?: string }) {
  const { example = String(hints.default), ...rest } = hints;
  const problem = (value: string | number): Problem => {
    const ms = parseDurationMs(value);
    if (ms === null) return `${quote(value)} is no duration`;
    if (ms < leastMs) return `${quote(value)} is too short: the least is ${formatDurationMs(leastMs)}`;
    if (ms > mostMs) return `${quote(value)} is too long: the most is ${formatDurationMs(mostMs)}`;
    return null;
  };
  const schema = z.union([z.string(), z.number()]).check(checked(problem));
  const noun = 'a duration: 30s, 1m30s, 500ms or a number of seconds';
  return described(schema, { noun, example }, rest, { examples: [example] });
}

/** `limit` is said with the plural noun: "at most 32 header rules". */
export function list<T extends z.ZodType>(item: T, most: number, plural: string, example: string, hints: Hints) {
  const problem = (values: readonly unknown[]): Problem =>
    values.length > most ? { limit: `at most ${most} ${plural}, these are ${values.length}` } : null;
  const schema = z.array(item).check(checked(problem));
  return described(schema, { noun: 'a list', example }, hints, { maxItems: most });
}

export function keys<const T extends z.ZodRawShape>(shape: T, example: string, hints: Hints) {
  return described(z.strictObject(shape), { noun: 'keys with values', example }, hints);
}
