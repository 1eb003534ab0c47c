/**
 * What the admin server may ask of the running proxy, answered: the state of all parts as one report, explanations, and the
 * few writes. In: names and values that were validated already. Out: reports and results; nothing here is cached.
 */
import type {
  AdminBackend,
  EditWish,
  ExplainRequest,
  Overview,
  ReplicaSeen,
  StatusInPieces,
  WriteResult,
} from '../admin/backend.ts';
import type { MetricsFacts } from '../admin/metric-families.ts';
import { compileService } from '../allocator/compile.ts';
import { explain } from '../allocator/explain.ts';
import type { SourcedExplanation } from '../allocator/explanation.ts';
import { imaginedFacts } from '../allocator/imagined-request.ts';
import type { ConfigError } from '../migration/errors.ts';
import type { ServedMigration } from '../migration/model.ts';
import { STEADY } from '../migration/run-state.ts';
import { buildServiceReport, buildStatusHead } from '../status/build-status.ts';
import type { HistoryEntry } from '../status/history-entries.ts';
import type { NginxFacts } from '../status/nginx-facts.ts';
import type { ServiceReport } from '../status/report.ts';
import type { ClusterFacts } from './cluster-link.ts';
import type { ConfigSource } from './config-source.ts';
import type { ControlledParts } from './controller.ts';
import { missingToServe } from './readiness.ts';
import { replicasSeen } from './replicas-seen.ts';

export interface FacadeOptions {
  readonly parts: ControlledParts;
  readonly source: ConfigSource;
  readonly version: string;
  readonly replica: string;
  readonly startedMs: number;
  /** Null when it takes traffic, else what it waits for. */
  readonly planeNotReady: () => string | null;
  readonly metrics: (facts: () => MetricsFacts) => AdminBackend['metrics'];
}

const DONE = { ok: true, pending: false } as const;

/** Whoever is told "held" must be able to rely on it; but a disk that hangs must not keep them waiting. */
const KEPT_WITHIN_MS = 2_000;

export class AdminFacade implements AdminBackend {
  readonly #options: FacadeOptions;
  readonly metrics: AdminBackend['metrics'];

