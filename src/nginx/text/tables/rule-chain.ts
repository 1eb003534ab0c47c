/**
 * The canary rules of all services as one chain of positions: headers, cookies, the addresses as one position, users. At position i
 * `$got_i` is what the request has: nothing, as nearly always, and the next position is asked; else it is compared with `$want_i`,
 * with case and in linear time. Variables grow with the longest list of rules and never with services; where all services want
 * the same at a position, its table says so in plain words.
 */
import { type Expression, LF, variable } from '../expression.ts';
import { type TableContext, valuesOf } from './context.ts';
import { literal, TAKEN } from './patterns.ts';
import { exact, regex, type TableSet } from './table-set.ts';

/** What a position asks for: a decision where what the request has is this text, begins with it, or is there at all. */
export interface ChainRule {
  readonly kind: 'exact' | 'prefix' | 'given' | 'take';
  /** `new:header`; of `take` what the request has is the decision itself. */
  readonly decision: string;
  readonly text: string;
  /** '' where the rule cannot match. */
  readonly got: Expression;
}

/** A text that may stand in a regex as it is, nearly. */
const SIMPLE = /^[A-Za-z0-9 ,.:;/@=_-]{0,256}$/;

/** By the first word of what is wanted; values hold no line feed, so the first one ends the wanted text. */
const COMPARED: Readonly<Record<string, string>> = {
  exact: `^exact (?<${TAKEN}>\\S++) (?<wanted>[^\\n]++)\\n\\k<wanted>\\z`,
  prefix: `^prefix (?<${TAKEN}>\\S++) (?<wanted>[^\\n]++)\\n\\k<wanted>`,
  given: `^given (?<${TAKEN}>\\S++) `,
  take: `^take [^\\n]*+\\n(?<${TAKEN}>.++)`,
};

/** What services have at a position that is beyond their rules, so that they leave the chain there. */
const BEYOND = '-';

/**
 * How many positions ask each other in turn, each with two variables inside each other. nginx 1.22 gives up at 100 ("cycle while
 * evaluating variable"), and a service may have 97 positions: after so many the chain goes on beside them, not inside.
 */
const SEGMENT = 24;

/** The variable that begins the chain, for the services that have rules; `otherwise` is what ends it. */
export function ruleTables(
  { tables }: TableContext,
  rules: ReadonlyMap<string, readonly ChainRule[]>,
  otherwise: Expression,
): Expression {
  const longest = [...rules.values()].reduce((most, list) => Math.max(most, list.length), 0);
  for (let i = 1; i <= longest; ) {
    const end = Math.min(endOfRun(rules, i), endOfSegment(i, longest));
    const cut = end % SEGMENT === 0 && end < longest;
    const next: Expression = end === longest ? otherwise : cut ? [''] : [variable(`rules_${end + 1}`)];
    const common = commonRule(rules, i);
    if (common === null) mixedPosition(tables, rules, i, { next, otherwise });
    else plainPosition(tables, `rules_${i}`, common, rulesAt(rules, i, end), next);
    i = end + 1;
  }
  return segmentTables(tables, longest);
}

/** The rule that all services have at a position; null: they differ, or some have none. */
function commonRule(rules: ReadonlyMap<string, readonly ChainRule[]>, position: number): ChainRule | null {
  const [first] = rules.values();
  const common = first[position - 1];
  if (common === undefined || !SIMPLE.test(common.text)) return null;
  const key = JSON.stringify(common);
  return [...rules.values()].every((list) => JSON.stringify(list[position - 1]) === key) ? common : null;
}

/** Rules that look at the same value, one after the other, are rows of one table. */
function endOfRun(rules: ReadonlyMap<string, readonly ChainRule[]>, position: number): number {
  const first = commonRule(rules, position);
  let end = position;
  if (first === null || !isCompared(first)) return end;
  for (let rule = commonRule(rules, end + 1); rule !== null && isCompared(rule); rule = commonRule(rules, end + 1)) {
    if (JSON.stringify(rule.got) !== JSON.stringify(first.got)) break;
    end++;
  }
  return end;
}

