/**
 * All parts of the proxy, made and connected, none of them started. In: the options of `run`. Out: the parts that have a life of
 * their own. This is the one place that knows them all.
 */
import { lookup } from 'node:dns';
import { hostname, networkInterfaces } from 'node:os';
import { AccessLog } from '../admin/access-log.ts';
import { createMetrics } from '../admin/metrics.ts';
import { replicaProof } from '../admin/replica-proof.ts';
import { type AdminServer, type AdminServerOptions, createAdminServer } from '../admin/server.ts';
import { checkTarget } from '../checks/check-target.ts';
import { addressesBy, inTurns } from '../checks/look-up-turns.ts';
import { CheckSchedule } from '../checks/schedule.ts';
import { sharedLookup } from '../checks/shared-lookup.ts';
import { AdminFacade } from '../controller/admin-facade.ts';
import { ChangeLog } from '../controller/change-log.ts';
import type { ClusterFacts, ClusterLink } from '../controller/cluster-link.ts';
import type { ConfigSource } from '../controller/config-source.ts';
import { Configuration } from '../controller/configuration.ts';
import { type ControlledParts, Controller } from '../controller/controller.ts';
import { FallbackBoard } from '../controller/fallback-board.ts';
import { ForwarderWarnings } from '../controller/forwarder-warnings.ts';
import type { Happening } from '../controller/happening.ts';
import { Happenings } from '../controller/happenings.ts';
import { History } from '../controller/history.ts';
import type { Log } from '../controller/log.ts';
import { ownAddresses } from '../controller/own-addresses.ts';
import { PlaneObserver } from '../controller/plane-observer.ts';
import { SharedStates } from '../controller/shared-states.ts';
import type { StateStore } from '../controller/state-store.ts';
import { DirectPlane } from '../proxy/direct-plane.ts';
import { ProxyStats } from '../status/proxy-stats.ts';
import { now, setTimer } from './clock.ts';
import type { InCluster } from './in-cluster.ts';
import { replicaAddress } from './replica-address.ts';
import { limitsOf, type RunOptions } from './run-options.ts';
import type { MakePlane, PlaneSurroundings, TrafficPlane } from './traffic-plane.ts';

export interface Surroundings {
  readonly source: ConfigSource;
  /** Null: the configuration is a local file. */
  readonly inCluster: InCluster | null;
  readonly store: StateStore | null;
  readonly token: AdminServerOptions['token'];
  readonly version: string;
  readonly log: Log;
  /** Null when the data plane takes traffic, else what it waits for. */
  readonly planeNotReady: () => string | null;
  /** Null: the direct plane, which needs nothing that is not here. */
  readonly makePlane: MakePlane | null;
}

export interface Assembly {
  readonly controller: Controller;
  readonly cluster: ClusterLink | null;
  readonly plane: TrafficPlane;
  readonly admin: AdminServer;
  readonly accessLog: AccessLog;
}

