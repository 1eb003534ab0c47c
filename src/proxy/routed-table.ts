/**
 * The routing table as the direct plane uses it: compiled rules, look-up by host, a pool for each cluster, and beside it
 * what outlives a change of configuration for each service (run state, even spreading, the probing slot).
 */
import { type CidrLookup, compileCidrs } from '../allocator/cidr.ts';
import type { CompiledService } from '../allocator/compile.ts';
import { Spread } from '../allocator/spread.ts';
import type { Cluster, ClusterTarget, Migration } from '../migration/model.ts';
import { type RunState, STEADY } from '../migration/run-state.ts';
import { compileTable } from '../routing/compile-table.ts';
import { HostIndex, type Pathed } from '../routing/hosts.ts';
import type { RoutingTable } from '../routing/table.ts';
import type { Resolver } from './resolver.ts';
import { poolKey, UpstreamPool } from './upstream-pool.ts';

/** Of one service, kept by name over changes of configuration. */
export interface LiveService {
  run: RunState;
  readonly spread: Spread;
  /** The one request of the first probing step is under way. */
  probing: boolean;
}

export interface RoutedService {
  readonly name: string;
  readonly migration: Migration;
  readonly compiled: CompiledService;
  readonly live: LiveService;
  /** Null: no proxy is trusted. */
  readonly trusted: CidrLookup | null;
  readonly old: UpstreamPool;
  readonly new: UpstreamPool;
}

export class RoutedTable {
  readonly services: ReadonlyMap<string, RoutedService>;
  readonly pools: ReadonlyMap<string, { readonly pool: UpstreamPool; readonly clusters: ReadonlySet<Cluster> }>;
  readonly #hosts: HostIndex;

  constructor(services: ReadonlyMap<string, RoutedService>, hosts: HostIndex, pools: RoutedTable['pools']) {
    this.services = services;
    this.#hosts = hosts;
    this.pools = pools;
  }

  /** `host`: lower case, without port. */
  find(host: string, request: Pathed): RoutedService | 'no_such_host' | 'bad_path' {
    const found = this.#hosts.find(host, request);
    return typeof found === 'string' ? found : (this.services.get(found.name) as RoutedService);
  }
}

export const EMPTY_TABLE = new RoutedTable(new Map(), new HostIndex([]), new Map());

/** Builds the next table from the last: pools and live parts that are still wanted are taken over. */
export function routeTable(
  table: RoutingTable,
  previous: RoutedTable,
  resolver: Resolver,
  random: () => number,
): RoutedTable {
  const pools = new Map<string, { pool: UpstreamPool; clusters: Set<Cluster> }>();
  const poolOf = (target: ClusterTarget, cluster: Cluster): UpstreamPool => {
    const key = poolKey(target);
    let shared = pools.get(key);
    if (shared === undefined) {
      shared = { pool: previous.pools.get(key)?.pool ?? new UpstreamPool(target, resolver), clusters: new Set() };
      pools.set(key, shared);
    }
    shared.clusters.add(cluster);
    return shared.pool;
  };
  const services = new Map<string, RoutedService>();
  const before = [...previous.services.values()].map((service) => service.compiled);
  const compiled = compileTable(table, before);
  for (const service of compiled) {
    const { migration } = service;
    services.set(migration.name, {
      name: migration.name,
      migration,
      compiled: service,
      live: previous.services.get(migration.name)?.live ?? { run: STEADY, spread: new Spread(random), probing: false },
      trusted: migration.trustedProxies.length > 0 ? compileCidrs(migration.trustedProxies) : null,
      old: poolOf(migration.old, 'old'),
      new: poolOf(migration.new, 'new'),
    });
  }
  return new RoutedTable(services, new HostIndex(compiled), pools);
}
