/**
 * One question to an API server: it ends within its limit, and a read is asked again where asking again may help. In: what is
 * asked and how. Out: the answer or a KubeFailure. Refuses to know the wire.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { KubeFailure } from './api.ts';
import { timedOut, unreachable } from './failures.ts';

export interface KubeCall<T> {
  readonly server: string;
  /** For messages: `patch configmaps "x" in namespace "y"`. */
  readonly what: string;
  readonly limitMs: number;
  /** `again`: up to three times within the limit, for reads; `once`: whoever asks has a way of its own to ask again. */
  readonly ask: 'again' | 'once';
  /** Ends what it holds, sockets too, when the signal fires. */
  readonly perform: (signal: AbortSignal) => Promise<T>;
}

const MOST_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 100;

/** Rejects with KubeFailure alone. */
export async function kubeCall<T>(call: KubeCall<T>): Promise<T> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(timedOut(call.server, call.what, call.limitMs));
      limit.abort();
    }, call.limitMs);
  });
  try {
    return await Promise.race([attempts(call, limit.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function attempts<T>(call: KubeCall<T>, signal: AbortSignal): Promise<T> {
  const startedMs = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await call.perform(signal);
    } catch (error) {
      const failure = error instanceof KubeFailure ? error : unreachable(call.server, error);
      const pauseMs = pauseBefore(call.ask, attempt, failure, call.limitMs - (performance.now() - startedMs));
      if (pauseMs === null || signal.aborted) throw failure;
      await pause(pauseMs);
      if (signal.aborted) throw failure;
    }
  }
}

/** Ms to wait before the next attempt; null: none. `leftMs`: of the call's limit. */
export function pauseBefore(
  ask: KubeCall<unknown>['ask'],
  attempt: number,
  failure: KubeFailure,
  leftMs: number,
): number | null {
  const mayPass = failure.kind === 'throttled' || failure.kind === 'server' || failure.kind === 'unreachable';
  if (ask === 'once' || !mayPass || attempt >= MOST_ATTEMPTS) return null;
  const pauseMs = Math.max(FIRST_PAUSE_MS * 3 ** (attempt - 1), failure.retryAfterMs ?? 0);
  return pauseMs < leftMs ? pauseMs : null;
}
