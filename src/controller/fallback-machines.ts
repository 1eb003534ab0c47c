/**
 * The fallback machine of each service, driven: an event goes in, the next state is entered, and whoever has to know is told (the
 * data plane, the log, the disk, other replicas). All share one timer. It judges nothing (`src/fallback` does), knows nothing of
 * where services and their states come from, and reads no clock but the one it is given.
 */
import type { SetTimer } from '../checks/schedule.ts';
import { observe } from '../fallback/observe.ts';
import type { Outcome } from '../fallback/outcome.ts';
import type { FallbackState } from '../fallback/state.ts';
import { type FallbackEvent, nextDueMs, step } from '../fallback/step.ts';
import { type FallbackView, runStateOf, viewOf } from '../fallback/view.ts';
import type { FallbackPolicy } from '../migration/model.ts';
import type { RunState, RunStateName } from '../migration/run-state.ts';
import { type Entry, isTransition, isWaitOver, ownChange } from './board-entry.ts';
import { DueTimer } from './due-timer.ts';
import { FirstSteps } from './first-steps.ts';
import type { OwnChange, Replicas } from './replicas.ts';

export interface MachinesOptions {
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
  /** Absent or null: this replica is alone. */
  readonly replicas?: Replicas | null;
}

/** Waits that ended while no process ran are looked at within this: thousands at once would be a storm of checks. */
const LATE_WITHIN_MS = 10_000;
/** Whoever sends single requests, and gave no sign of life for as long, is given up. */
const TAKE_OVER_MS = 10_000;

export class FallbackMachines {
  readonly #options: MachinesOptions;
  readonly #replicas: Replicas | null;
  readonly #entries = new Map<string, Entry>();
  readonly #due: DueTimer;
  readonly #firstSteps: FirstSteps;

  constructor(options: MachinesOptions) {
    this.#options = options;
    this.#replicas = options.replicas ?? null;
    this.#firstSteps = new FirstSteps(options.now, options.setTimer, (name) => this.#beat(name));
    this.#due = new DueTimer(options.now, options.setTimer, (name) => this.#tick(name));
  }

  get(service: string): Entry | undefined {
    return this.#entries.get(service);
  }

  all(): Iterable<Entry> {
    return this.#entries.values();
  }

  add(entry: Entry, nowMs: number): void {
    this.#entries.set(entry.name, entry);
    this.#firstSteps.note(entry.name, entry.state, nowMs);
    this.#options.onRunState(entry.name, runStateOf(entry.state));
    this.renew(entry, nowMs);
  }

  remove(service: string): void {
    this.#entries.delete(service);
    this.#due.clear(service);
    this.#firstSteps.forget(service, 'all');
  }

  /** The policy may be another one: so is what is due. */
  renew(entry: Entry, nowMs: number): void {
    this.#due.set(entry.name, nextDueMs(entry.state, entry.policy, nowMs));
  }

  /** A wait that is over is looked at soon. */
  lookAgain(entry: Entry, nowMs: number): void {
    if (isWaitOver(entry, nowMs)) this.#due.set(entry.name, nowMs + this.#options.random() * LATE_WITHIN_MS);
  }

  /** One attempt ended. Every request passes here. Outcomes of services that are gone are dropped. */
  outcome(outcome: Outcome): void {
    const entry = this.#entries.get(outcome.service);
    if (entry === undefined) return;
    const { state, judging } = entry;
    if (this.#replicas !== null && state.phase.kind !== 'steady') {
      state.seen.consent = this.#replicas.consent(entry.name);
      if (outcome.probe) this.#firstSteps.probed(entry.name, this.#options.now());
    }
    const next = observe(state, outcome, judging, this.#options.random);
    if (next !== state) this.enter(entry, next, outcome.endedMs, ownChange('outcome', state.phase, next.phase));
    // A check says when it is over: single successes come and go many times a second.
    if (outcome.failure !== null && !entry.bothFailing) this.watchBothFailing(entry, outcome.endedMs);
  }

  /** A request could not go to new for the state that the service is in. Every such request passes here. */
  requested(service: string): void {
    if (!this.#firstSteps.isOthers(service)) return;
    const entry = this.#entries.get(service);
    const nowMs = this.#options.now();
    if (entry === undefined || nowMs - entry.heardMs < TAKE_OVER_MS) return;
    this.step(entry, { kind: 'take_over' }, entry.judging, nowMs);
  }

  /** What follows from an event; `keep`: the others said it. */
  step(
    entry: Entry,
    event: FallbackEvent,
    policy: FallbackPolicy,
    nowMs: number,
    others: 'tell' | 'keep' = 'tell',
  ): void {
    const { state } = entry;
    if (this.#replicas !== null) state.seen.consent = this.#replicas.consent(entry.name);
    const next = step(state, event, policy, nowMs, this.#options.random);
    if (next === state) return;
    this.enter(entry, next, nowMs, others === 'tell' ? ownChange(event.kind, state.phase, next.phase) : null);
  }

  /** `what`: the others are to hear of it. */
  enter(entry: Entry, next: FallbackState, nowMs: number, what: OwnChange | null): void {
    const before = entry.state;
    entry.state = next;
    const [from, to] = [before.phase, next.phase];
    if (from !== to) {
      this.#firstSteps.note(entry.name, next, nowMs);
      if (from.run !== to.run) this.#options.onRunState(entry.name, to.run);
      this.#due.set(entry.name, nextDueMs(next, entry.policy, nowMs));
      if (what === 'trip') entry.tripsDecided++;
      if (isTransition(from, to)) {
        this.#options.onTransition(entry.name, from.kind, to.kind, viewOf(next, entry.policy, nowMs));
      }
      this.#options.onDirty();
    }
    if (what !== null) this.#replicas?.entered(entry.name, what, from);
    if (next.proposed !== null && next.proposed !== before.proposed) this.#replicas?.proposed(entry.name);
  }

  watchBothFailing(entry: Entry, nowMs: number): void {
    if (entry.state.seen.oldCheckFailures === 0 && !entry.bothFailing) return;
    const view = viewOf(entry.state, entry.policy, nowMs);
    if (view.bothFailing === entry.bothFailing) return;
    entry.bothFailing = view.bothFailing;
    this.#options.onBothFailing(entry.name, view);
  }

  /** No more ticks. */
  stop(): void {
    this.#due.stop();
    this.#firstSteps.stop();
  }

  #tick(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const nowMs = this.#options.now();
    this.step(entry, { kind: 'tick' }, entry.judging, nowMs);
    this.#due.set(name, nextDueMs(entry.state, entry.policy, nowMs));
    if (isWaitOver(entry, nowMs) && this.#replicas?.leads() !== false) this.#options.requestCheck(name);
  }

  #beat(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || this.#replicas?.consent(name) !== 'ask') return;
    this.step(entry, { kind: 'beat' }, entry.judging, this.#options.now());
  }
}
