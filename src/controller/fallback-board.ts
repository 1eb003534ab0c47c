/**
 * How each service stands, for everybody who has to do with it. In: outcomes, check results, a person's abort and resume, new
 * configuration, stored and shared states. Out: views, run states, texts to store and to share. The machines that it holds decide
 * what follows (`fallback-machines.ts`); here is which of them there are, and from which state each begins.
 */
import type { Outcome } from '../fallback/outcome.ts';
import { type FallbackState, initialState } from '../fallback/state.ts';
import { type FallbackEvent, step } from '../fallback/step.ts';
import { fromStored, toStored } from '../fallback/stored.ts';
import { type FallbackView, runStateOf, viewOf } from '../fallback/view.ts';
import type { Cluster, ServedMigration } from '../migration/model.ts';
import type { RunState } from '../migration/run-state.ts';
import { AbsentServices } from './absent-services.ts';
import { type Entry, judgingPolicy, targetHash } from './board-entry.ts';
import { FallbackMachines, type MachinesOptions } from './fallback-machines.ts';
import type { Replicas } from './replicas.ts';
import { isAbout, type StateInText, stateInText, stateText } from './state-text.ts';

export type FallbackBoardOptions = MachinesOptions;

export class FallbackBoard {
  readonly #options: FallbackBoardOptions;
  readonly #replicas: Replicas | null;
  readonly #machines: FallbackMachines;
  readonly #absent = new AbsentServices();

  constructor(options: FallbackBoardOptions) {
    this.#options = options;
    this.#replicas = options.replicas ?? null;
    this.#machines = new FallbackMachines(options);
  }

