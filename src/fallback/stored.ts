/**
 * A service's state as plain JSON (`format: 1`), to outlive a restart, and back. Counters are not stored: what was seen
 * before a restart was another process's view. Keys of a later version survive being read and written here.
 * Times are wall-clock RFC 3339, read with distrust: the clock may have jumped, or the file may be anybody's.
 */
import type { RunState } from '../migration/run-state.ts';
import {
  type FallbackState,
  fallenBackPhase,
  firstProbes,
  type Hold,
  type Phase,
  PROBE_STEPS_BP,
  type ProbingPhase,
  probingPhase,
  steadyPhase,
} from './state.ts';

export interface StoredState {
  readonly format: 1;
  readonly state: RunState['state'];
  readonly since: string;
  readonly reason: string | null;
  readonly tripped_by: string | null;
  readonly trips: number;
  readonly hold: { readonly by: string; readonly at: string; readonly reason: string } | null;
  readonly wait_ms: number;
  /** Null: nothing to wait for. */
  readonly retry_at: string | null;
  /** Probing where replicas share: how far it has come, and who sends the single requests of the first step. */
  readonly step?: number;
  readonly owner?: string | null;
  readonly beat?: number;
  /** Which hold was lifted before: when it was placed. Who knows of that one sees that this is no late word of somebody who did not. */
  readonly lifted?: string;
}

export interface Remembered {
  readonly phase: Phase;
  readonly foreign: Readonly<Record<string, unknown>>;
  /** When the hold was placed that was lifted last. */
  readonly liftedMs: number | null;
}

const KEYS = new Set([
  ...['format', 'state', 'since', 'reason', 'tripped_by', 'trips', 'hold', 'wait_ms', 'retry_at'],
  ...['step', 'owner', 'beat', 'lifted'],
]);
/** Of UTF-16: thousands of services share one object of 1 MiB, and an error's text can be anything. */
const REASON_LIMIT = 300;
/** Ten recovery times of a day, with their jitter. A longer one was written by hand, and has no end that a date can name. */
const LONGEST_WAIT_MS = 11 * 24 * 3600 * 1000;
/** Counted on from here, numbers stay whole. */
const MOST_COUNTED = 1_000_000;

/** Null: nothing worth keeping: steady, and no trip that still lengthens the next wait. */
export function toStored(state: FallbackState): StoredState | null {
  const { phase, foreign, seen } = state;
  if (phase.kind === 'steady' && phase.trips === 0) return null;
  const fallen = phase.kind === 'fallen_back' ? phase : null;
  const hold = fallen?.hold ?? null;
  return {
    ...foreign,
    format: 1,
    state: phase.kind,
    since: timeText(phase.sinceMs),
    reason: cut(phase.reason),
    tripped_by: phase.trippedBy,
    trips: phase.trips,
    hold: hold === null ? null : { by: hold.by, at: timeText(hold.atMs), reason: hold.reason },
    wait_ms: Math.round(fallen?.waitMs ?? 0),
    retry_at: fallen === null || hold !== null ? null : timeText(fallen.retryAtMs),
    ...(phase.kind === 'probing' && seen.consent !== 'free' ? stepOf(phase) : {}),
    ...(seen.liftedMs !== null && seen.consent !== 'free' ? { lifted: timeText(seen.liftedMs) } : {}),
  };
}

function stepOf({ step, owner, beat }: ProbingPhase): Pick<StoredState, 'step' | 'owner' | 'beat'> {
  return step === 0 ? { step, owner, beat } : { step };
}

/**
 * Null: not ours, or no sense in it. A service that was probing begins again with single requests; one whose times lie in
 * the future (the clock was set back) waits no longer than it would from now. `self`: `ownName` of this replica: only whoever
 * owned the single requests goes on with them.
 */
export function fromStored(json: unknown, nowMs: number, self: string | null = null): Remembered | null {
  return remembered(json, nowMs, (common, { owner }) =>
    // Who is alone waits for no other.
    firstProbes({ ...common, sinceMs: nowMs, owner: self === null ? null : textOf(owner) }, self),
  );
}

