/** What NginxProcess is given, and what it tells of by itself. */
import type { Ending } from './master.ts';

export type NginxEvent =
  /** The master died by itself; it will be restarted. Code and signal are null where it was not our child. */
  | ({ readonly kind: 'exited'; readonly pid: number; readonly message: string } & Ending)
  | { readonly kind: 'restarted'; readonly pid: number }
  | { readonly kind: 'restart_failed'; readonly message: string; readonly nextTryMs: number }
  /** nginx took a text, but had something to say of it. */
  | { readonly kind: 'warned'; readonly message: string };

/** For a small text; a large one has more of the first two (`timeFor`). */
export interface Deadlines {
  /** Of one `nginx -t`. */
  readonly checkMs: number;
  /** From a start or reload to the new generation's answer. Five tries to bind a port in use take 2.5 s of it. */
  readonly confirmMs: number;
  /** Of one question to the control server. */
  readonly askMs: number;
}

export interface NginxProcessOptions {
  /** Absolute; letters, digits and `_ . - /`. Made if it is not there. */
  readonly directory: string;
  /** The program's path. */
  readonly nginx: string;
  /** The program that checks texts while the master `pid` runs, where that is not `nginx`: its own, if another took its place. */
  readonly checkedBy?: (pid: number | null) => Promise<string | null>;
  /** `beside`: another container starts it when we ask. Absent: we ourselves. */
  readonly startedBy?: StartedBy;
  /** `user` of the workers in the texts; null where nginx is not started by root. */
  readonly workerUser: string | null;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  readonly onEvent: (event: NginxEvent) => void;
  readonly deadlines?: Partial<Deadlines>;
  /** No file that nginx writes, log or temporary, grows beyond it; null: no limit. */
  readonly largestFileBytes?: number | null;
}

export type StartedBy = 'self' | 'beside';

export const DEADLINES: Deadlines = { checkMs: 10_000, confirmMs: 10_000, askMs: 1_000 };
/** Logs that nobody reads, while we are not there, stop here. */
export const LARGEST_FILE = 256 * 1024 * 1024;

/** Characters; some 700 distinct pairs of backends, which nginx 1.22.1 loads in 0.2 s. 5 000 pairs are 20 MiB and take 4 to 14 s. */
const LARGE = 3 * 1024 * 1024;

/** Whether a text takes so long to load that loading it twice would be felt by whoever waits for it to be live. */
export function isLarge(text: string): boolean {
  return text.length > LARGE;
}

/**
 * What nginx needs to load a text grows with it. A generous allowance: with 5 000 pairs of backends 90 s, where nginx 1.22.1
 * needs 4 to 14 s on a quiet machine and 35 s on one with seven times as much to do as it can.
 */
export function timeFor(text: string, ms: number): number {
  return ms + (text.length / (256 * 1024)) * 1_000;
}
