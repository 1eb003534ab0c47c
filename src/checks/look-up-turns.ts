/**
 * Whose name is looked up when. The system looks names up in a few threads, and a name server that is silent about a zone keeps
 * one of them for up to a minute a name: a handful of dead names would hold up everybody's. So names that answered last time
 * are asked at once, and the others by turns, few at a time. In: a look-up of the system. Out: one that keeps to this.
 * It knows nothing of services, and remembers no addresses.
 */
import type { LookupFunction } from 'node:net';
import type { SetTimer } from './schedule.ts';

/** A name that takes longer is asked like one that fails, and says nothing good of the next time. */
const PROMPT_MS = 2_000;
/** Names that are remembered: many more than any configuration has. */
const MOST_KNOWN = 50_000;

type Lane = 'unknown' | 'failing';

export interface LookUpTurnsOptions {
  readonly lookup: LookupFunction;
  readonly setTimer: SetTimer;
  /** Look-ups that the system makes at the same time. */
  readonly atOnce: number;
}

export function inTurns({ lookup, setTimer, atOnce }: LookUpTurnsOptions): LookupFunction {
  /** What is left is for names that are well. At a start all are unknown. */
  const most: Record<Lane, number> = { unknown: part(atOnce, 1 / 2), failing: part(atOnce, 1 / 4) };
  const mostTogether = Math.max(2, part(atOnce, 3 / 4));
  const known = new Map<string, 'well' | 'failing'>();
  const running: Record<Lane, number> = { unknown: 0, failing: 0 };
  const waiting: Record<Lane, (() => void)[]> = { unknown: [], failing: [] };

  const note = (hostname: string, found: 'well' | 'failing'): void => {
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(hostname, found);
  };
  const isFree = (lane: Lane): boolean =>
    running[lane] < most[lane] && running.unknown + running.failing < mostTogether;
  const startNext = (): void => {
    for (const lane of ['unknown', 'failing'] as const) {
      while (waiting[lane].length > 0 && isFree(lane)) waiting[lane].shift()?.();
    }
  };

  return (hostname, options, answer) => {
    const last = known.get(hostname);
    let lane: Lane | null = last === 'well' ? null : (last ?? 'unknown');
    const look = (): void => {
      let isPrompt = true;
      if (lane !== null) running[lane]++;
      const cancel = setTimer(() => {
        isPrompt = false;
        note(hostname, 'failing');
        if (lane !== 'unknown') return;
        running.unknown--;
        running.failing++;
        lane = 'failing';
        startNext();
      }, PROMPT_MS);
      lookup(hostname, options, (...found) => {
        cancel();
        note(hostname, found[0] === null && isPrompt ? 'well' : 'failing');
        if (lane !== null) running[lane]--;
        startNext();
        answer(...found);
      });
    };
    if (lane === null || isFree(lane)) look();
    else waiting[lane].push(look);
  };
}

function part(of: number, share: number): number {
  return Math.max(1, Math.floor(of * share));
}

/** All addresses of a name, in the order of the system. Rejects with the system's error. */
export function addressesBy(lookup: LookupFunction): (hostname: string) => Promise<readonly string[]> {
  return (hostname) =>
    new Promise((resolve, reject) => {
      lookup(hostname, { all: true, order: 'verbatim' }, (error, found) => {
        if (error !== null) reject(error);
        else resolve(typeof found === 'string' ? [found] : found.map(({ address }) => address));
      });
    });
}
