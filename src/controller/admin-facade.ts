/**
 * What the admin server may ask of the running proxy, answered: the state of all parts as one report, explanations, and the
 * few writes. In: names and values that were validated already. Out: reports and results; nothing here is cached.
 */
import type { AdminBackend, ExplainRequest, WriteResult } from '../admin/backend.ts';
import type { MetricsFacts } from '../admin/metric-families.ts';
import { compileService } from '../allocator/compile.ts';
import { explain } from '../allocator/explain.ts';
import type { Explanation } from '../allocator/explanation.ts';
import { imaginedFacts } from '../allocator/imagined-request.ts';
import type { FallbackView } from '../fallback/view.ts';
import { type RunState, STEADY } from '../migration/run-state.ts';
import { buildStatus } from '../status/build-status.ts';
import type { StatusReport } from '../status/report.ts';
import type { ConfigSource } from './config-source.ts';
import type { ControlledParts } from './controller.ts';

export interface FacadeOptions {
  readonly parts: ControlledParts;
  readonly source: ConfigSource;
  readonly version: string;
  readonly replica: string;
  readonly startedMs: number;
  /** What the data plane was told last. */
  readonly runStates: ReadonlyMap<string, RunState>;
  /** Null when it takes traffic, else what it waits for. */
  readonly planeNotReady: () => string | null;
  readonly registry: (facts: () => MetricsFacts) => AdminBackend['registry'];
}

const DONE = { ok: true, pending: false } as const;

/** Whoever is told "held" must be able to rely on it; but a disk that hangs must not keep them waiting. */
const KEPT_WITHIN_MS = 2_000;

export class AdminFacade implements AdminBackend {
  readonly #options: FacadeOptions;
  readonly registry: AdminBackend['registry'];

  constructor(options: FacadeOptions) {
    this.#options = options;
    this.registry = options.registry(() => this.#metricsFacts());
  }

  notReady(): string | null {
    const { parts, planeNotReady, source } = this.#options;
    return parts.configuration.isLoaded ? planeNotReady() : `no configuration yet: waiting for ${source.label}`;
  }

  status(): StatusReport {
    const { parts, replica, source, startedMs, version } = this.#options;
    const { changes, configuration, now, stats, warnings } = parts;
    return buildStatus({
      version,
      dataPlane: 'direct',
      replica,
      ready: this.notReady() === null,
      generation: configuration.table.generation,
      configHash: configuration.table.hash,
      startedMs,
      nowMs: now(),
      config: {
        source: source.label,
        loadedFrom: configuration.loadedFrom,
        loadedMs: configuration.loadedMs,
        errors: configuration.errors,
      },
      warnings: warnings.list(),
      services: configuration.table.services.map((served) => {
        const { name } = served.migration;
        return { served, fallback: this.#view(name), stats: stats.of(name), changed: changes.lastOf(name) };
      }),
    });
  }

  explain(name: string, request: ExplainRequest): Explanation | null {
    const served = this.#served(name);
    if (served === undefined) return null;
    const service = compileService(served);
    return explain(service, this.#options.runStates.get(name) ?? STEADY, imaginedFacts(service, request));
  }

  async setPercentage(name: string, percentage: number, who: string, reason: string): Promise<WriteResult> {
    const { parts, source } = this.#options;
    const forget = parts.changes.announce(name, { by: who, reason });
    try {
      const edited = await source.setPercentage(name, percentage);
      if (!edited.ok) return edited;
      const served = this.#served(name);
      const lives = served?.standing === 'valid' && served.migration.shareBp === Math.round(percentage * 100);
      const message = lives
        ? `${name}: ${percentage} % goes to new${edited.from === edited.to ? ', as before' : ''}`
        : `${name}: ${percentage} % is written to ${source.label}, but the service is in error there and stays as it was last good`;
      return { ...DONE, message };
    } finally {
      forget();
    }
  }

  async abort(name: string, who: string, reason: string): Promise<WriteResult> {
    if (!this.#options.parts.board.abort(name, who, reason)) return noSuchService(name);
    return { ...DONE, message: `${name}: held on the old cluster until it is resumed${await this.#forgotten()}` };
  }

  async resume(name: string, who: string, reason: string): Promise<WriteResult> {
    if (!this.#options.parts.board.resume(name, who, reason)) return noSuchService(name);
    return { ...DONE, message: `${name}: steady, its counters are cleared${await this.#forgotten()}` };
  }

  /** What a person's decision lacks, in words; '' once it is on disk. */
  async #forgotten(): Promise<string> {
    const { store } = this.#options.parts;
    if (store === null) return '; without --state-dir a restart forgets it';
    if (await store.isKept('state.json', KEPT_WITHIN_MS)) return '';
    return '; it could not be written to the state directory yet: a restart now would forget it';
  }

  #served(name: string) {
    return this.#options.parts.configuration.table.services.find(({ migration }) => migration.name === name);
  }

  #view(name: string): FallbackView {
    const view = this.#options.parts.board.view(name);
    if (view === null) throw new Error(`the fallback board does not hold ${name}, which is served`);
    return view;
  }

  #metricsFacts(): MetricsFacts {
    const { board, configuration, plane, stats } = this.#options.parts;
    return {
      generation: configuration.table.generation,
      configErrors: configuration.errors.length,
      lastSuccessMs: configuration.lastSuccessMs,
      connections: plane.connections(),
      refusals: stats.refusals(),
      services: configuration.table.services.map(({ migration: { name, shareBp } }) => ({
        name,
        percentage: shareBp / 100,
        state: this.#view(name).state,
        fallbacks: board.tripsDecided(name),
        stats: stats.of(name),
      })),
    };
  }
}

function noSuchService(name: string): WriteResult {
  return { ok: false, code: 'no_such_service', message: `no service ${JSON.stringify(name)} is served` };
}
