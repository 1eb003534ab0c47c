/**
 * The control loop: source -> batch -> configuration -> data plane, fallback, checks, statistics. In: versions of the source.
 * Out: the parts obey the newest one, what was good is kept on disk, and every change has a line in the log. It decides
 * nothing about requests, and loses nothing when a source breaks: what was served goes on.
 */
import type { CheckSchedule } from '../checks/schedule.ts';
import type { SourceRead } from '../migration/candidates.ts';
import type { OwnAddress } from '../migration/own-address.ts';
import type { DataPlane } from '../status/data-plane.ts';
import type { NginxFacts } from '../status/nginx-facts.ts';
import type { ProxyStats } from '../status/proxy-stats.ts';
import { BatchLoop } from './batch-loop.ts';
import type { ChangeLog } from './change-log.ts';
import type { ClusterLink } from './cluster-link.ts';
import type { ConfigSource } from './config-source.ts';
import type { Configuration } from './configuration.ts';
import type { FallbackBoard } from './fallback-board.ts';
import type { ForwarderWarnings } from './forwarder-warnings.ts';
import type { Happenings } from './happenings.ts';
import type { History } from './history.ts';
import type { Log } from './log.ts';
import { missingToServe } from './readiness.ts';
import type { StateStore } from './state-store.ts';

export interface ControlledParts {
  readonly configuration: Configuration;
  readonly plane: DataPlane;
  /** How nginx stands; null with the direct plane. */
  readonly nginx: (() => NginxFacts) | null;
  readonly board: FallbackBoard;
  readonly checks: CheckSchedule;
  readonly stats: ProxyStats;
  readonly warnings: ForwarderWarnings;
  readonly changes: ChangeLog;
  readonly happenings: Happenings;
  readonly history: History;
  /** Null: nothing is kept over a restart. */
  readonly store: StateStore | null;
  /** Null: the configuration is a local file. */
  readonly cluster: ClusterLink | null;
  readonly log: Log;
  /** Epoch ms. */
  readonly now: () => number;
  /** Where we ourselves can be reached, asked at each change. */
  readonly ownAddresses: () => readonly OwnAddress[];
}

export class Controller {
  readonly #parts: ControlledParts;
  readonly #source: ConfigSource;
  readonly #loop: BatchLoop<readonly SourceRead[]>;
  #whenLoaded: () => void = () => {};
  #isClosed = false;
  /** Resolves when there is all that is needed to serve: a configuration, and in a cluster the run states. */
  readonly loaded: Promise<void>;

  constructor(parts: ControlledParts, source: ConfigSource) {
    this.#parts = parts;
    this.#source = source;
    this.#loop = new BatchLoop((batch) => this.#apply(batch.flat()));
    this.loaded = new Promise((resolve) => {
      this.#whenLoaded = resolve;
    });
  }

  /** Takes up what the last process and other replicas left, then the source. Resolves when its first version has been dealt with. */
  async start(): Promise<void> {
    this.#restore();
    await this.#takeUp();
    // The end came first.
    if (this.#isClosed) return;
    await this.#source.start((reads) => this.#loop.push(reads), this.#parts.configuration.sourceIds);
  }

  /** Reads the source now, whether it seems to have changed or not. */
  async reread(): Promise<void> {
    const { log } = this.#parts;
    log.info({ source: this.#source.label }, 'reading the configuration again');
    await this.#source.reread();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#source.close();
    this.#parts.checks.stop();
    this.#parts.board.stop();
  }

  #restore(): void {
    const { board, configuration, history, log, store } = this.#parts;
    if (store === null) return;
    const state = store.found('state.json');
    const problems = state === undefined ? [] : [...board.restore(state)];
    const lastGood = store.found('last-good.json');
    if (lastGood !== undefined && !configuration.restore(lastGood)) {
      problems.push('the last good configuration is of another format: starting without it');
    }
    const past = store.found('history.json');
    if (past !== undefined && !history.restore(past)) problems.push('the history is of another format: it begins anew');
    for (const problem of problems) log.warn({ code: 'state_dir' }, problem);
  }

  /** What all replicas keep is newer than this one's disk. */
  async #takeUp(): Promise<void> {
    const { cluster } = this.#parts;
    if (cluster === null) return;
    cluster.onStates = () => this.#lookWhatIsMissing();
    this.#restoreKept(await cluster.takeUp());
  }

  /** The API server was away when this replica started and answers now: what it says may be broken, and is not all there is. */
  async #takeUpLate(reads: readonly SourceRead[]): Promise<void> {
    const { cluster, configuration } = this.#parts;
    const isFirst = configuration.loadedMs === null && reads.some(({ version }) => version !== undefined);
    if (cluster === null || cluster.knowsLastGood || !isFirst) return;
    this.#restoreKept(await cluster.readLastGood());
  }

  #restoreKept(lastGood: unknown): void {
    const { configuration, log } = this.#parts;
    if (lastGood !== null && !configuration.restore(lastGood)) {
      log.warn({ code: 'kept_foreign' }, 'the last good configuration of the replicas is of another format');
    }
  }

  #lookWhatIsMissing(): void {
    if (missingToServe(this.#parts, this.#source.label) === null) this.#whenLoaded();
  }

  async #apply(reads: readonly SourceRead[]): Promise<void> {
    const { cluster, configuration, happenings, log, now, ownAddresses, plane, store } = this.#parts;
    await this.#takeUpLate(reads);
    const before = configuration.table;
    const table = configuration.take(reads, ownAddresses(), now());
    happenings.rejected(configuration, reads);
    if (!configuration.isLoaded) {
      log.warn({ source: this.#source.label }, `not ready: waiting for a configuration in ${this.#source.label}`);
      return;
    }
    if (table !== before) {
      this.#obey();
      happenings.applied(configuration, before, reads);
    }
    if (before.generation === 0) this.#announce();
    store?.save('last-good.json', () => configuration.toLastGood());
    cluster?.saveLastGood(() => configuration.toLastGood());
    if (table !== before) cluster?.announce();
    this.#lookWhatIsMissing();
    // Whoever changed something is answered once it is live.
    await plane.settled?.();
  }

  /** One turn of the event loop for all: no request sees the parts disagree. */
  #obey(): void {
    const { board, checks, configuration, plane, stats, warnings } = this.#parts;
    const { table } = configuration;
    stats.hold(table.services.map(({ migration }) => migration.name));
    plane.apply(table);
    board.apply(table.services);
    checks.apply(table.services);
    warnings.apply(table.services);
  }

  #announce(): void {
    const { configuration, log } = this.#parts;
    const { loadedFrom, table } = configuration;
    const fields = { source: this.#source.label, loaded_from: loadedFrom, services: table.services.length };
    if (loadedFrom === 'source') log.info(fields, `serving ${table.services.length} services`);
    else log.warn(fields, `serving ${table.services.length} services as they were last good`);
  }
}
