/**
 * Where one service stands: its phase, a plain value that can be written down, sent to another replica and compared; and
 * what this replica saw of it, counters that change in place because every request touches them.
 * A transition is a new phase; whoever holds the state before it must let that go, for both share the counters.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import { type RunState, STEADY } from '../migration/run-state.ts';
import type { FailureKind } from './outcome.ts';
import { FailureWindow } from './window.ts';

/** A person's `abort`: who, when, why. */
export interface Hold {
  readonly by: string;
  readonly atMs: number;
  readonly reason: string;
}

interface PhaseCommon {
  /** When this phase began. Attempts begun before it do not count. */
  readonly sinceMs: number;
  readonly reason: string | null;
  /** The replica whose observations tripped last. */
  readonly trippedBy: string | null;
  /** Trips since the service was last steady for ten recovery times: each doubles the next wait. */
  readonly trips: number;
  /** What the data plane is told. The same object as long as it says the same. */
  readonly run: RunState;
}

export interface SteadyPhase extends PhaseCommon {
  readonly kind: 'steady';
}

export interface FallenBackPhase extends PhaseCommon {
  readonly kind: 'fallen_back';
  /** By a person; then nothing but a person ends it. */
  readonly hold: Hold | null;
  /** The wait chosen at the trip, and its end. Both 0 while held. */
  readonly waitMs: number;
  readonly retryAtMs: number;
}

export interface ProbingPhase extends PhaseCommon {
  readonly kind: 'probing';
  /** Index in PROBE_STEPS_BP. */
  readonly step: number;
  /** When the present step began. A slow failure of an earlier step counts in it: a step may be over before a timeout is. */
  readonly stepMs: number;
  /** The replica that may send the single requests of the first step. Null: whoever there is (alone), or nobody yet. */
  readonly owner: string | null;
  /** Grows while the owner sends some: a sign of life for those who wait. */
  readonly beat: number;
}

export type Phase = SteadyPhase | FallenBackPhase | ProbingPhase;

/** Basis points admitted at each step of probing. The first admits one request at a time instead of a share. */
export const PROBE_STEPS_BP: readonly number[] = Object.freeze([0, 1000, 2500, 5000, 10_000]);

export interface CheckNote {
  readonly atMs: number;
  /** Null: it passed. */
  readonly error: string | null;
}

/**
 * Whether a service may move toward new by itself. `free`: there are no other replicas. `ask`: it is proposed, and entered
 * once it is granted. `barred`: nobody can be asked just now, so it stays where it is.
 */
export type Consent = 'free' | 'ask' | 'barred';

/** What this replica saw. Mutable. */
export interface Observations {
  /** This replica's name. */
  readonly replica: string;
  /** Set by whoever knows of the other replicas. */
  consent: Consent;
  /** When another replica was last seen to send single requests; 0: never. */
  othersBeatMs: number;
  /** Since when new is the cluster that it is. */
  newSinceMs: number;
  window: FailureWindow;
  /** When the failures of the present row happened, the latest max_failures of them. */
  readonly rowMs: number[];
  /** Outcomes of new since the phase (or step) began. */
  ok: number;
  soft: number;
  failed: number;
  newCheck: CheckNote | null;
  /** Failed checks of new in a row, with no successful request between. */
  newCheckFailures: number;
  oldCheck: CheckNote | null;
  oldCheckFailures: number;
  lastError: { readonly atMs: number; readonly kind: FailureKind; readonly message: string } | null;
  /** When the hold was placed that was lifted last: whoever reads of a later state knows that it was. Null: none was. */
  liftedMs: number | null;
}