/**
 * What replicas share, as it was written: probing is at the step that it has reached, begun now. `self`: `ownName` of this
 * replica. Null as above.
 */
export function fromShared(json: unknown, nowMs: number, self: string | null): Remembered | null {
  return remembered(json, nowMs, (common, { step = 0, owner, beat = 0 }) => {
    if (!isCount(step) || step >= PROBE_STEPS_BP.length || !isCount(beat)) return null;
    const begun = { sinceMs: nowMs, stepMs: nowMs };
    const methods = step === 0 ? 'replayable' : 'all';
    const own = { owner: step === 0 ? textOf(owner) : null, beat: Math.min(beat, MOST_COUNTED) };
    return probingPhase({ ...common, ...begun, ...own, step, methods }, self);
  });
}

type Common = Pick<Phase, 'reason' | 'trippedBy' | 'trips'>;

function remembered(
  json: unknown,
  nowMs: number,
  probing: (common: Common, json: Record<string, unknown>) => ProbingPhase | null,
): Remembered | null {
  if (!isRecord(json) || json.format !== 1) return null;
  const foreign = Object.fromEntries(Object.entries(json).filter(([key]) => !KEYS.has(key)));
  const since = timeOf(json.since);
  if (since === null || !isCount(json.trips)) return null;
  const trips = Math.min(json.trips, MOST_COUNTED);
  const sinceMs = Math.min(since, nowMs);
  const reason = textOf(json.reason);
  const trippedBy = textOf(json.tripped_by);
  const liftedMs = timeOf(json.lifted);
  switch (json.state) {
    case 'steady':
      return { phase: steadyPhase(sinceMs, reason, trippedBy, trips), foreign, liftedMs };
    case 'probing': {
      const phase = probing({ reason, trippedBy, trips }, json);
      return phase === null ? null : { phase, foreign, liftedMs };
    }
    case 'fallen_back': {
      const hold = holdOf(json.hold);
      const common = { sinceMs, reason, trippedBy, trips, hold };
      if (hold !== null) return { phase: fallenBackPhase({ ...common, waitMs: 0, retryAtMs: 0 }), foreign, liftedMs };
      const retryAt = timeOf(json.retry_at);
      if (retryAt === null || typeof json.wait_ms !== 'number' || !(json.wait_ms >= 0)) return null;
      const waitMs = Math.min(json.wait_ms, LONGEST_WAIT_MS);
      return {
        phase: fallenBackPhase({ ...common, waitMs, retryAtMs: Math.min(retryAt, nowMs + waitMs) }),
        foreign,
        liftedMs,
      };
    }
    default:
      return null;
  }
}

/** Anything but null is somebody's wish to stay on old: a damaged hold is still a hold. */
function holdOf(json: unknown): Hold | null {
  if (json === null || json === undefined) return null;
  const hold = isRecord(json) ? json : {};
  return { by: textOf(hold.by) ?? 'unknown', atMs: timeOf(hold.at) ?? 0, reason: textOf(hold.reason) ?? '' };
}

/** What a Date can hold; a wait beyond it is for ever either way. */
const LAST_MS = 8.64e15;

function timeText(ms: number): string {
  return new Date(Math.min(ms, LAST_MS)).toISOString();
}

function timeOf(json: unknown): number | null {
  if (typeof json !== 'string') return null;
  const ms = Date.parse(json);
  return Number.isNaN(ms) ? null : ms;
}

function cut(text: string | null): string | null {
  return text === null || text.length <= REASON_LIMIT ? text : `${text.slice(0, REASON_LIMIT - 1).toWellFormed()}…`;
}

function isCount(json: unknown): json is number {
  return typeof json === 'number' && Number.isSafeInteger(json) && json >= 0;
}

function textOf(json: unknown): string | null {
  return typeof json === 'string' ? json : null;
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
