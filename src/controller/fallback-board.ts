/**
 * The fallback machines of all services, and the one timer they share. In: outcomes, check results, a person's abort and
 * resume, new configuration. Out: run states for the data plane, transitions for the log, a word when something is worth
 * storing. It judges nothing itself (`src/fallback` does), and reads no clock but the one it is given.
 */
import { createHash } from 'node:crypto';
import type { SetTimer } from '../checks/schedule.ts';
import { observe } from '../fallback/observe.ts';
import type { Outcome } from '../fallback/outcome.ts';
import { type FallbackState, initialState } from '../fallback/state.ts';
import { type FallbackEvent, nextDueMs, step } from '../fallback/step.ts';
import { fromStored, toStored } from '../fallback/stored.ts';
import { type FallbackView, runStateOf, viewOf } from '../fallback/view.ts';
import type { Cluster, ClusterTarget, FallbackPolicy, ServedMigration } from '../migration/model.ts';
import type { RunState, RunStateName } from '../migration/run-state.ts';
import { AbsentServices } from './absent-services.ts';
import { DueTimer } from './due-timer.ts';

export interface FallbackBoardOptions {
  /** Epoch ms, of the clock that also stamps outcomes. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  /** This replica's name. */
  readonly replica: string;
  readonly onRunState: (service: string, run: RunState) => void;
  /** Also for each step of probing, and when a hold is put or lifted. */
  readonly onTransition: (service: string, from: RunStateName, to: RunStateName, view: FallbackView) => void;
  /** Neither cluster is well; or that is over. */
  readonly onBothFailing: (service: string, view: FallbackView) => void;
  /** What `toStored` returns has changed. */
  readonly onDirty: () => void;
  /** A recovery wait is over and no fresh check is there: make one now. */
  readonly requestCheck: (service: string) => void;
}

/** Waits that ended while no process ran are looked at within this: thousands at once would be a storm of checks. */
const LATE_WITHIN_MS = 10_000;

interface Entry {
  readonly name: string;
  state: FallbackState;
  served: ServedMigration;
  /** As configured. */
  policy: FallbackPolicy;
  /** By which outcomes and checks are judged: a service that sends nothing to new does not trip. */
  judging: FallbackPolicy;
  newTarget: string;
  oldTarget: string;
  bothFailing: boolean;
  tripsDecided: number;
}

export class FallbackBoard {
  readonly #options: FallbackBoardOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #absent = new AbsentServices();
  readonly #due: DueTimer;

  constructor(options: FallbackBoardOptions) {
    this.#options = options;
    this.#due = new DueTimer(options.now, options.setTimer, (name) => this.#tick(name));
  }

