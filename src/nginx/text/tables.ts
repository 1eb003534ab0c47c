/**
 * From services to the tables that decide a request in nginx: the same decisions as `src/allocator`, and what routes print beside
 * them. In: served migrations, settings, and the suffixes of the lanes on divided hosts. Out: blocks in the order in which
 * people read them, values to print, services that this nginx cannot be told of. Refuses to know upstreams and lanes' texts.
 */
import type { ServedMigration } from '../../migration/model.ts';
import type { Block } from './block.ts';
import type { Expression } from './expression.ts';
import type { Refusal } from './rendered.ts';
import type { NginxSettings } from './settings.ts';
import { type Script, tableContext, valuesOf } from './tables/context.ts';
import { decisionOfRequest, probeTables } from './tables/decision.ts';
import { type ForwardedValues, forwardingTables } from './tables/forwarding.ts';
import { hostTables, serviceTables } from './tables/hosts.ts';
import { Cookies, idTables } from './tables/ids.ts';
import { Murmur3 } from './tables/murmur3.ts';
import { refusals } from './tables/refusals.ts';
import { laneTable, requestTables } from './tables/requests.ts';

/** What routes print: a variable, or a literal where it is the same for every request; null where no service asks for it. */
export interface TableValues extends ForwardedValues {
  readonly stickySet: Expression | null;
  /** 1 where the decision is told to the client. */
  readonly exposed: Expression | null;
}

export interface Tables {
  readonly blocks: readonly Block[];
  readonly refused: readonly Refusal[];
  readonly values: TableValues;
  /** Not empty: `js_import murmur3 from` the text of templates/murmur3.js, and a `js_set` for each. */
  readonly scripts: readonly Script[];
}

/** `lanes`: by service's name, only of services on divided hosts. Throws on what validation must have refused. */
export function decisionTables(
  services: readonly ServedMigration[],
  settings: NginxSettings,
  lanes: ReadonlyMap<string, string> = new Map(),
): Tables {
  const refused = refusals(services, settings);
  const names = new Set(refused.map(({ service }) => service));
  const context = tableContext(
    services.filter(({ migration }) => !names.has(migration.name)),
    settings,
  );
  const { all, tables } = context;
  hostTables(context);
  serviceTables(context, new Map([...lanes].filter(([service]) => !names.has(service))));
  requestTables(context);
  const forwarded = forwardingTables(context);
  const cookies = new Cookies(context);
  const murmur3 = new Murmur3(context);
  const ids = idTables(context, cookies);
  decisionOfRequest(context, cookies, ids, murmur3);
  probeTables(context, ids, murmur3, forwarded.requestId);
  laneTable(context);
  const telling = all.map(({ migration }) => migration).filter(({ exposeDecision }) => exposeDecision);
  let exposed: Expression | null = null;
  if (telling.length > 0 && telling.length === all.length) exposed = ['1'];
  else if (telling.length > 0)
    exposed = tables.mapOfServices(
      'exposed',
      valuesOf(telling, () => ['1']),
      [''],
    );
  const values = { ...forwarded, stickySet: ids.stickySet, exposed };
  return { blocks: tables.blocks, refused, values, scripts: context.scripts };
}
