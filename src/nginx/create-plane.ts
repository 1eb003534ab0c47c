/**
 * The nginx plane and all its parts, made and connected, none of them started. In: settings, what hears of requests. Out: the
 * plane. The one place that knows them all.
 */
import { lookup } from 'node:dns/promises';
import { join } from 'node:path';
import type { SetTimer } from '../checks/schedule.ts';
import type { DataPlaneObserver } from '../status/data-plane.ts';
import { AddressKeeper } from './address-keeper.ts';
import type { CaBundle } from './ca-bundle.ts';
import { ConnectionCount } from './connection-count.ts';
import { FlagFiles } from './flag-files.ts';
import { NginxPlane, type PlaneEvent } from './nginx-plane.ts';
import { OutcomeReader } from './observe/outcome-reader.ts';
import type { PlaneProcess } from './plane-parts.ts';
import { refusedServices } from './process/bisect.ts';
import { Mender } from './process/mend.ts';
import { NginxProcess } from './process/nginx-process.ts';
import type { NginxEvent, StartedBy } from './process/options.ts';
import { RunningProgram } from './process/running-program.ts';
import { render } from './renderer.ts';
import type { Rendered } from './text/rendered.ts';
import type { NginxSettings } from './text/settings.ts';
import { acceptingWorkers, haveLeft } from './turnover.ts';

export interface CreateOptions {
  readonly settings: NginxSettings;
  /** What `settings.caBundle` and `settings.caDirectory` name. */
  readonly bundle: CaBundle;
  /** Path of the program. */
  readonly nginx: string;
  readonly startedBy: StartedBy;
  readonly observer: DataPlaneObserver;
  /** Addresses of a name; rejects, or gives none, where it has none. The system's own where nothing is said. */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
  /** Epoch ms, never going back. */
  readonly now: () => number;
  readonly setTimer: SetTimer;
  readonly onEvent: (event: PlaneEvent | NginxEvent | PlaneProblem) => void;
}

/** Nginx tells the old workers to leave 100 ms after the new ones were started. */
const TURNOVER_MS = 1_000;
/** A look costs a `stat`, and reading the names of the flags that there are. */
const ATTEND_MS = 1_000;

/** Something goes wrong that no reload is to blame for. */
export interface PlaneProblem {
  readonly kind: 'problem';
  readonly message: string;
}

export function createNginxPlane(options: CreateOptions): NginxPlane {
  const { bundle, nginx, now, observer, onEvent, settings, setTimer, startedBy } = options;
  const { directory } = settings;
  const onProblem = (message: string): void => onEvent({ kind: 'problem', message });
  const program = new RunningProgram(nginx);
  const process = new NginxProcess({
    directory,
    nginx,
    startedBy,
    workerUser: settings.user,
    checkedBy: async (pid) => (await program.look(pid))?.program ?? null,
    now,
    onEvent: (event) => {
      onEvent(event);
      if (event.kind === 'exited') outcomes.nginxEnded();
      if (event.kind === 'restarted') plane.refresh();
    },
  });
  const flags = new FlagFiles({ directory: join(directory, 'flags'), now, onProblem });
  const addresses = new AddressKeeper({
    now,
    random: Math.random,
    lookup: options.lookup ?? systemLookup,
    setTimer,
    onChange: () => plane.refresh(),
  });
  const outcomes = new OutcomeReader({
    directory,
    observer,
    now,
    factsOf: (service) => plane.migrationOf(service),
    reopen: () => process.reopenLogs(),
    onProblem,
  });
  const connections = new ConnectionCount(
    async () => {
      const open = await process.connections();
      // One of them asks.
      return open === null ? null : Math.max(0, open.active - 1);
    },
    now,
    setTimer,
  );
  const plane: NginxPlane = new NginxPlane({
    process: answeringOnceOver(process, now),
    flags,
    addresses,
    render: async (services, addresses) => {
      const version = (await program.look(process.pid()))?.version ?? settings.version;
      return withBundle(await render({ services, addresses, settings: { ...settings, version } }), bundle);
    },
    findRefused: refusedServices,
    outcomes,
    connections: () => connections.get(),
    problems: () => [flags.problem, replaced].filter((problem) => problem !== null),
    now,
    setTimer,
    onEvent,
  });
  /** What is to be said of a program that is no longer the one that runs. */
  let replaced: string | null = null;
  const mender = new Mender(process, { directory, now, onEvent });
  // Somebody may clean up /dev/shm, as systemd does when a user logs out: services that fell back would go to new again.
  const attend = async (): Promise<void> => {
    const words = (await program.look(process.pid()))?.words ?? null;
    if (words !== null && words !== replaced) onEvent({ kind: 'warning', message: words });
    replaced = words;
    if (process.pid() !== null) {
      await mender.look();
      flags.reconcile();
    }
    setTimer(() => void attend(), ATTEND_MS);
  };
  setTimer(() => void attend(), ATTEND_MS);
  return plane;
}

async function systemLookup(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function answeringOnceOver(process: NginxProcess, now: () => number): PlaneProcess {
  return {
    check: (candidate) => process.check(candidate),
    adopt: () => process.adopt(),
    stop: (graceMs) => process.stop(graceMs),
    runningToken: () => process.runningToken(),
    install: async (candidate) => {
      const before = await acceptingWorkers(process.pid());
      const result = await process.install(candidate);
      if (result.ok) await haveLeft(before, TURNOVER_MS, now);
      return result;
    },
  };
}

function withBundle(rendered: Rendered, bundle: CaBundle): Rendered {
  return { ...rendered, files: new Map([...rendered.files, ...bundle.filesFor(rendered.text)]) };
}
