/**
 * Who is checked when. In: the services that are served. Out: one check for all services that ask the same thing, once an
 * interval, its result told to each of them. First checks are spread over the interval, so that thousands of services are no
 * thunderclap. Time, randomness and the check itself are injected; it does not judge results.
 */
import type { Cluster, ServedMigration } from '../migration/model.ts';
import type { CheckResult } from './check-target.ts';
import { type CheckTarget, checkKey, checkTargetOf, mostPatient } from './target.ts';

/** Runs `fire` once after `delayMs`; the returned function calls it off. */
export type SetTimer = (fire: () => void, delayMs: number) => () => void;

export interface CheckScheduleOptions {
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  /** Ends soon once it is called off: its result is wanted no more. */
  readonly check: (target: CheckTarget, calledOff: AbortSignal) => Promise<CheckResult>;
  readonly onResult: (service: string, cluster: Cluster, result: CheckResult) => void;
}

/** Of those who share a check, told in one turn of the event loop: each may trip, and a trip has a line in the log. */
const TOLD_AT_ONCE = 100;

interface Asker {
  readonly service: string;
  readonly cluster: Cluster;
}

interface Watched {
  target: CheckTarget;
  intervalMs: number;
  askers: readonly Asker[];
  running: boolean;
  /** A check was asked for while one ran that had begun too early to count. */
  again: boolean;
  dueMs: number;
  /** The next check, or the one under way. */
  cancel: () => void;
}

type Wanted = Pick<Watched, 'target' | 'intervalMs' | 'askers'>;

export class CheckSchedule {
  readonly #options: CheckScheduleOptions;
  readonly #watched = new Map<string, Watched>();
  #keys = new Map<string, string>();

  constructor(options: CheckScheduleOptions) {
    this.#options = options;
  }

  /** From now on exactly these services are checked. What stays equal keeps its place in the interval. */
  apply(services: readonly ServedMigration[]): void {
    const { wanted, keys } = wantedOf(services);
    this.#keys = keys;
    for (const [key, watched] of this.#watched) {
      if (wanted.has(key)) continue;
      watched.cancel();
      this.#watched.delete(key);
    }
    for (const [key, want] of wanted) {
      const known = this.#watched.get(key);
      if (known === undefined) this.#begin(key, want);
      else this.#renew(key, known, want);
    }
  }

  /** One check of that cluster as soon as possible; the next follows an interval later. Unknown services are ignored. */
  checkNow(service: string, cluster: Cluster): void {
    const key = this.#keys.get(askerKey(service, cluster));
    const watched = key === undefined ? undefined : this.#watched.get(key);
    if (key === undefined || watched === undefined) return;
    if (watched.running) watched.again = true;
    else this.#arm(key, watched, 0);
  }

  stop(): void {
    this.apply([]);
  }

  #begin(key: string, want: Wanted): void {
    const watched: Watched = { ...want, running: false, again: false, dueMs: 0, cancel: () => {} };
    this.#watched.set(key, watched);
    this.#arm(key, watched, this.#options.random() * want.intervalMs);
  }

  #renew(key: string, watched: Watched, want: Wanted): void {
    const sooner = want.intervalMs < watched.intervalMs;
    Object.assign(watched, want);
    if (!sooner || watched.running) return;
    const leftMs = watched.dueMs - this.#options.now();
    if (leftMs > want.intervalMs) this.#arm(key, watched, this.#options.random() * want.intervalMs);
  }

  #arm(key: string, watched: Watched, delayMs: number): void {
    watched.cancel();
    watched.dueMs = this.#options.now() + delayMs;
    watched.cancel = this.#options.setTimer(() => this.#run(key, watched), delayMs);
  }

  async #run(key: string, watched: Watched): Promise<void> {
    const begunMs = this.#options.now();
    watched.running = true;
    watched.again = false;
    const ending = new AbortController();
    watched.cancel = () => ending.abort();
    const result = await this.#options.check(watched.target, ending.signal);
    watched.running = false;
    // Replaced or dropped meanwhile: nobody asks any more.
    if (this.#watched.get(key) !== watched) return;
    const untilDueMs = begunMs + watched.intervalMs - this.#options.now();
    this.#arm(key, watched, watched.again ? 0 : Math.max(0, untilDueMs));
    await this.#tell(key, watched.askers, result);
  }

  async #tell(key: string, askers: readonly Asker[], result: CheckResult): Promise<void> {
    for (const [i, { service, cluster }] of askers.entries()) {
      if (i > 0 && i % TOLD_AT_ONCE === 0) await new Promise<void>((resolve) => this.#options.setTimer(resolve, 0));
      // Who asks something else by now is not told of this.
      if (this.#keys.get(askerKey(service, cluster)) === key) this.#options.onResult(service, cluster, result);
    }
  }
}

/** An invalid service has no new cluster to speak of; old is checked for every one. */
function wantedOf(services: readonly ServedMigration[]): { wanted: Map<string, Wanted>; keys: Map<string, string> } {
  const wanted = new Map<string, { target: CheckTarget; intervalMs: number; askers: Asker[] }>();
  const keys = new Map<string, string>();
  for (const { migration, standing } of services) {
    for (const cluster of standing === 'invalid' ? (['old'] as const) : (['old', 'new'] as const)) {
      const target = checkTargetOf(migration, cluster);
      const key = checkKey(target);
      const asker: Asker = { service: migration.name, cluster };
      keys.set(askerKey(asker.service, cluster), key);
      const known = wanted.get(key);
      if (known === undefined) {
        wanted.set(key, { target, intervalMs: migration.healthCheckIntervalMs, askers: [asker] });
        continue;
      }
      known.target = mostPatient(known.target, target);
      known.intervalMs = Math.min(known.intervalMs, migration.healthCheckIntervalMs);
      known.askers.push(asker);
    }
  }
  return { wanted, keys };
}

function askerKey(service: string, cluster: Cluster): string {
  return `${cluster} ${service}`;
}
