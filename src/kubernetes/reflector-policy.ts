/**
 * What follows when a list or a watch has ended: pure arithmetic over how it ended and how often it failed before. Refuses to know
 * clocks and chance: both are arguments.
 */
import type { KubeFailure } from './api.ts';

/** How one attempt (a list, or a watch that began where a list or a watch left off) ended. */
export interface AttemptEnd {
  /** Null: as the server ends watches every so often. */
  readonly failure: KubeFailure | null;
  /** From its start, however much of it was waiting. */
  readonly tookMs: number;
  /** Since the server first answered in it; 0 where it never did. */
  readonly livedMs: number;
  /** Failures in a row before it. */
  readonly failures: number;
  /** Since the last complete list. */
  readonly listedMsAgo: number;
  /** A list is due after so long, whatever the watch says. */
  readonly relistMs: number;
  /** In [0, 1). */
  readonly random: number;
}

export interface NextAttempt {
  /** `list`: everything anew, then a watch from there; `watch`: from the last version on. */
  readonly begin: 'list' | 'watch';
  readonly delayMs: number;
  /** In a row, this end included. */
  readonly failures: number;
}

const FIRST_BACK_OFF_MS = 200;
/** Back online means caught up within 5 s, with time for an attempt that hangs in connecting when the server comes back. */
const LONGEST_BACK_OFF_MS = 4_000;
/** An attempt that lived so long was a success, however it ended. */
const LASTED_MS = 5_000;
/** A server that ends each watch at once would otherwise be asked tens of times a second. */
const SUSPICIOUSLY_SHORT_MS = 1_000;
/** A server that says when to come again is believed up to here. */
const LONGEST_RETRY_AFTER_MS = 30_000;

export function afterEnd(end: AttemptEnd): NextAttempt {
  const { failure, livedMs } = end;
  const isListDue = end.listedMsAgo >= end.relistMs;
  if (failure === null && livedMs >= SUSPICIOUSLY_SHORT_MS) {
    return { begin: isListDue ? 'list' : 'watch', delayMs: 0, failures: 0 };
  }
  const failures = livedMs >= LASTED_MS ? 1 : end.failures + 1;
  // Versions that are too old are nobody's fault: a list mends it at once. Again and again, it does not.
  if (failure?.kind === 'gone' && failures === 1) return { begin: 'list', delayMs: 0, failures };
  const begin = failure === null && !isListDue ? 'watch' : 'list';
  return { begin, delayMs: delayOf(failures, end), failures };
}

/** From start to start: an attempt that hung for seconds has waited already. */
function delayOf(failures: number, { failure, tookMs, random }: AttemptEnd): number {
  const backOffMs = Math.min(FIRST_BACK_OFF_MS * 2 ** (failures - 1), LONGEST_BACK_OFF_MS) * (0.5 + random / 2);
  const waitedMs = failures === 1 ? 0 : tookMs;
  return Math.max(0, backOffMs - waitedMs, Math.min(failure?.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS));
}
