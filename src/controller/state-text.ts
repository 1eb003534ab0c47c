/**
 * The text that replicas share of one service: which new cluster it is about, and the stored state. Written the same for the same
 * state; members that a later version adds survive. Refuses to know where it is kept.
 */
import { holdOf, type Phase } from '../fallback/state.ts';
import { fromShared, type Remembered, type StoredState } from '../fallback/stored.ts';
import { tooHeavy } from './json-weight.ts';

type Members = Readonly<Record<string, unknown>>;

export interface StateInText extends Remembered {
  /** Null: it does not say. */
  readonly newTarget: string | null;
  /** Beside the state; `foreign` are those inside it. */
  readonly members: Members;
}

export function stateText(newTarget: string, state: StoredState, members: Members): string {
  return JSON.stringify({ ...members, new_target: newTarget, state });
}

/** Null: not ours, of a format to come, or no sense in it. `self`: this replica's name; times that lie ahead are cut to `nowMs`. */
export function stateInText(text: string, nowMs: number, self: string | null): StateInText | null {
  if (tooHeavy(text) !== null) return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
  const { new_target: newTarget, state, ...members } = json as Record<string, unknown>;
  const remembered = fromShared(state, nowMs, self);
  if (remembered === null) return null;
  return { ...remembered, newTarget: typeof newTarget === 'string' ? newTarget : null, members };
}

/** Whether it holds for this new cluster; a person's hold does for each. */
export function isAbout({ newTarget, phase }: StateInText, target: string): boolean {
  return newTarget === target || isHeld(phase);
}

export function isHeld(phase: Phase): boolean {
  return holdOf(phase) !== null;
}
