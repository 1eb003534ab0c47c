/**
 * The decision of a request as `cluster:reason`, and who is admitted while a service comes back. In: ids, strategies, rules. Out:
 * `$decision` and `$cluster`, which follow `$gate` at each attempt while the draw behind them is made once; `$probe_class`.
 */
import { probePrefix } from '../../../allocator/keyed-hash.ts';
import { type Expression, variable } from '../expression.ts';
import { type TableContext, valuesOf } from './context.ts';
import { type Cookies, type Ids, probeKey } from './ids.ts';
import type { Murmur3 } from './murmur3.ts';
import { type ChainRule, endOfRules, ruleTables } from './rule-chain.ts';
import { RuleChain } from './rules.ts';
import { strategyOf } from './strategies.ts';
import { exact } from './table-set.ts';

export const NEW_DECISIONS = ['header', 'cookie', 'ip', 'user', 'weight'].map((reason) => `new:${reason}`);

export function decisionOfRequest(context: TableContext, cookies: Cookies, ids: Ids, murmur3: Murmur3): void {
  const { all, ruled, tables } = context;
  const strategies = valuesOf(ruled, (migration) => strategyOf(context, ids, murmur3, migration));
  const chain = new RuleChain(context, cookies, ids, murmur3);
  const rules = new Map<string, readonly ChainRule[]>();
  for (const migration of ruled) {
    const list = chain.of(migration);
    if (list.length > 0) rules.set(migration.name, list);
  }
  let first: Expression = [''];
  if (rules.size > 0) {
    const otherwise = endOfRules(context, new Set(rules.keys()), strategies);
    first = ruleTables(context, rules, otherwise);
  }
  const decisions = new Map<string, Expression>();
  for (const { migration, standing } of all) {
    const { name } = migration;
    const fixed: Expression = [standing === 'invalid' ? 'old:invalid' : 'old:disabled'];
    decisions.set(name, rules.has(name) ? first : (strategies.get(name) ?? fixed));
  }
  const decided = tables.perService('ruled', decisions, ['']);
  // One request at a time may hold the slot of a service that comes back: the others are on old meanwhile.
  const inSlot = tables.volatileMap('decision_in_slot', [variable('limit_conn_status')], decided, [
    exact('REJECTED', 'old:fallback'),
  ]);
  const gates = [exact('closed', 'old:fallback'), exact('one', ...inSlot)];
  tables.volatileMap('decision', [variable('gate')], decided, gates);
  tables.volatileMap(
    'cluster',
    [variable('decision')],
    ['old'],
    NEW_DECISIONS.map((word) => exact(word, 'new')),
  );
}

/** a, b, c, d: below 10, 25, 50 %, the rest, each step two rows of its own, since nginx rounds cumulated rows differently. */
export function probeTables(context: TableContext, ids: Ids, murmur3: Murmur3, requestId: Expression): void {
  const { ruled, tables } = context;
  const key = probeKey(context, ids, requestId);
  const salt = probePrefix('').slice(0, -1);
  const name = ruled.some(({ hash }) => hash === 'murmur3') ? 'probe_class_murmur2' : 'probe_class';
  const classes = valuesOf(ruled, ({ hash }) => {
    if (hash === 'murmur3') return murmur3.probeClass(murmur3.place([salt, ...ids.cohort], key));
    const below = (percent: number) =>
      tables.split(`probe_${percent}`, [salt, ...ids.cohort, ':', ...key], percent * 100, '1', '0');
    const steps = [exact('111', 'a'), exact('011', 'b'), exact('001', 'c')];
    return tables.map(name, [...below(10), ...below(25), ...below(50)], ['d'], steps);
  });
  const value = tables.perService('probe_class', classes, ['d']);
  if (JSON.stringify(value) !== JSON.stringify([variable('probe_class')])) tables.map('probe_class', [''], value, []);
}
