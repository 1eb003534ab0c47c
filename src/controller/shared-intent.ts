/**
 * What a replica wants to have shared of one service, and what becomes of that when somebody else was first. In: the wish, and the
 * text that is shared by now. Out: one word. It is these few rules that make a trip beat a recovery, and keep a person's hold.
 */
import { isSameHold } from '../fallback/replicas.ts';
import { type Hold, holdOf, type Phase } from '../fallback/state.ts';
import type { OwnChange } from './replicas.ts';
import { isHeld, type StateInText } from './state-text.ts';

export interface Intent {
  /** `removal`: of a service that nobody has any more. */
  readonly what: OwnChange | 'proposal' | 'removal';
  /** A trip: its number, and the new cluster it is about. */
  readonly trips: number;
  readonly newTarget: string | null;
  /** The phase that was left. */
  readonly before: Phase | null;
  /** Made, or still waiting, while nothing was heard of the others. */
  gap: boolean;
  /** It may have been written: nobody answered. */
  tried: boolean;
}

export function isPut({ what }: Intent): boolean {
  return what === 'trip' || what === 'hold';
}

/** `stays`: it is still to be written. `yields`: what is shared counts; where that is its own text, it is the same. */
export type Fate = 'stays' | 'yields';

/** `text`: another than what was known when it was decided; null: nothing is shared. `said`: what it means, null: no sense in it. */
export function fateOf(intent: Intent, text: string | null, said: StateInText | null): Fate {
  switch (intent.what) {
    case 'hold':
      return 'stays';
    case 'resume':
      // A hold that somebody else placed meanwhile is not the one that was lifted.
      return said !== null && isHeld(said.phase) && !isSameHold(holdOf(said.phase), liftedBy(intent))
        ? 'yields'
        : 'stays';
    case 'trip':
      return tripFate(intent, text, said);
    default:
      return 'yields';
  }
}

function liftedBy({ before }: Intent): Hold | null {
  return before === null ? null : holdOf(before);
}

/**
 * Whether a hold was written over by somebody who did not know of it: a trip's write may be on its way for as long as the network
 * keeps it. `before`: what was shared until now. What follows a hold that was lifted says which one that was.
 */
export function isWrittenOver(before: StateInText | null, now: StateInText | null): boolean {
  const hold = before === null ? null : holdOf(before.phase);
  return hold !== null && now !== null && holdOf(now.phase) === null && now.liftedMs !== hold.atMs;
}

function tripFate(
  { before, gap, newTarget, tried, trips }: Intent,
  text: string | null,
  said: StateInText | null,
): Fate {
  // Of a service that was in trouble already: it was resumed, or is about another cluster by now.
  if (text === null) return (gap || tried) && before?.kind !== 'steady' ? 'yields' : 'stays';
  if (said === null) return 'stays';
  if (isHeld(said.phase)) return 'yields';
  // The same trip or a later one is known to the others; else they only went on from before it.
  return said.newTarget === newTarget && said.phase.trips >= trips ? 'yields' : 'stays';
}