export function assemble(options: RunOptions, around: Surroundings): Assembly {
  const { inCluster, log, source, store, version } = around;
  const replica = process.env.POD_NAME ?? `${hostname()}:${options.listen.port}`;
  const stats = new ProxyStats();
  const warnings = new ForwarderWarnings();
  const accessLog = new AccessLog({ mode: options.accessLog });
  const history = new History();
  history.onChange(() => store?.save('history.json', () => history.toStored()));
  const changes = new ChangeLog(() => history.entries());
  const onEvent = inCluster === null ? null : (happening: Happening) => cluster?.tell(happening);
  const happenings = new Happenings({ log, history, changes, onEvent, replica, source: source.label, now });
  const random = Math.random;
  const leads = () => cluster?.isLeader ?? false;
  const values = inCluster?.values;
  const serveAlike = () => cluster !== null && doServeAlike(cluster.facts());
  const states = values ? new SharedStates({ values, now, random, setTimer, leads, serveAlike, log }) : null;
  const board: FallbackBoard = new FallbackBoard({
    now,
    random,
    setTimer,
    replica,
    replicas: states,
    onRunState: (service, run) => plane.setRunState(service, run),
    onTransition: (service, from, to, view) => happenings.transition(service, from, to, view),
    onBothFailing: (service, view) => happenings.bothFailing(service, view),
    onDirty: () => store?.save('state.json', () => JSON.stringify(board.toStored())),
    requestCheck: (service) => checks.checkNow(service, 'new'),
  });
  const lookupInTurn = inTurns({ lookup, setTimer, atOnce: lookUpsAtOnce() });
  const lookupOnce = sharedLookup(lookupInTurn);
  const checks = new CheckSchedule({
    now,
    random,
    setTimer,
    check: (target, signal) => checkTarget(target, { now, signal, lookup: lookupOnce }),
    onResult: (service, cluster, { error }) => board.check(service, cluster, error),
  });
  const observer = new PlaneObserver({ board, stats, accessLog, warnings, log });
  const makePlane = around.makePlane ?? ((direct) => directPlane(options, direct));
  const plane: TrafficPlane = makePlane({
    observer,
    now,
    setTimer,
    lookup: addressesBy(lookupInTurn),
    log,
    onRefusals: (refusals) => happenings.refused(refusals),
  });
  const configuration = new Configuration();
  let adminAt: { readonly host: string; readonly port: number } | null = null;
  const address = () => adminAt && replicaAddress(adminAt, process.env.POD_IP);
  const cluster: ClusterLink | null =
    inCluster === null || states === null
      ? null
      : inCluster.join({
          name: replica,
          version,
          address,
          proof: () => proofOf(around.token, replica, address()),
          configHash: () => configuration.table.hash,
          isLoaded: () => configuration.table.generation > 0,
          isWhole: () => configuration.table.generation > 0 && configuration.errors.length === 0,
          history,
          startStates: () => states.start(board),
          states,
        });
  const parts: ControlledParts = {
    configuration,
    plane,
    nginx: plane.facts === undefined ? null : () => plane.facts!(),
    board,
    checks,
    stats,
    warnings,
    changes,
    happenings,
    history,
    store,
    cluster,
    log,
    now,
    ownAddresses: () => ownAddresses([options.listen, options.adminListen], networkInterfaces(), hostname()),
  };
  const backend = new AdminFacade({
    parts,
    source,
    version,
    replica,
    startedMs: now(),
    planeNotReady: around.planeNotReady,
    metrics: createMetrics,
  });
  const admin = createAdminServer({
    backend,
    version,
    replica,
    token: around.token,
    withoutToken: inCluster === null ? 'loopback' : 'refuse',
    listen: boundHost(options.adminListen),
    onError: (error) => log.error({ err: error }, 'the admin server could not answer a request'),
  });
  const listen = async () => {
    adminAt = await admin.listen();
    return adminAt;
  };
  return { controller: new Controller(parts, source), cluster, plane, admin: { ...admin, listen }, accessLog };
}

function doServeAlike({ apiServer, replicas }: ClusterFacts): boolean {
  return apiServer.connected && new Set(replicas.map(({ configHash }) => configHash)).size === 1;
}

function proofOf(token: Surroundings['token'], replica: string, address: string | null): string | null {
  const known = typeof token === 'function' ? token() : token;
  return known === null || address === null ? null : replicaProof(known, replica, address);
}

function directPlane(options: RunOptions, { observer, now, log, lookup }: PlaneSurroundings): TrafficPlane {
  return new DirectPlane({
    listen: boundHost(options.listen),
    instance: options.instance,
    observer,
    limits: limitsOf(options),
    lookup,
    now,
    onFault: (error) => log.error({ err: error }, 'a fault of the data plane ended one connection'),
  });
}

/** libuv gives half of its threads to what may take long (src/threadpool.c); it has four where nothing is said. */
function lookUpsAtOnce(): number {
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  return Number.isInteger(threads) && threads > 0 ? Math.floor((threads + 1) / 2) : 2;
}

/** To node '' is every address, IPv6 and IPv4, or IPv4 alone where there is no IPv6. */
function boundHost({ host, port }: RunOptions['listen']): { host: string; port: number } {
  return { host: host ?? '', port };
}
