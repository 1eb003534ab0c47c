/**
 * All parts of the proxy, made and connected, none of them started. In: the options of `run`. Out: the parts that have a life of
 * their own. This is the one place that knows them all.
 */
import { lookup } from 'node:dns';
import { hostname, networkInterfaces } from 'node:os';
import { AccessLog } from '../admin/access-log.ts';
import { createMetrics } from '../admin/metrics.ts';
import { type AdminServer, createAdminServer } from '../admin/server.ts';
import { checkTarget } from '../checks/check-target.ts';
import { CheckSchedule, type SetTimer } from '../checks/schedule.ts';
import { sharedLookup } from '../checks/shared-lookup.ts';
import { AdminFacade } from '../controller/admin-facade.ts';
import { ChangeLog } from '../controller/change-log.ts';
import type { ConfigSource } from '../controller/config-source.ts';
import { Configuration } from '../controller/configuration.ts';
import { type ControlledParts, Controller } from '../controller/controller.ts';
import { FallbackBoard } from '../controller/fallback-board.ts';
import { ForwarderWarnings } from '../controller/forwarder-warnings.ts';
import { Happenings } from '../controller/happenings.ts';
import { History } from '../controller/history.ts';
import type { Log } from '../controller/log.ts';
import { ownAddresses } from '../controller/own-addresses.ts';
import { PlaneObserver } from '../controller/plane-observer.ts';
import type { StateStore } from '../controller/state-store.ts';
import { DirectPlane } from '../proxy/direct-plane.ts';
import { ProxyStats } from '../status/proxy-stats.ts';
import { limitsOf, type RunOptions } from './run-options.ts';
import type { MakePlane, PlaneSurroundings, TrafficPlane } from './traffic-plane.ts';

export interface Surroundings {
  readonly source: ConfigSource;
  readonly store: StateStore | null;
  readonly token: string | null;
  readonly version: string;
  readonly log: Log;
  /** Null when the data plane takes traffic, else what it waits for. */
  readonly planeNotReady: () => string | null;
  /** Null: the direct plane, which needs nothing that is not here. */
  readonly makePlane: MakePlane | null;
}

export interface Assembly {
  readonly controller: Controller;
  readonly plane: TrafficPlane;
  readonly admin: AdminServer;
  readonly accessLog: AccessLog;
}

export const setTimer: SetTimer = (fire, delayMs) => {
  // Longer waits would fire at once; whoever asks for one is asked again after 24 days.
  const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), 2 ** 31 - 1)).unref();
  return () => clearTimeout(timer);
};

const ORIGIN_MS = performance.timeOrigin;
/** One clock for all parts: an outcome's times are compared with those of states. Asked for several times a request. */
export const now = (): number => ORIGIN_MS + performance.now();

export function assemble(options: RunOptions, around: Surroundings): Assembly {
  const { log, source, store, version } = around;
  const replica = process.env.POD_NAME ?? `${hostname()}:${options.listen.port}`;
  const stats = new ProxyStats();
  const warnings = new ForwarderWarnings();
  const accessLog = new AccessLog({ mode: options.accessLog });
  const history = new History();
  history.onChange(() => store?.save('history.json', () => history.toStored()));
  const changes = new ChangeLog();
  const happenings = new Happenings({ log, history, changes, onEvent: null, replica, source: source.label, now });
  const board: FallbackBoard = new FallbackBoard({
    now,
    random: Math.random,
    setTimer,
    replica,
    onRunState: (service, run) => plane.setRunState(service, run),
    onTransition: (service, from, to, view) => happenings.transition(service, from, to, view),
    onBothFailing: (service, view) => happenings.bothFailing(service, view),
    onDirty: () => store?.save('state.json', () => JSON.stringify(board.toStored())),
    requestCheck: (service) => checks.checkNow(service, 'new'),
  });
  const lookupOnce = sharedLookup(lookup);
  const checks = new CheckSchedule({
    now,
    random: Math.random,
    setTimer,
    check: (target, signal) => checkTarget(target, { now, signal, lookup: lookupOnce }),
    onResult: (service, cluster, { error }) => board.check(service, cluster, error),
  });
  const observer = new PlaneObserver({ board, stats, accessLog, warnings, log });
  const makePlane = around.makePlane ?? ((direct) => directPlane(options, direct));
  const plane: TrafficPlane = makePlane({ observer, now, setTimer, log });
  const parts: ControlledParts = {
    configuration: new Configuration(),
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
    listen: boundHost(options.adminListen),
    onError: (error) => log.error({ err: error }, 'the admin server could not answer a request'),
  });
  return { controller: new Controller(parts, source), plane, admin, accessLog };
}

function directPlane(options: RunOptions, { observer, now, log }: PlaneSurroundings): TrafficPlane {
  return new DirectPlane({
    listen: boundHost(options.listen),
    instance: options.instance,
    observer,
    limits: limitsOf(options),
    now,
    onFault: (error) => log.error({ err: error }, 'a fault of the data plane ended one connection'),
  });
}

/** To node '' is every address, IPv6 and IPv4, or IPv4 alone where there is no IPv6. */
function boundHost({ host, port }: RunOptions['listen']): { host: string; port: number } {
  return { host: host ?? '', port };
}