  /** What is served from now on. States stay, but for those that belonged to another new cluster. */
  apply(services: readonly ServedMigration[]): void {
    const nowMs = this.#options.now();
    const names = new Set(services.map((served) => served.migration.name));
    for (const [name, entry] of this.#entries) {
      if (names.has(name)) continue;
      this.#entries.delete(name);
      this.#due.clear(name);
      const state = toStored(entry.state);
      if (state !== null) this.#absent.put(name, { new_target: entry.newTarget, state }, nowMs);
    }
    for (const served of services) {
      const entry = this.#entries.get(served.migration.name);
      if (entry === undefined) this.#add(served, nowMs);
      else if (entry.served !== served) this.#configure(entry, served, nowMs);
    }
    if (this.#absent.prune(nowMs)) this.#options.onDirty();
  }

  /** One attempt ended. Every request passes here. Outcomes of services that are gone are dropped. */
  outcome(outcome: Outcome): void {
    const entry = this.#entries.get(outcome.service);
    if (entry === undefined) return;
    const { state, judging } = entry;
    const next = observe(state, outcome, judging, this.#options.random);
    if (next !== state) this.#enter(entry, next, outcome.endedMs);
    // A check says when it is over: single successes come and go many times a second.
    if (outcome.failure !== null && !entry.bothFailing) this.#watchBothFailing(entry, outcome.endedMs);
  }

  /** An active check ended just now. `error` null: it passed. */
  check(service: string, cluster: Cluster, error: string | null): void {
    const entry = this.#entries.get(service);
    if (entry === undefined) return;
    const nowMs = this.#options.now();
    this.#step(entry, { kind: 'check', cluster, error }, entry.judging, nowMs);
    this.#watchBothFailing(entry, nowMs);
  }

  /** Holds the service on old until `resume`. False: no such service. */
  abort(service: string, by: string, reason: string): boolean {
    return this.#ask(service, { kind: 'abort', by, reason });
  }

  /** Steady again, counters cleared, held or not. False: no such service. */
  resume(service: string, by: string, reason: string): boolean {
    return this.#ask(service, { kind: 'resume', by, reason });
  }

  /** Null: no such service. */
  view(service: string): FallbackView | null {
    const entry = this.#entries.get(service);
    return entry === undefined ? null : viewOf(entry.state, entry.policy, this.#options.now());
  }

  /** What the data plane was told last. Null: no such service. */
  runState(service: string): RunState | null {
    const entry = this.#entries.get(service);
    return entry === undefined ? null : runStateOf(entry.state);
  }

  /** Trips that this replica itself decided since it started. */
  tripsDecided(service: string): number {
    return this.#entries.get(service)?.tripsDecided ?? 0;
  }

  /** Plain JSON, `format: 1`. Untouched services are not in it. */
  toStored(): unknown {
    const services: Record<string, unknown> = {};
    for (const entry of this.#entries.values()) {
      const state = toStored(entry.state);
      if (state !== null) services[entry.name] = { new_target: entry.newTarget, state };
    }
    return this.#absent.toStored(services);
  }

  /** Once, before the first `apply`. Returns what could not be read, in words; those services begin untouched. */
  restore(json: unknown): readonly string[] {
    const nowMs = this.#options.now();
    return this.#absent.restore(json, nowMs, (state) => fromStored(state, nowMs) !== null);
  }

  /** No more ticks. */
  stop(): void {
    this.#due.stop();
  }

  #add(served: ServedMigration, nowMs: number): void {
    const { name, fallback: policy } = served.migration;
    const stored = this.#absent.take(name);
    const remembered = stored === null ? null : fromStored(stored.state, nowMs);
    const entry: Entry = {
      name,
      state: initialState(policy, this.#options.replica, nowMs, remembered),
      served,
      policy,
      judging: judgingPolicy(served),
      newTarget: stored?.new_target ?? targetHash(served.migration.new),
      oldTarget: targetHash(served.migration.old),
      bothFailing: false,
      tripsDecided: 0,
    };
    this.#entries.set(name, entry);
    this.#options.onRunState(name, runStateOf(entry.state));
    this.#due.set(name, nextDueMs(entry.state, policy, nowMs));
    this.#configure(entry, served, nowMs);
    if (isWaitOver(entry, nowMs)) this.#due.set(name, nowMs + this.#options.random() * LATE_WITHIN_MS);
  }

  #configure(entry: Entry, served: ServedMigration, nowMs: number): void {
    entry.served = served;
    entry.judging = judgingPolicy(served);
    entry.policy = served.migration.fallback;
    // What is served of an invalid service says nothing of its new cluster, nor of its policy.
    if (served.standing === 'invalid') return;
    const before = [entry.newTarget, entry.oldTarget];
    entry.newTarget = targetHash(served.migration.new);
    entry.oldTarget = targetHash(served.migration.old);
    const newTarget = entry.newTarget === before[0] ? 'same' : 'changed';
    const oldTarget = entry.oldTarget === before[1] ? 'same' : 'changed';
    this.#step(entry, { kind: 'configured', newTarget, oldTarget }, entry.policy, nowMs);
    this.#due.set(entry.name, nextDueMs(entry.state, entry.policy, nowMs));
  }

  #ask(service: string, event: FallbackEvent): boolean {
    const entry = this.#entries.get(service);
    if (entry === undefined) return false;
    this.#step(entry, event, entry.policy, this.#options.now());
    return true;
  }

  #tick(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const nowMs = this.#options.now();
    this.#step(entry, { kind: 'tick' }, entry.judging, nowMs);
    this.#due.set(name, nextDueMs(entry.state, entry.policy, nowMs));
    if (isWaitOver(entry, nowMs)) this.#options.requestCheck(name);
  }

  #step(entry: Entry, event: FallbackEvent, policy: FallbackPolicy, nowMs: number): void {
    const next = step(entry.state, event, policy, nowMs, this.#options.random);
    if (next !== entry.state) this.#enter(entry, next, nowMs);
  }

  #enter(entry: Entry, next: FallbackState, nowMs: number): void {
    const before = entry.state;
    entry.state = next;
    const [from, to] = [before.phase, next.phase];
    if (from.run !== to.run) this.#options.onRunState(entry.name, to.run);
    this.#due.set(entry.name, nextDueMs(next, entry.policy, nowMs));
    if (to.kind === 'fallen_back' && to.hold === null && from.kind !== 'fallen_back') entry.tripsDecided++;
    if (isTransition(from, to)) {
      this.#options.onTransition(entry.name, from.kind, to.kind, viewOf(next, entry.policy, nowMs));
    }
    this.#options.onDirty();
  }

  #watchBothFailing(entry: Entry, nowMs: number): void {
    if (entry.state.seen.oldCheckFailures === 0 && !entry.bothFailing) return;
    const view = viewOf(entry.state, entry.policy, nowMs);
    if (view.bothFailing === entry.bothFailing) return;
    entry.bothFailing = view.bothFailing;
    this.#options.onBothFailing(entry.name, view);
  }
}

/** Only a check that passes is still missing. */
function isWaitOver({ state: { phase } }: Entry, nowMs: number): boolean {
  return phase.kind === 'fallen_back' && phase.hold === null && nowMs >= phase.retryAtMs;
}

/** What people want to hear of: another state, step of probing or hold; not that a quiet phase took a wider method set. */
function isTransition(from: FallbackState['phase'], to: FallbackState['phase']): boolean {
  if (from.kind !== to.kind) return true;
  if (from.kind === 'probing' && to.kind === 'probing') return from.step !== to.step;
  if (from.kind === 'fallen_back' && to.kind === 'fallen_back') return from.hold !== to.hold;
  return from.sinceMs !== to.sinceMs;
}

function judgingPolicy(served: ServedMigration): FallbackPolicy {
  const { enabled, fallback } = served.migration;
  return enabled && served.standing !== 'invalid' ? fallback : { ...fallback, enabled: false };
}

/** Changes when what was learned about a cluster no longer holds: host, backend, protocol or TLS policy. */
function targetHash(target: ClusterTarget): string {
  const { host, address, port, protocol, tls } = target;
  const authority = tls.ca ?? tls.caFile;
  const text = JSON.stringify([host, address, port, protocol, authority, tls.serverName, tls.insecureSkipVerify]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
