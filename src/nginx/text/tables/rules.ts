/**
 * The canary rules of all services as one chain of positions: headers, cookies, the addresses as one position, users. At position i
 * `$want_i` says what the service wants there, `$got_i` what the request has, and `$rules_i` compares the two, with case and in
 * linear time, else goes on to the next. So variables grow with the longest list of rules and never with services.
 */
import type { Match, Migration } from '../../../migration/model.ts';
import { type Expression, LF, variable } from '../expression.ts';
import { headerValue, Numbering, type TableContext, valuesOf } from './context.ts';
import type { Cookies, Ids } from './ids.ts';
import type { Murmur3 } from './murmur3.ts';
import { longestPrefixRules, networkList } from './networks.ts';
import { searched, TAKEN } from './patterns.ts';
import { exact, type Row, regex, type TableSet } from './table-set.ts';

/** `want`: kind, decision and text; its first word chooses the row that compares it with `got`. */
export interface ChainRule {
  readonly want: string;
  readonly got: Expression;
}

/** Each takes the decision out of what is wanted; values hold no line feed, so the first one ends the wanted text. */
const KINDS: Readonly<Record<string, string>> = {
  exact: `^exact (?<${TAKEN}>\\S++) (?<wanted>[^\\n]++)\\n\\k<wanted>\\z`,
  prefix: `^prefix (?<${TAKEN}>\\S++) (?<wanted>[^\\n]++)\\n\\k<wanted>`,
  given: `^given (?<${TAKEN}>\\S++)\\n.`,
  range: `^range (?<${TAKEN}>\\S++)\\n01:.`,
  take: `^take\\n(?<${TAKEN}>.++)`,
};

/** The wanted text of a rule that compares a value. */
export function wantOf(match: Match, decision: string): string {
  return match.kind === 'exact' || match.kind === 'prefix'
    ? `${match.kind} ${decision} ${match.value}`
    : `given ${decision}`;
}

/**
 * How many positions ask each other in turn. nginx 1.22 gives up at 100 variables inside each other ("cycle while evaluating
 * variable"), and a service may have 97 positions: after so many the chain goes on beside them, not inside.
 */
const SEGMENT = 24;

/** The variable that begins the chain, for the services that have rules; `otherwise` is what ends it. */
export function ruleTables(
  { tables }: TableContext,
  rules: ReadonlyMap<string, readonly ChainRule[]>,
  otherwise: Expression,
): Expression {
  const longest = [...rules.values()].reduce((most, list) => Math.max(most, list.length), 0);
  for (let i = 1; i <= longest; i++) {
    const reaching = [...rules].filter(([, list]) => list.length >= i - 1);
    const wants = new Map(reaching.map(([name, list]) => [name, [list[i - 1]?.want ?? '']]));
    const gots = new Map(reaching.map(([name, list]) => [name, list[i - 1]?.got ?? ['']]));
    const want = tables.perService(`want_${i}`, wants, ['']);
    const got = tables.perService(`got_${i}`, gots, ['']);
    const cut = i % SEGMENT === 0 && i < longest;
    const next: Expression = i === longest ? otherwise : cut ? [''] : [variable(`rules_${i + 1}`)];
    tables.map(`rules_${i}`, [...want, LF, ...got], next, positionRows([...wants.values()].flat(), otherwise));
  }
  return segmentTables(tables, longest);
}

/** One row for each kind of rule at a position. No rule wanted: the service's list is at its end. */
function positionRows(wants: readonly string[], otherwise: Expression): Row[] {
  const kinds = new Set(wants.map((want) => want.split(' ')[0]));
  const rows = Object.entries(KINDS).filter(([kind]) => kinds.has(kind));
  return [
    ...(kinds.has('') ? [regex('^\\n', ...otherwise)] : []),
    ...rows.map(([, pattern]) => regex(pattern, variable(TAKEN))),
  ];
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

/** The rules of one service, in the order in which they are tried. */
export class RuleChain {
  readonly #context: TableContext;
  readonly #cookies: Cookies;
  readonly #ids: Ids;
  readonly #murmur3: Murmur3;
  readonly #regexes = new Numbering();
  readonly #clients = new Map<string, Expression>();

  constructor(context: TableContext, cookies: Cookies, ids: Ids, murmur3: Murmur3) {
    this.#context = context;
    this.#cookies = cookies;
    this.#ids = ids;
    this.#murmur3 = murmur3;
  }

  of(migration: Migration): ChainRule[] {
    const { headerRules, cookieRules, ipRules, userRules } = migration;
    return [
      ...headerRules.map(({ header, match, target }) => ({
        want: wantOf(match, `${target}:header`),
        got: this.#got(match, headerValue(header)),
      })),
      ...cookieRules.map(({ cookie, match, target }) => ({
        want: wantOf(match, `${target}:cookie`),
        got: this.#got(match, this.#cookies.value(cookie)),
      })),
      ...(ipRules.length > 0 ? [{ want: 'take', got: this.#client(migration) }] : []),
      ...userRules.map((rule) => this.#user(migration, rule)),
    ];
  }

  /** The value itself; of a regex whether it matches. */
  #got(match: Match, value: Expression): Expression {
    if (match.kind !== 'regex') return value;
    const name = `regex_${this.#regexes.of(JSON.stringify([match.source, value]))}`;
    return this.#context.tables.map(name, value, [''], [regex(searched(match.source), '1')]);
  }

  /** The decision of the first rule that holds the client's address, else ''. */
  #client({ ipRules, trustedProxies }: Migration): Expression {
    const key = JSON.stringify([ipRules, trustedProxies]);
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const rows = longestPrefixRules(ipRules).map(({ cidr, target }) => ({ cidr, value: `${target}:ip` }));
    const made = this.#context.tables.geo({
      variable: `client_${this.#clients.size + 1}`,
      proxies: networkList(trustedProxies),
      fallback: '',
      rows,
    });
    this.#clients.set(key, made);
    return made;
  }

  #user({ hash }: Migration, { header, from, to, target }: Migration['userRules'][number]): ChainRule {
    const id = headerValue(header);
    const { cohort } = this.#ids;
    if (hash === 'murmur3') {
      return { want: `given ${target}:user`, got: this.#murmur3.range(this.#murmur3.place(cohort, id), from, to) };
    }
    const name = header.replaceAll('-', '_');
    const below = (percent: number) =>
      this.#context.tables.split(`below_${percent}_${name}`, [...cohort, ':', ...id], percent * 100, '1', '0');
    return { want: `range ${target}:user`, got: [...below(from), ...below(to + 1), ':', ...id] };
  }
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