function isCompared({ kind }: ChainRule): boolean {
  return kind === 'exact' || kind === 'prefix';
}

function endOfSegment(position: number, longest: number): number {
  return Math.min(longest, Math.ceil(position / SEGMENT) * SEGMENT);
}

function rulesAt(rules: ReadonlyMap<string, readonly ChainRule[]>, from: number, to: number): readonly ChainRule[] {
  const [first] = rules.values();
  return first.slice(from - 1, to);
}

/** One table, that looks at what the request has. */
function plainPosition(
  tables: TableSet,
  name: string,
  { kind, decision, got }: ChainRule,
  run: readonly ChainRule[],
  next: Expression,
): void {
  if (kind === 'given' || kind === 'take') {
    tables.map(name, got, kind === 'take' ? got : [decision], [exact('', ...next)]);
    return;
  }
  const seen = new Set<string>();
  const rows = run.flatMap((rule) => {
    // Map strings are compared without case, and before any regex.
    const caseless = run.length === 1 && rule.kind === 'exact' && !/[A-Za-z]/.test(rule.text);
    const pattern = `^${literal(rule.text)}${rule.kind === 'exact' ? '\\z' : ''}`;
    if (seen.has(pattern)) return [];
    seen.add(pattern);
    return [caseless ? exact(rule.text, rule.decision) : regex(pattern, rule.decision)];
  });
  tables.map(name, got, next, rows);
}

/** Services want different things, and some may be beyond their rules. */
function mixedPosition(
  tables: TableSet,
  rules: ReadonlyMap<string, readonly ChainRule[]>,
  i: number,
  { next, otherwise }: { readonly next: Expression; readonly otherwise: Expression },
): void {
  const reaching = [...rules].filter(([, list]) => list.length >= i - 1);
  const wants = new Map(reaching.map(([name, list]) => [name, [wantOf(list[i - 1])]]));
  const gots = new Map(reaching.map(([name, list]) => [name, list[i - 1]?.got ?? [BEYOND]]));
  const want = tables.perService(`want_${i}`, wants, ['']);
  const got = tables.perService(`got_${i}`, gots, [BEYOND]);
  const kinds = new Set([...wants.values()].flat().map((text) => text.split(' ')[0]));
  const compared = Object.entries(COMPARED).filter(([kind]) => kinds.has(kind));
  const match = tables.map(`match_${i}`, [...want, LF, ...got], next, [
    ...(kinds.has('') ? [regex('^\\n', ...otherwise)] : []),
    ...compared.map(([, pattern]) => regex(pattern, variable(TAKEN))),
  ]);
  tables.map(`rules_${i}`, got, match, [exact('', ...next)]);
}

/** The wanted text as `$want_i` says it; '' beyond the rules. */
export function wantOf(rule: Omit<ChainRule, 'got'> | undefined): string {
  return rule === undefined ? '' : `${rule.kind} ${rule.decision} ${rule.text}`;
}

/** From the last segment to the first: what it says, else the next. */
function segmentTables(tables: TableSet, longest: number): Expression {
  let next: Expression = [];
  for (let i = longest - ((longest - 1) % SEGMENT); i >= 1; i -= SEGMENT) {
    const here: Expression = [variable(`rules_${i}`)];
    next = next.length === 0 ? here : tables.map(`rules_from_${i}`, here, here, [exact('', ...next)]);
  }
  return next;
}

/** Unused by services without rules: they go to their strategy at once. */
export function endOfRules(
  { ruled, tables }: TableContext,
  hasRules: ReadonlySet<string>,
  strategies: ReadonlyMap<string, Expression>,
): Expression {
  const services = ruled.filter(({ name }) => hasRules.has(name));
  return tables.perService(
    'by_strategy',
    valuesOf(services, ({ name }) => strategies.get(name)!),
    [''],
  );
}
