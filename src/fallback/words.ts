/**
 * Times and failures in the words of a status line: `2.1 s`, `2 h`, `connect refused`. Text for people; nothing reads it back.
 */
import type { FailureKind } from './outcome.ts';

const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;
const DAY = 24 * H;

/** A duration to about two digits: `350 ms`, `2.1 s`, `60 s`, `5 min`, `2 h`, `3 d`. */
export function durationText(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < S) return `${Math.round(ms)} ms`;
  if (ms < 10 * S) return `${Number((ms / S).toFixed(1))} s`;
  if (ms < 2 * MIN) return `${Math.round(ms / S)} s`;
  if (ms < 2 * H) return `${Math.round(ms / MIN)} min`;
  if (ms < 2 * DAY) return `${Math.round(ms / H)} h`;
  return `${Math.round(ms / DAY)} d`;
}

const CAUSES: Readonly<Record<FailureKind, string>> = {
  dns: 'name not found',
  connect: 'no connection',
  tls: 'TLS failed',
  timeout: 'no answer in time',
  reset: 'connection reset',
  invalid_response: 'broken answer',
  truncated: 'answer cut short',
  status: 'failing status',
};

/** The cause of a failed attempt; `message` is the attempt's own text, '' when it has none. */
export function failureText(kind: FailureKind, message: string): string {
  if (kind === 'connect' && message.includes('ECONNREFUSED')) return 'connect refused';
  return message === '' ? CAUSES[kind] : message;
}