export interface FallbackState {
  readonly phase: Phase;
  readonly seen: Observations;
  /** The phase nearer to new that waits to be granted. */
  readonly proposed: Phase | null;
  /** Keys of the stored form that another version wrote: kept, never read. */
  readonly foreign: Readonly<Record<string, unknown>>;
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** An untouched service, or one that is remembered. */
export function initialState(
  policy: FallbackPolicy,
  replica: string,
  nowMs: number,
  remembered: (Pick<FallbackState, 'phase' | 'foreign'> & { readonly liftedMs: number | null }) | null,
  consent: Consent = 'free',
): FallbackState {
  const seen: Observations = {
    replica,
    consent,
    othersBeatMs: 0,
    newSinceMs: nowMs,
    window: new FailureWindow(policy.failureWindowMs),
    rowMs: [],
    ok: 0,
    soft: 0,
    failed: 0,
    newCheck: null,
    newCheckFailures: 0,
    oldCheck: null,
    oldCheckFailures: 0,
    lastError: null,
    liftedMs: remembered?.liftedMs ?? null,
  };
  const proposed = null;
  if (remembered !== null) return { phase: remembered.phase, seen, proposed, foreign: remembered.foreign };
  return { phase: steadyPhase(nowMs, null, null, 0), seen, proposed, foreign: NOTHING };
}

/** The name by which this replica owns a first step; null where it has it to itself anyway. */
export function ownName({ consent, replica }: Observations): string | null {
  return consent === 'free' ? null : replica;
}

export function steadyPhase(
  sinceMs: number,
  reason: string | null,
  trippedBy: string | null,
  trips: number,
): SteadyPhase {
  return { kind: 'steady', sinceMs, reason, trippedBy, trips, run: Object.freeze({ ...STEADY, sinceMs }) };
}

export function fallenBackPhase(fields: Omit<FallenBackPhase, 'kind' | 'run'>): FallenBackPhase {
  const { sinceMs } = fields;
  const run: RunState = { state: 'fallen_back', sinceMs, admitBp: 0, admission: 'share', methods: 'all' };
  return { kind: 'fallen_back', ...fields, run: Object.freeze(run) };
}

/** Probing as it begins: single requests that are safe to send again. `self`: `ownName` of this replica. */
export function firstProbes(
  common: Omit<PhaseCommon, 'run'> & { readonly owner: string | null },
  self: string | null,
): ProbingPhase {
  return probingPhase({ ...common, step: 0, stepMs: common.sinceMs, beat: 0, methods: 'replayable' }, self);
}

/** Only the owner sends the single requests of the first step; `self`: `ownName` of this replica. */
export function probingPhase(
  fields: Omit<ProbingPhase, 'kind' | 'run'> & { readonly methods: RunState['methods'] },
  self: string | null,
): ProbingPhase {
  const { sinceMs, reason, trippedBy, trips, step, stepMs, owner, beat, methods } = fields;
  const run: RunState = {
    state: 'probing',
    sinceMs,
    admitBp: PROBE_STEPS_BP[step],
    admission: step === 0 && owner === self ? 'one' : 'share',
    methods,
  };
  const common = { sinceMs, reason, trippedBy, trips, run: Object.freeze(run) };
  return { kind: 'probing', ...common, step, stepMs, owner, beat };
}

/** The first step, and another replica has it: nothing goes to new from here. */
export function isOthersStep(phase: Phase): boolean {
  return phase.kind === 'probing' && phase.step === 0 && phase.run.admission !== 'one';
}

/** A person's; null: there is none. */
export function holdOf(phase: Phase): Hold | null {
  return phase.kind === 'fallen_back' ? phase.hold : null;
}

/** Forgets what was seen of new; `seen` changes in place. Checks and old's counts stay: they do not depend on the phase. */
export function forgetNew(seen: Observations): void {
  seen.window.clearNew();
  seen.rowMs.length = 0;
  seen.ok = 0;
  seen.soft = 0;
  seen.failed = 0;
}

/** Forgets what was seen of old, for old is another cluster now; `seen` changes in place. */
export function forgetOld(seen: Observations): void {
  seen.window.clearOld();
  seen.oldCheck = null;
  seen.oldCheckFailures = 0;
}