  constructor(options: FacadeOptions) {
    this.#options = options;
    this.metrics = options.metrics(() => this.#metricsFacts());
  }

  notReady(): string | null {
    const { parts, planeNotReady, source } = this.#options;
    const missing = missingToServe(parts, source.label);
    if (missing !== null) return missing;
    const isDown = parts.nginx !== null && !parts.nginx().up;
    return planeNotReady() ?? (isDown ? 'nginx has ended and is started again' : null);
  }

  status(): StatusInPieces {
    const { parts, replica, source, startedMs, version } = this.#options;
    const { configuration, now, warnings } = parts;
    const nowMs = now();
    const cluster = parts.cluster?.facts() ?? null;
    const nginx = parts.nginx?.() ?? null;
    const head = buildStatusHead({
      version,
      cluster,
      nginx,
      replica,
      ready: this.notReady() === null,
      generation: configuration.table.generation,
      configHash: configuration.table.hash,
      startedMs,
      nowMs,
      config: {
        source: source.label,
        loadedFrom: configuration.loadedFrom,
        loadedMs: configuration.loadedMs,
        errors: [...configuration.errors, ...this.#nginxErrors(nginx)],
      },
      warnings: [...warnings.list(), ...nginxWarnings(nginx), ...sharingWarnings(cluster)],
    });
    return { ...head, services: this.#reports(configuration.table.services, nowMs) };
  }

  service(name: string): ServiceReport | null {
    const served = this.#served(name);
    return served === undefined ? null : this.#report(served, this.#options.parts.now());
  }

  overview(): Overview {
    const { board, configuration } = this.#options.parts;
    const services = configuration.table.services.flatMap(({ migration, standing }) => {
      const view = board.view(migration.name);
      if (view === null) return [];
      const { hold, state } = view;
      return [{ state, held: hold !== null, stale: standing === 'stale', invalid: standing === 'invalid' }];
    });
    return { generation: configuration.table.generation, configErrors: this.#errorCount(), services };
  }

  async history(): Promise<readonly HistoryEntry[]> {
    await this.#options.parts.cluster?.refreshHistory();
    return this.#options.parts.history.entries();
  }

  explain(name: string, request: ExplainRequest): SourcedExplanation | null {
    const served = this.#served(name);
    if (served === undefined) return null;
    const service = compileService(served);
    const run = this.#options.parts.board.runState(name) ?? STEADY;
    return { ...explain(service, run, imaginedFacts(service, request)), source: this.#sourceOf(name) };
  }

  async setPercentage(name: string, percentage: number, edit: EditWish): Promise<WriteResult> {
    const { parts, source } = this.#options;
    if (edit.mode === 'preview') return this.#preview(name, percentage, edit);
    const forget = parts.changes.announce(name, { by: edit.who, reason: edit.reason });
    try {
      const edited = await source.setPercentage({ service: name, percentage, ...edit });
      if (!edited.ok) return edited;
      const note = edited.note === undefined ? '' : `; ${edited.note}`;
      const served = this.#served(name);
      const lives = served?.standing === 'valid' && served.migration.shareBp === Math.round(percentage * 100);
      const { nginx } = parts;
      const behind = nginx !== null && nginx().runningGeneration !== parts.configuration.table.generation;
      if (lives && behind) {
        const why = nginx().lastReload?.error ?? 'it does not answer yet';
        return { ...DONE, message: `${name}: ${percentage} % is written, but nginx does not run it: ${why}${note}` };
      }
      const message = lives
        ? `${name}: ${percentage} % goes to new${edited.from === edited.to ? ', as before' : ''}`
        : `${name}: ${percentage} % is written to ${source.label}, but the service is in error there and stays as it was last good`;
      return { ...DONE, message: `${message}${note}` };
    } finally {
      forget();
    }
  }

  async #preview(name: string, percentage: number, edit: EditWish): Promise<WriteResult> {
    const edited = await this.#options.source.setPercentage({ service: name, percentage, ...edit });
    if (!edited.ok) return edited;
    const { from, to, note, difference = '' } = edited;
    const change = from === to ? `it is ${to} % already` : `${from === null ? 'not set' : `${from} %`} -> ${to} %`;
    const message = `${name}: ${change}; nothing was written${note === undefined ? '' : `; ${note}`}`;
    return { ...DONE, message, difference };
  }

  /** Those that answer, as far as is known: a caller's token goes to the addresses of those that are fresh. */
  replicas(): readonly ReplicaSeen[] {
    const { parts, replica } = this.#options;
    return parts.cluster === null ? [] : replicasSeen(parts.cluster.facts(), replica, parts.now());
  }

  async abort(name: string, who: string, reason: string): Promise<WriteResult> {
    if (!this.#options.parts.board.abort(name, who, reason)) return noSuchService(name);
    return this.#decided(name, `${name}: held on the old cluster until it is resumed`);
  }

  async resume(name: string, who: string, reason: string): Promise<WriteResult> {
    if (!this.#options.parts.board.resume(name, who, reason)) return noSuchService(name);
    this.#options.parts.happenings.resumed(name, who, reason);
    const result = await this.#decided(name, `${name}: steady, its counters are cleared`);
    const hold = this.#options.parts.board.view(name)?.hold ?? null;
    if (hold === null || !result.ok) return result;
    return { ...result, message: `${name}: held by ${hold.by}, of which this replica hears only now; resume it again` };
  }

  /** A person's decision, in effect here: what becomes of it elsewhere, and after a restart. */
  async #decided(name: string, message: string): Promise<WriteResult> {
    const { cluster } = this.#options.parts;
    if (cluster === null) return { ...DONE, message: message + (await this.#forgotten()) };
    const where = 'run state, there is nothing to commit';
    if (await cluster.isShared(name, KEPT_WITHIN_MS)) return { ...DONE, message: `${message} (${where})` };
    const { apiServer, statesProblem } = cluster.facts();
    const why = statesProblem ?? apiServer.problem ?? 'the API server has not answered yet';
    const pending = `on this replica alone until the others can be told: ${why}${await this.#forgotten()}`;
    return { ok: true, pending: true, message: `${message}; ${pending}` };
  }

  /** What a person's decision lacks, in words; '' once it is on disk. */
  async #forgotten(): Promise<string> {
    const { store } = this.#options.parts;
    if (store === null) return '; without --state-dir a restart forgets it';
    if (await store.isKept('state.json', KEPT_WITHIN_MS)) return '';
    return '; it could not be written to the state directory yet: a restart now would forget it';
  }

  #errorCount(): number {
    const { configuration, nginx } = this.#options.parts;
    return configuration.errors.length + (nginx?.().refusals.length ?? 0);
  }

  /** Right as configuration: often no more can be said of the place than which service it is. */
  #nginxErrors(nginx: NginxFacts | null): readonly ConfigError[] {
    const { configuration } = this.#options.parts;
    return (nginx?.refusals ?? []).map(({ service, key, message }) => {
      const file = this.#sourceOf(service).replace(/^file:/, '');
      const place = configuration.placeOf(service, key ?? null);
      return { code: 'nginx_refused', service, file, line: 1, column: 1, path: '', ...place, message };
    });
  }

  /** Of a file the name that its user gave it. */
  #sourceOf(service: string): string {
    const { parts, source } = this.#options;
    return parts.cluster === null ? source.label : (parts.configuration.sourceOf(service) ?? source.label);
  }

  #served(name: string) {
    return this.#options.parts.configuration.table.services.find(({ migration }) => migration.name === name);
  }

  *#reports(services: readonly ServedMigration[], nowMs: number): Generator<ServiceReport> {
    for (const served of services) {
      const report = this.#report(served, nowMs);
      if (report !== null) yield report;
    }
  }

  /** Null: it was taken out of the configuration a moment ago. */
  #report(served: ServedMigration, nowMs: number): ServiceReport | null {
    const { board, changes, stats } = this.#options.parts;
    const { name } = served.migration;
    const fallback = board.view(name);
    if (fallback === null) return null;
    const source = this.#sourceOf(name);
    return buildServiceReport(
      { served, source, fallback, stats: stats.of(name), changed: changes.lastOf(name) },
      nowMs,
    );
  }

