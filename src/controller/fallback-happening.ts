/**
 * A step of a service's fallback as a happening. In: the step and how the service stands after it. Out: a happening, or null where
 * nobody looks for it in a history: the shares of probing, and a state that was reset by something that is told of itself.
 */
import type { FallbackView } from '../fallback/view.ts';
import type { RunStateName } from '../migration/run-state.ts';
import type { Happening, HappeningKind } from './happening.ts';
import { transitionText } from './transition-log.ts';

export interface FallbackStep {
  readonly service: string;
  readonly from: RunStateName;
  readonly to: RunStateName;
  readonly view: FallbackView;
  /** This replica. */
  readonly replica: string;
  readonly about: Happening['about'];
}

/**
 * Trips are counted from one again after each reset: the same number in the same minute is the same trip. Replicas learn of a trip some
 * 0.2 s apart, so one of 300 trips lies on both sides of a full minute and makes two Events; the history tells such repeats.
 */
const SAME_TRIP_MS = 60_000;

export function fallbackHappening(step: FallbackStep): Happening | null {
  const { service, from, to, view, replica, about } = step;
  const kind = kindOf(step);
  if (kind === null) return null;
  const { hold, reason, sinceMs, trippedBy, trips } = view;
  const common = { kind, service, from, to, message: transitionText(service, to, view), about };
  if (hold !== null) {
    const identity = `hold ${Math.floor(hold.atMs)} ${hold.by}`;
    return { ...common, atMs: hold.atMs, by: hold.by, why: hold.reason, identity };
  }
  const by = kind === 'fallen_back' ? (trippedBy ?? replica) : replica;
  const identity = `trip ${trips} ${Math.floor(sinceMs / SAME_TRIP_MS)}`;
  return { ...common, atMs: sinceMs, by, why: reason ?? '', identity };
}

function kindOf({ from, to, view }: FallbackStep): HappeningKind | null {
  if (view.hold !== null) return 'held';
  if (to === 'fallen_back') return 'fallen_back';
  if (to === 'probing') return from === 'probing' ? null : 'probing';
  // After a resume, or another new cluster, no trips are remembered.
  return from === 'steady' || view.trips === 0 ? null : 'recovered';
}
