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
}

export type Phase = SteadyPhase | FallenBackPhase | ProbingPhase;

/** Basis points admitted at each step of probing. The first admits one request at a time instead of a share. */
export const PROBE_STEPS_BP: readonly number[] = Object.freeze([0, 1000, 2500, 5000, 10_000]);

export interface CheckNote {
  readonly atMs: number;
  /** Null: it passed. */
  readonly error: string | null;
}

/** What this replica saw. Mutable. */
export interface Observations {
  /** This replica's name. */
  readonly replica: string;
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
}

export interface FallbackState {
  readonly phase: Phase;
  readonly seen: Observations;
  /** Keys of the stored form that another version wrote: kept, never read. */
  readonly foreign: Readonly<Record<string, unknown>>;
}

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** An untouched service, or one that is remembered. */
export function initialState(
  policy: FallbackPolicy,
  replica: string,
  nowMs: number,
  remembered: { readonly phase: Phase; readonly foreign: Readonly<Record<string, unknown>> } | null,
): FallbackState {
  const seen: Observations = {
    replica,
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
  };
  if (remembered !== null) return { phase: remembered.phase, seen, foreign: remembered.foreign };
  return { phase: steadyPhase(nowMs, null, null, 0), seen, foreign: NOTHING };
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

/** Probing as it begins: single requests that are safe to send again. */
export function firstProbes(common: Omit<PhaseCommon, 'run'>): ProbingPhase {
  return probingPhase({ ...common, step: 0, stepMs: common.sinceMs, methods: 'replayable' });
}

export function probingPhase(
  fields: Omit<ProbingPhase, 'kind' | 'run'> & { readonly methods: RunState['methods'] },
): ProbingPhase {
  const { sinceMs, reason, trippedBy, trips, step, stepMs, methods } = fields;
  const run: RunState = {
    state: 'probing',
    sinceMs,
    admitBp: PROBE_STEPS_BP[step],
    admission: step === 0 ? 'one' : 'share',
    methods,
  };
  return { kind: 'probing', sinceMs, reason, trippedBy, trips, step, stepMs, run: Object.freeze(run) };
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
