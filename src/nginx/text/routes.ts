/**
 * Which services share a server block. In: served migrations. Out: servers with their hosts and routes; a route is what nginx
 * must be told literally: two backends, time limits, TLS policies, failure statuses, what may be tried again. Services of whole
 * hosts with equal routes share one block; a host divided by path has one of its own, with the lanes of each of its routes.
 */
import type { Migration, ServedMigration } from '../../migration/model.ts';
import { keyOf, type Peer } from './upstreams.ts';

export interface Route {
  readonly old: Peer;
  /** Null: none of its services ever asks new. */
  readonly new: NewSide | null;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly streamIdleTimeoutMs: number;
  /** Most further attempts that matter here: new, another address of each, old. */
  readonly retryAttempts: number;
}

export interface NewSide {
  readonly peer: Peer;
  /** Of new's answers, those that are given to old; none where nothing may be tried again. */
  readonly failureStatuses: readonly number[];
  /** Whether a failure of new may be followed by old at all. */
  readonly rescued: boolean;
}

export interface Server {
  readonly hosts: readonly string[];
  /** `suffix`: that of its lanes; `services`: names. */
  readonly routes: readonly { readonly route: Route; readonly suffix: string; readonly services: readonly string[] }[];
  /** Whether the service of a request depends on its path. */
  readonly divided: boolean;
}

/** More than these change nothing: new twice, old twice. */
const MOST_RETRIES = 3;

/** In the order of their first hosts. */
export function serversOf(services: readonly ServedMigration[]): Server[] {
  const byHost = Map.groupBy(services, ({ migration }) => migration.old.host);
  const servers: Server[] = [];
  const whole = new Map<string, { route: Route; hosts: string[]; names: string[] }>();
  for (const [host, here] of byHost) {
    if (here.some(({ migration }) => migration.pathPrefix !== null)) {
      servers.push(dividedServer(host, here));
      continue;
    }
    const [served] = here;
    const route = routeOf(served);
    const key = routeKey(route);
    const known = whole.get(key) ?? { route, hosts: [], names: [] };
    whole.set(key, known);
    known.hosts.push(host);
    known.names.push(served.migration.name);
  }
  for (const { route, hosts, names } of whole.values()) {
    servers.push({ hosts: hosts.sort(), routes: [{ route, suffix: '', services: names.sort() }], divided: false });
  }
  return servers.sort((x, y) => (x.hosts[0] < y.hosts[0] ? -1 : 1));
}

function dividedServer(host: string, here: readonly ServedMigration[]): Server {
  const routes = new Map<string, { route: Route; names: string[] }>();
  for (const served of here.toSorted((x, y) => (x.migration.name < y.migration.name ? -1 : 1))) {
    const route = routeOf(served);
    const key = routeKey(route);
    const known = routes.get(key) ?? { route, names: [] };
    routes.set(key, known);
    known.names.push(served.migration.name);
  }
  return {
    hosts: [host],
    routes: [...routes.values()].map(({ route, names }, i) => ({ route, suffix: `_${i + 1}`, services: names })),
    divided: true,
  };
}

/** The suffix of the lanes of each service on a divided host: `$lanes_of`. Services of whole hosts are not in it. */
export function laneSuffixes(servers: readonly Server[]): Map<string, string> {
  const divided = servers.filter((server) => server.divided).flatMap(({ routes }) => routes);
  return new Map(divided.flatMap(({ suffix, services }) => services.map((name) => [name, suffix] as const)));
}

function routeOf(served: ServedMigration): Route {
  const { migration } = served;
  const { timeoutMs, connectTimeoutMs, streamIdleTimeoutMs, fallback } = migration;
  const retryAttempts = Math.min(migration.retryAttempts, MOST_RETRIES);
  const rescued = fallback.enabled && retryAttempts > 0;
  return {
    old: { target: migration.old, tlsName: tlsName(migration.old, migration.old.host) },
    new: reachesNew(served)
      ? {
          peer: { target: migration.new, tlsName: tlsName(migration.new, migration.new.host) },
          failureStatuses: rescued ? fallback.failureStatuses : [],
          rescued,
        }
      : null,
    timeoutMs,
    connectTimeoutMs,
    streamIdleTimeoutMs,
    retryAttempts,
  };
}

function tlsName(target: Migration['old'], host: string): string | null {
  return target.protocol === 'https' ? (target.tls.serverName ?? host) : null;
}

/**
 * Only these have lanes to new. Among them are services whose rules send nobody there now: one that is held on old still
 * says so in its reason.
 */
function reachesNew({ migration, standing }: ServedMigration): boolean {
  return standing !== 'invalid' && migration.enabled;
}

function routeKey(route: Route): string {
  return JSON.stringify({
    ...route,
    old: keyOf(route.old),
    new: route.new === null ? null : { ...route.new, peer: keyOf(route.new.peer) },
  });
}