  /** What is served from now on. States stay, but for those that belonged to another new cluster. */
  apply(services: readonly ServedMigration[]): void {
    const nowMs = this.#options.now();
    const names = new Set(services.map((served) => served.migration.name));
    for (const entry of [...this.#machines.all()]) {
      const { name } = entry;
      if (names.has(name)) continue;
      this.#machines.remove(name);
      const state = toStored(entry.state);
      if (state !== null && this.#replicas?.shared(name) === undefined)
        this.#absent.put(name, { new_target: entry.newTarget, state }, nowMs);
    }
    for (const served of services) {
      const entry = this.#machines.get(served.migration.name);
      if (entry === undefined) this.#add(served, nowMs);
      else if (entry.served !== served) this.#configure(entry, served, nowMs);
    }
    if (this.#absent.prune(nowMs)) this.#options.onDirty();
  }

  /** One attempt ended. Every request passes here. Outcomes of services that are gone are dropped. */
  outcome(outcome: Outcome): void {
    this.#machines.outcome(outcome);
  }

  /** An active check ended just now. `error` null: it passed. */
  check(service: string, cluster: Cluster, error: string | null): void {
    const entry = this.#machines.get(service);
    if (entry === undefined) return;
    const nowMs = this.#options.now();
    this.#machines.step(entry, { kind: 'check', cluster, error }, entry.judging, nowMs);
    this.#machines.watchBothFailing(entry, nowMs);
  }

  /** Holds the service on old until `resume`. False: no such service. */
  abort(service: string, by: string, reason: string): boolean {
    return this.#ask(service, { kind: 'abort', by, reason });
  }

  /** Steady again, counters cleared, held or not. False: no such service. */
  resume(service: string, by: string, reason: string): boolean {
    return this.#ask(service, { kind: 'resume', by, reason });
  }

  /** A request could not go to new for the state that the service is in. Every such request passes here. */
  requested(service: string): void {
    this.#machines.requested(service);
  }

  /** What was proposed is shared now. False: it was dropped meanwhile. */
  granted(service: string): boolean {
    const entry = this.#machines.get(service);
    if (entry === undefined || entry.state.proposed === null) return false;
    const nowMs = this.#options.now();
    this.#machines.step(entry, { kind: 'granted' }, entry.judging, nowMs);
    return true;
  }

  refused(service: string): void {
    const entry = this.#machines.get(service);
    if (entry !== undefined) this.#machines.step(entry, { kind: 'refused' }, entry.judging, this.#options.now());
  }

  /**
   * What all replicas share of a service has become this text (null: untouched). `kept`: it is the first that is read of it. What
   * is about another new cluster is not obeyed; nor what cannot be read, which may be a later version's.
   */
  adopt(service: string, text: string | null, how: 'kept' | 'shared'): void {
    // What the disk said of it is no longer asked for: whoever serves it later asks what is shared.
    this.#absent.take(service);
    const entry = this.#machines.get(service);
    if (entry === undefined) return;
    const nowMs = this.#options.now();
    entry.heardMs = nowMs;
    const said = text === null ? null : stateInText(text, nowMs, this.#options.replica);
    if (text !== null && (said === null || !isAbout(said, entry.newTarget))) return;
    const next = step(
      entry.state,
      { kind: 'adopted', phase: said?.phase ?? null, how },
      entry.policy,
      nowMs,
      this.#options.random,
    );
    entry.members = said?.members ?? {};
    this.#machines.enter(entry, { ...next, foreign: said?.foreign ?? {} }, nowMs, null);
    if (entry.served.standing === 'invalid') return;
    // The one who tripped has yet to hear that fallback is off.
    this.#machines.step(entry, { kind: 'configured', newTarget: 'same', oldTarget: 'same' }, entry.policy, nowMs);
  }

  /** The text for all replicas. Null: untouched, or no such service. */
  sharedText(service: string): string | null {
    const entry = this.#machines.get(service);
    return entry === undefined ? null : textOf(entry, entry.state);
  }

  /** The text of what waits to be granted. Undefined: nothing does. */
  proposedText(service: string): string | null | undefined {
    const entry = this.#machines.get(service);
    if (entry === undefined || entry.state.proposed === null) return undefined;
    return textOf(entry, { ...entry.state, phase: entry.state.proposed });
  }

  /** Whether a shared text says something to this replica: of a service that is served, and of its present new cluster. */
  isUsed(service: string, text: string): boolean {
    const said = stateInText(text, this.#options.now(), null);
    // What cannot be read may be a later version's.
    if (said === null) return true;
    const entry = this.#machines.get(service);
    return entry !== undefined && isAbout(said, entry.newTarget);
  }

  /** Names of all services of which there is something to keep, served or not. */
  touched(): readonly string[] {
    const entries = [...this.#machines.all()].filter(({ state }) => toStored(state) !== null);
    return [...entries.map(({ name }) => name), ...this.#absent.names()];
  }

  /** Looks at all waits that are over, soon: it is this replica now that asks for the checks, or they can be acted on again. */
  lookAgain(): void {
    const nowMs = this.#options.now();
    for (const entry of this.#machines.all()) {
      this.#machines.lookAgain(entry, nowMs);
    }
  }

  /** Null: no such service. */
  view(service: string): FallbackView | null {
    const entry = this.#machines.get(service);
    return entry === undefined ? null : viewOf(entry.state, entry.policy, this.#options.now());
  }

  /** What the data plane was told last. Null: no such service. */
  runState(service: string): RunState | null {
    const entry = this.#machines.get(service);
    return entry === undefined ? null : runStateOf(entry.state);
  }

  /** Trips that this replica itself decided since it started. */
  tripsDecided(service: string): number {
    return this.#machines.get(service)?.tripsDecided ?? 0;
  }

  /** Plain JSON, `format: 1`. Untouched services are not in it. */
  toStored(): unknown {
    const services: Record<string, unknown> = {};
    for (const entry of this.#machines.all()) {
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
    this.#machines.stop();
  }

  #add(served: ServedMigration, nowMs: number): void {
    const { name, fallback: policy } = served.migration;
    const found = this.#found(name, served, nowMs);
    const entry: Entry = {
      name,
      state: initialState(policy, this.#options.replica, nowMs, found, this.#replicas === null ? 'free' : 'barred'),
      served,
      policy,
      judging: judgingPolicy(served),
      newTarget: found?.newTarget ?? targetHash(served.migration.new),
      oldTarget: targetHash(served.migration.old),
      bothFailing: false,
      tripsDecided: 0,
      members: found?.members ?? {},
      heardMs: nowMs,
    };
    this.#machines.add(entry, nowMs);
    this.#configure(entry, served, nowMs);
    this.#machines.lookAgain(entry, nowMs);
  }

  /** What is known of a service that was not served until now. Null: nothing. */
  #found(name: string, served: ServedMigration, nowMs: number): StateInText | null {
    const self = this.#replicas === null ? null : this.#options.replica;
    const text = this.#replicas?.shared(name);
    if (text === undefined) {
      const stored = this.#absent.take(name);
      const remembered = stored === null ? null : fromStored(stored.state, nowMs, self);
      return stored === null || remembered === null
        ? null
        : { ...remembered, newTarget: stored.new_target, members: {} };
    }
    const said = text === null ? null : stateInText(text, nowMs, self);
    if (said === null || served.standing === 'invalid') return said;
    // Another version of the configuration may be right: a text about its new cluster stays, and is not obeyed.
    const newTarget = targetHash(served.migration.new);
    return isAbout(said, newTarget) ? { ...said, newTarget } : null;
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
    const event = { kind: 'configured', newTarget, oldTarget } as const;
    // Those who were configured before us may have begun with the new cluster already.
    const text = newTarget === 'changed' ? (this.#replicas?.shared(entry.name) ?? null) : null;
    const said = text === null ? null : stateInText(text, nowMs, null);
    const isBegun = said?.newTarget === entry.newTarget;
    this.#machines.step(entry, event, entry.policy, nowMs, isBegun ? 'keep' : 'tell');
    if (isBegun) this.adopt(entry.name, text, 'shared');
    this.#machines.renew(entry, nowMs);
  }

  #ask(service: string, event: FallbackEvent): boolean {
    const entry = this.#machines.get(service);
    if (entry === undefined) return false;
    this.#machines.step(entry, event, entry.policy, this.#options.now());
    return true;
  }
}

function textOf({ name: _name, newTarget, members }: Entry, state: FallbackState): string | null {
  const stored = toStored(state);
  return stored === null ? null : stateText(newTarget, stored, members);
}
