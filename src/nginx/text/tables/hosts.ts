/**
 * Which service a request belongs to, and what else is known by its name. In: services. Out: `$service` from `$host`, and on hosts
 * divided by path from the path as sent: the longest prefix, by whole segments, with case. nginx's map compares without
 * case, so the path that was found is compared once more. Refuses to know clusters.
 */
import type { Migration, ServedMigration } from '../../../migration/model.ts';
import { type Expression, LF, variable } from '../expression.ts';
import { flagId } from '../flag-id.ts';
import { isRuled, type TableContext, valuesOf } from './context.ts';
import { AMBIGUOUS_PATH, leadingSegments, TAKEN } from './patterns.ts';
import { exact, type Row, regex } from './table-set.ts';

/** A service of a host divided by path. */
interface Prefixed {
  readonly migration: Migration;
  readonly prefix: string;
}

/** Hosts of which a service takes only a part. */
function dividedHosts(services: readonly ServedMigration[]): Set<string> {
  const parts = services.filter(({ migration }) => migration.pathPrefix !== null);
  return new Set(parts.map(({ migration }) => migration.old.host));
}

/** `$service`: '' where no service takes the request. `$bad_path`: 1 where a divided host cannot tell whose path it is. */
export function hostTables(context: TableContext): void {
  const { all, tables } = context;
  const divided = dividedHosts(all);
  const whole = all.filter(({ migration }) => migration.pathPrefix === null);
  const rows = whole
    .filter(({ migration }) => !divided.has(migration.old.host))
    .map(({ migration }) => exact(migration.old.host, migration.name));
  const byPath = divided.size > 0 ? pathTables(context, divided) : [];
  for (const host of [...divided].sort()) rows.push(exact(host, ...byPath));
  tables.map('service', [variable('host')], [''], rows);
  if (divided.size === 0) return;
  const ambiguous = tables.map('ambiguous_path', [variable('request_uri')], [''], [regex(AMBIGUOUS_PATH, '1')]);
  const hosts = [...divided].sort().map((host) => exact(host, ...ambiguous));
  tables.map('bad_path', [variable('host')], [''], hosts);
}

/** From the deepest prefix to the service of the rest of the host. */
function pathTables({ all, tables }: TableContext, divided: ReadonlySet<string>): Expression {
  const rest = all.filter(({ migration }) => migration.pathPrefix === null && divided.has(migration.old.host));
  const restRows = rest.map(({ migration }) => exact(migration.old.host, migration.name));
  let found: Expression = [''];
  if (restRows.length > 0) found = tables.map('service_of_rest', [variable('host')], [''], restRows);
  const prefixed = all.flatMap(({ migration }) =>
    migration.pathPrefix === null ? [] : [{ migration, prefix: migration.pathPrefix }],
  );
  const byDepth = Map.groupBy(prefixed, ({ prefix }) => prefix.split('/').length - 1);
  for (const [depth, services] of [...byDepth].sort(([x], [y]) => x - y)) {
    const path = tables.map(
      `path_${depth}`,
      [variable('request_uri')],
      [''],
      [regex(leadingSegments(depth), variable(TAKEN))],
    );
    for (const [i, layer] of layersByCase(services).entries()) {
      const name = i === 0 ? `${depth}` : `${depth}_${i + 1}`;
      const candidate = tables.map(`candidate_${name}`, [variable('host'), ...path], [''], layer);
      const confirmed = regex(`^(?<${TAKEN}>\\S++) (?<wanted>[^\\n]++)\\n\\k<wanted>\\z`, variable(TAKEN));
      found = tables.map(`service_at_${name}`, [...candidate, LF, ...path], found, [confirmed]);
    }
  }
  return found;
}

/** Rows for one map each: prefixes that differ only in case cannot stand in the same. */
function layersByCase(services: readonly Prefixed[]): Row[][] {
  const layers: { readonly keys: Set<string>; readonly rows: Row[] }[] = [];
  for (const { migration, prefix } of services) {
    const key = `${migration.old.host}${prefix}`;
    let layer = layers.find(({ keys }) => !keys.has(key.toLowerCase()));
    if (layer === undefined) {
      layer = { keys: new Set(), rows: [] };
      layers.push(layer);
    }
    layer.keys.add(key.toLowerCase());
    layer.rows.push(exact(key, `${migration.name} ${prefix}`));
  }
  return layers.map(({ rows }) => rows);
}

/** What goes by the service's name alone. `lanes`: suffix of the lanes of services on divided hosts. */
export function serviceTables({ all, tables }: TableContext, lanes: ReadonlyMap<string, string>): void {
  const every = all.map(({ migration }) => migration);
  const flags = all.map((served): [string, Expression] => [
    served.migration.name,
    [isRuled(served) ? flagId(served.migration.name) : ''],
  ]);
  tables.mapOfServices('flag', new Map(flags), ['']);
  tables.mapOfServices(
    'new_host',
    valuesOf(every, (migration) => [migration.new.host]),
    [''],
  );
  const suffixes = [...lanes].map(([service, suffix]): [string, Expression] => [service, [suffix]]);
  if (suffixes.length > 0) tables.mapOfServices('lanes_of', new Map(suffixes), ['']);
}