  #metricsFacts(): MetricsFacts {
    const { board, cluster, configuration, nginx, plane, stats } = this.#options.parts;
    return {
      generation: configuration.table.generation,
      configErrors: this.#errorCount(),
      lastSuccessMs: configuration.lastSuccessMs,
      connections: plane.connections(),
      nginx: nginx?.() ?? null,
      cluster: cluster === null ? null : clusterMetrics(cluster.facts()),
      refusals: stats.refusals(),
      services: configuration.table.services.map(({ migration: { name, shareBp } }) => ({
        name,
        percentage: shareBp / 100,
        state: board.runState(name)?.state ?? 'steady',
        fallbacks: board.tripsDecided(name),
        stats: stats.of(name),
      })),
    };
  }
}

function clusterMetrics({ apiServer, isLeader, replicas, sharedWrites }: ClusterFacts): MetricsFacts['cluster'] {
  const { connected, lastHeardMs } = apiServer;
  return { connected, isLeader, replicas: replicas.length, sharedWrites: { ...sharedWrites }, lastHeardMs };
}

function nginxWarnings(nginx: NginxFacts | null): StatusInPieces['warnings'] {
  return (nginx?.warnings ?? []).map((message) => ({ code: 'nginx', service: null, message }));
}

/** Of an API server that does not answer at all the head says so. */
function sharingWarnings(cluster: ClusterFacts | null): StatusInPieces['warnings'] {
  if (cluster === null || cluster.statesProblem === null || !cluster.apiServer.connected) return [];
  const message = `states of services are not shared with the other replicas: ${cluster.statesProblem}`;
  return [{ code: 'not_shared', service: null, message }];
}

function noSuchService(name: string): WriteResult {
  return { ok: false, code: 'no_such_service', message: `no service ${JSON.stringify(name)} is served` };
}
