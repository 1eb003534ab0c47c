/**
 * Everything that happens to services, told once: to the log, to the history and, where there is a cluster, as Events. In: what the
 * control loop has just applied, steps of fallbacks, a person's resume. Out: lines and happenings. It decides nothing and
 * remembers only what keeps it from telling the same thing twice.
 */
import type { FallbackView } from '../fallback/view.ts';
import type { SourceRead } from '../migration/candidates.ts';
import type { ConfigError } from '../migration/errors.ts';
import type { RunStateName } from '../migration/run-state.ts';
import type { RoutingTable } from '../routing/table.ts';
import type { NginxRefusal } from '../status/nginx-facts.ts';
import { appliedHappenings, type MadeChange } from './applied-happenings.ts';
import type { ChangeLog } from './change-log.ts';
import { changesBetween } from './changes.ts';
import { ErrorLog } from './error-log.ts';
import { fallbackHappening } from './fallback-happening.ts';
import type { Happening } from './happening.ts';
import type { History } from './history.ts';
import type { Log } from './log.ts';
import { Refusals } from './refusals.ts';
import { Rejections } from './rejections.ts';
import { Reverts } from './reverts.ts';
import { authorOf, NOWHERE, type Origins, OWN_MANAGER, SourceVersions } from './source-versions.ts';
import { logBothFailing, logTransition } from './transition-log.ts';

export interface HappeningsOptions {
  readonly log: Log;
  readonly history: History;
  readonly changes: ChangeLog;
  /** Told of what is worth an Event; null: there is no cluster. */
  readonly onEvent: ((happening: Happening) => void) | null;
  readonly replica: string;
  /** The label of the source: the author of changes whose version does not name one. */
  readonly source: string;
  /** Epoch ms. */
  readonly now: () => number;
}

/** The configuration as it stands after a batch of reads was taken. */
export interface Taken extends Origins {
  readonly errors: readonly ConfigError[];
  readonly table: RoutingTable;
}

export class Happenings {
  readonly #options: HappeningsOptions;
  readonly #errors: ErrorLog;
  readonly #versions = new SourceVersions();
  readonly #rejections = new Rejections();
  readonly #refusals = new Refusals();
  readonly #reverts = new Reverts();
  #origins: Origins = NOWHERE;

  constructor(options: HappeningsOptions) {
    this.#options = options;
    this.#errors = new ErrorLog(options.log);
  }

  /** After each batch of reads, whether anything is served already or not: what is in error now. */
  rejected(taken: Taken, reads: readonly SourceRead[]): void {
    this.#versions.take(reads);
    this.#origins = taken;
    const { errors, table } = taken;
    const fresh = this.#errors.report(errors);
    if (errors.length === 0) return;
    const standings = new Map(table.services.map(({ migration, standing }) => [migration.name, standing]));
    const standingOf = (service: string) => standings.get(service) ?? null;
    const now = { errors, fresh, versions: this.#versions, standingOf, atMs: this.#options.now() };
    for (const { happening, error } of this.#rejections.next(now)) {
      if (error === 'fresh') this.#options.history.add(happening);
      this.#event(happening);
    }
  }

  /** Behind `rejected`, when what is served has changed: `before` was served until now. */
  applied(taken: Taken, before: RoutingTable, reads: readonly SourceRead[]): void {
    const { changes, history, log, source, now } = this.#options;
    const atMs = now();
    const { generation } = taken.table;
    const isFirst = before.generation === 0;
    const changed = isFirst ? [] : changesBetween(before.services, taken.table.services);
    const made = changed.map((change): MadeChange => {
      const { service, what } = change;
      const sourceId = this.#versions.idOf(service, taken);
      const version = this.#versions.versionOf(sourceId);
      const announced = changes.announcedOf(service);
      const author = announced ?? authorOf(version, version === null ? source : (sourceId ?? source));
      const { by, reason } = changes.record(change, author, atMs);
      log.info({ service, what, by, reason, generation }, `${service}: ${what}`);
      if (what === 'removed') this.#versions.forget(service);
      const through = announced !== null || version?.manager === OWN_MANAGER ? 'own' : 'another';
      return { ...change, author, sourceId, through };
    });
    const serves = isFirst ? taken.table.services.length : null;
    const all = appliedHappenings({ made, reads, serves, versions: this.#versions, reverts: this.#reverts, atMs });
    for (const happening of all) {
      // Who missed the version between does not see that it was set back.
      const seen = happening.kind === 'reverted' ? 'here' : 'everywhere';
      if (happening.kind !== 'applied') history.add(happening, seen);
      this.#event(happening);
    }
  }

  /** Each time nginx has taken a configuration: the services that it does not take as they are configured. */
  refused(refusals: readonly NginxRefusal[]): void {
    const { history, log, now, source } = this.#options;
    const current = { refusals, versions: this.#versions, origins: this.#origins, source, atMs: now() };
    for (const { happening, words } of this.#refusals.next(current)) {
      if (words === 'fresh') history.add(happening);
      // That it refuses has its line already, with what it could not do about it.
      if (happening.kind === 'applied') log.info({ service: happening.service }, happening.message);
      this.#event(happening);
    }
  }

  transition(service: string, from: RunStateName, to: RunStateName, view: FallbackView): void {
    const { history, log, replica } = this.#options;
    logTransition(log, service, from, to, view);
    const happening = fallbackHappening({ service, from, to, view, replica, about: this.#aboutOf(service) });
    if (happening === null) return;
    history.add(happening);
    this.#event(happening);
  }

  bothFailing(service: string, view: FallbackView): void {
    logBothFailing(this.#options.log, service, view);
  }

  /** Somebody asked this replica to end a hold or a fallback. The log has it as a step already. */
  resumed(service: string, by: string, why: string): void {
    const atMs = this.#options.now();
    const message = `${service}: resumed by ${by}${why && `: ${why}`}`;
    const identity = `resume ${Math.floor(atMs)} ${by}`;
    const about = this.#aboutOf(service);
    const told = { service, atMs, by, from: null, to: 'steady', why, message, identity, about };
    const happening: Happening = { kind: 'resumed', ...told };
    // To others a hold just goes away.
    this.#options.history.add(happening, 'here');
    this.#event(happening);
  }

  #aboutOf(service: string): Happening['about'] {
    return this.#versions.aboutOf(this.#versions.idOf(service, this.#origins));
  }

  #event(happening: Happening): void {
    if (happening.about !== null) this.#options.onEvent?.(happening);
  }
}
