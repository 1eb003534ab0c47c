/**
 * What becomes of a request that no rule matched, as `cluster:reason`. In: services and ids. Out: one value for each service: a literal
 * where nothing is drawn, else the variable of its share. Variables grow with distinct shares. Refuses to know rules.
 */
import type { Migration } from '../../../migration/model.ts';
import type { Expression } from '../expression.ts';
import { isSticky, type TableContext } from './context.ts';
import { type Ids, ownId } from './ids.ts';
import type { Murmur3 } from './murmur3.ts';
import { exact } from './table-set.ts';

export function strategyOf(context: TableContext, ids: Ids, murmur3: Murmur3, migration: Migration): Expression {
  const { strategy, shareBp } = migration;
  if (strategy === 'header' || strategy === 'ip') return ['old:default'];
  if (strategy === 'user') return userShare(context, ids, murmur3, migration);
  if (shareBp <= 0) return ['old:weight'];
  if (shareBp >= 10_000) return ['new:weight'];
  if (!isSticky(migration))
    return context.tables.split(`weight_${shareBp}`, ownId(context), shareBp, 'new:weight', 'old:weight');
  if (migration.hash === 'murmur3') {
    return murmur3.split(murmur3.place(ids.cohort, ids.stickyId), shareBp, 'new:weight', 'old:weight');
  }
  return context.tables.split(
    `sticky_${shareBp}`,
    [...ids.cohort, ':', ...ids.stickyId],
    shareBp,
    'new:weight',
    'old:weight',
  );
}

/** Nobody without an id is ever new: the empty string would hash to 0. */
function userShare(
  { tables }: TableContext,
  { cohort, userId }: Ids,
  murmur3: Murmur3,
  { shareBp, hash }: Migration,
): Expression {
  if (shareBp <= 0) return ['old:user'];
  if (hash === 'murmur3' && shareBp < 10_000)
    return murmur3.split(murmur3.place(cohort, userId), shareBp, 'new:user', 'old:user');
  const side = tables.split(`user_side_${shareBp}`, [...cohort, ':', ...userId], shareBp, 'new:user', 'old:user');
  return tables.map(`user_${shareBp}`, userId, side, [exact('', 'old:user')]);
}
