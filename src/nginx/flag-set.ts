/**
 * Run state as names of files, and the order in which they change. In: what the fallback says of a service, and which of its
 * files are there. Out: the files to be, and steps of which none admits more to new than the state that is left or the one
 * that is entered. Touches no file.
 */
import type { RunState } from '../migration/run-state.ts';

/** `''` is the service's own file: it is not steady. A class that has a file is closed. */
export type Flag = '' | '.a' | '.b' | '.c' | '.d' | '.one' | '.any';

/** Up to how many basis points of new's traffic a class reaches. */
const CLASSES: readonly (readonly [Flag, number])[] = [
  ['.a', 1_000],
  ['.b', 2_500],
  ['.c', 5_000],
  ['.d', 10_000],
];
const SLOTS: readonly Flag[] = ['.one', '.any'];
const FLAGS: readonly Flag[] = ['', ...CLASSES.map(([flag]) => flag), ...SLOTS];

export function flagsOf({ state, admission, admitBp, methods }: RunState): readonly Flag[] {
  if (state === 'steady') return [];
  const closed = CLASSES.filter(([, bp]) => admission === 'one' || bp > admitBp).map(([flag]) => flag);
  // Who may hold it looks for one file alone: `.one` where the method may be sent twice, else `.any`.
  const slot: readonly Flag[] = admission !== 'one' ? [] : methods === 'all' ? SLOTS : ['.one'];
  return ['', ...closed, ...slot];
}

export interface FlagStep {
  readonly kind: 'create' | 'remove';
  readonly flag: Flag;
}

/**
 * The single slot is taken away first and given last. Classes are closed before the service's own file appears, and opened
 * after it is gone: both changes are one moment for nginx.
 */
export function flagSteps(present: ReadonlySet<Flag>, wanted: readonly Flag[]): readonly FlagStep[] {
  const target = new Set(wanted);
  const remove = (flags: readonly Flag[]): FlagStep[] =>
    flags.filter((flag) => present.has(flag) && !target.has(flag)).map((flag) => ({ kind: 'remove', flag }));
  const create = (flags: readonly Flag[]): FlagStep[] =>
    flags.filter((flag) => !present.has(flag) && target.has(flag)).map((flag) => ({ kind: 'create', flag }));
  const classes = CLASSES.map(([flag]) => flag);
  return [...remove(SLOTS), ...create(classes), ...create(['']), ...remove(['']), ...remove(classes), ...create(SLOTS)];
}

/** The service's id and the flag that a file's name means; null for a file of somebody else. */
export function flagOfFile(name: string): { readonly id: string; readonly flag: Flag } | null {
  const match = /^([0-9a-f]{16})(\.[a-z]+)?$/.exec(name);
  const flag = FLAGS.find((candidate) => candidate === (match?.[2] ?? ''));
  return match === null || flag === undefined ? null : { id: match[1], flag };
}
