/**
 * The canary rules of one service in the order in which they are tried: headers, cookies, the addresses as one position, users. In: a
 * service. Out: for each rule what it wants and the expression of what the request has, with the tables behind that (regexes,
 * cookies, networks, ranges of users). Refuses to know the rules of other services.
 */
import type { Match, Migration } from '../../../migration/model.ts';
import type { Expression } from '../expression.ts';
import { headerValue, Numbering, type TableContext } from './context.ts';
import type { Cookies, Ids } from './ids.ts';
import type { Murmur3 } from './murmur3.ts';
import { longestPrefixRules, networkList } from './networks.ts';
import { searched } from './patterns.ts';
import type { ChainRule } from './rule-chain.ts';
import { exact, regex } from './table-set.ts';

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
      ...headerRules.map(({ header, match, target }) => this.#compare(match, headerValue(header), `${target}:header`)),
      ...cookieRules.map(({ cookie, match, target }) =>
        this.#compare(match, this.#cookies.value(cookie), `${target}:cookie`),
      ),
      ...(ipRules.length > 0 ? [{ kind: 'take' as const, decision: '', text: '', got: this.#client(migration) }] : []),
      ...userRules.map((rule) => this.#user(migration, rule)),
    ];
  }

  #compare(match: Match, value: Expression, decision: string): ChainRule {
    const got = this.#got(match, value);
    return match.kind === 'exact' || match.kind === 'prefix'
      ? { kind: match.kind, decision, text: match.value, got }
      : { kind: 'given', decision, text: '', got };
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
    const decision = `${target}:user`;
    if (hash === 'murmur3') {
      const got = this.#murmur3.range(this.#murmur3.place(cohort, id), from, to);
      return { kind: 'given', decision, text: '', got };
    }
    const { tables } = this.#context;
    const name = header.replaceAll('-', '_');
    const below = (percent: number) =>
      tables.split(`below_${percent}_${name}`, [...cohort, ':', ...id], percent * 100, '1', '0');
    // Nobody without an id is hashed.
    const sides = [...below(from), ...below(to + 1)];
    const got = tables.map(`range_${from}_${to}_${name}`, id, sides, [exact('', '')]);
    return { kind: 'exact', decision, text: '01', got };
  }
}
