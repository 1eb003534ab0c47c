/**
 * Whose request it is: what the hash is made over. In: services. Out: the salt, the user's id, the sticky id, and the key that keeps
 * a request on its side while probing. An id that is absent is '', and never hashed. Refuses to know shares.
 */
import { STICKY_COOKIE } from '../../../allocator/sticky.ts';
import type { Migration } from '../../../migration/model.ts';
import { type Expression, variable } from '../expression.ts';
import { headerValue, isSticky, Numbering, type TableContext, valuesOf } from './context.ts';
import { cookie, TAKEN } from './patterns.ts';
import { exact, regex } from './table-set.ts';

/** The cookie's attributes, as the direct plane sets them: 30 days. */
const STICKY_ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000';
const STICKY_ID = '^[0-9a-f]{32}\\z';

/**
 * `$own_id`, the id that we give a request: where (a hash), which connection since nginx started, which request of it, when. Nobody
 * else has it, over workers, reloads, restarts and replicas. It is no secret: nginx's `$request_id` of random digits costs a
 * request 7 500 instructions and a system call (OpenSSL 3.0), this 2 800.
 */
export function ownId({ tables, settings }: Pick<TableContext, 'tables' | 'settings'>): Expression {
  const once = [variable('connection'), '-', variable('connection_requests'), '-', variable('msec')];
  return tables.map('own_id', [''], [`${settings.place}-`, ...once], []);
}

export interface Ids {
  /** The text before `:id`. */
  readonly cohort: Expression;
  /** Of the strategy `user`. */
  readonly userId: Expression;
  /** The cookie's id, or a fresh one that nobody can guess. */
  readonly stickyId: Expression;
  /** The value of Set-Cookie, '' where none is to be set; null: no service is sticky. */
  readonly stickySet: Expression | null;
}

export function idTables(context: TableContext, cookies: Cookies): Ids {
  const { ruled, tables } = context;
  // Mostly the cohort is the service's name, and then there is nothing to look up.
  const named = ruled.every(({ cohort, name }) => cohort === name);
  const cohorts = valuesOf(ruled, ({ cohort }) => [cohort]);
  const cohort: Expression =
    named && ruled.length > 1 ? [variable('service')] : tables.perService('cohort', cohorts, ['']);
  const byUser = ruled.filter(({ strategy, shareBp }) => strategy === 'user' && shareBp > 0);
  const userId = tables.perService(
    'user_id',
    valuesOf(byUser, ({ userIdHeader }) => headerValue(userIdHeader)),
    [''],
  );
  const sticky = ruled.filter(isSticky);
  if (sticky.length === 0) return { cohort, userId, stickyId: [''], stickySet: null };

  const sent = cookies.value(STICKY_COOKIE);
  const stickyId = tables.map('sticky_id', sent, [variable('request_id')], [regex(STICKY_ID, ...sent)]);
  const fresh: Expression = [`${STICKY_COOKIE}=`, variable('request_id'), `; ${STICKY_ATTRIBUTES}`];
  const setting = tables.map('sticky_fresh', sent, fresh, [regex(STICKY_ID, '')]);
  const stickySet = tables.mapOfServices(
    'sticky_set',
    valuesOf(sticky, () => setting),
    [''],
  );
  return { cohort, userId, stickyId, stickySet };
}

/** A variable for each cookie that is asked for. nginx's own `$cookie_name` compares without case. */
export class Cookies {
  readonly #context: TableContext;
  readonly #numbers = new Numbering();

  constructor(context: TableContext) {
    this.#context = context;
  }

  value(name: string): Expression {
    const source: Expression = [variable('http_cookie')];
    const variableName = `sent_cookie_${this.#numbers.of(name)}`;
    return this.#context.tables.map(variableName, source, [''], [regex(cookie(name), variable(TAKEN))]);
  }
}

/** The first id that the request has: of the user, where the service decides by user; of the cookie; else its own. */
export function probeKey(context: TableContext, ids: Ids, requestId: Expression): Expression {
  const { ruled, tables } = context;
  const keys = new Map<string, Expression>();
  const firstOf = (headers: readonly string[], last: 'sticky_id' | 'request_id'): Expression => {
    if (headers.length === 0) return last === 'sticky_id' ? ids.stickyId : requestId;
    const key = [...headers, last].join(' ');
    const known = keys.get(key);
    if (known !== undefined) return known;
    const [header, ...rest] = headers;
    const next = firstOf(rest, last);
    const id = headerValue(header);
    const made = tables.map(`probe_id_${keys.size + 1}`, id, id, [exact('', ...next)]);
    keys.set(key, made);
    return made;
  };
  const keyOf = (migration: Migration) =>
    firstOf(probeHeaders(migration), isSticky(migration) ? 'sticky_id' : 'request_id');
  return tables.perService('probe_key', valuesOf(ruled, keyOf), requestId);
}

/** The strategy's header first, then those of the rules. */
function probeHeaders({ strategy, userIdHeader, userRules }: Migration): string[] {
  if (strategy !== 'user' && userRules.length === 0) return [];
  return [...new Set([userIdHeader, ...userRules.map(({ header }) => header)])];
}
