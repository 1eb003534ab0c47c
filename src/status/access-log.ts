/**
 * Which requests are worth a line, and the line.
 * In: finished client requests with their time. Out: one line of JSON each, or nothing; at most 100 a second for each
 * service in mode `errors`, the rest counted and told in one line. A client's bytes stay inside a JSON string, so they can
 * neither begin a line nor steer a terminal. Refuses to know where lines are written.
 */
import type { RequestRecord } from './request-record.ts';

export type AccessLogMode = 'off' | 'errors' | 'all';

const LINES_PER_SECOND = 100;
const TEXT_LIMIT = 500;

interface Budget {
  second: number;
  lines: number;
  suppressed: number;
}

export class AccessLines {
  readonly #mode: AccessLogMode;
  /** One entry for each service that had a line in the running second. */
  readonly #budgets = new Map<string, Budget>();

  constructor(mode: AccessLogMode) {
    this.#mode = mode;
  }

  /** The line for this request, without its line feed; null when it gets none. */
  lineOf(record: RequestRecord): string | null {
    if (this.#mode === 'off') return null;
    if (this.#mode === 'all') return accessLine(record);
    return isWorthALine(record) && this.#admit(record) ? accessLine(record) : null;
  }

  /**
   * Tells what was left out in the seconds before the one of `nowMs`, and forgets those seconds. To be called about once
   * a second; `Infinity` at the end tells everything.
   */
  suppressedLines(nowMs: number): string[] {
    const lines: string[] = [];
    for (const [service, { second, suppressed }] of this.#budgets) {
      if (second >= Math.floor(nowMs / 1_000)) continue;
      this.#budgets.delete(service);
      if (suppressed > 0) lines.push(suppressedLine(service, second, suppressed));
    }
    return lines;
  }

  #admit(record: RequestRecord): boolean {
    const second = Math.floor(record.endedMs / 1_000);
    let budget = this.#budgets.get(record.service);
    if (budget === undefined) {
      budget = { second, lines: 0, suppressed: 0 };
      this.#budgets.set(record.service, budget);
    }
    if (budget.second !== second) {
      budget.second = second;
      budget.lines = 0;
    }
    if (budget.lines === LINES_PER_SECOND) {
      budget.suppressed++;
      return false;
    }
    budget.lines++;
    return true;
  }
}

/** A failed attempt, even where another saved the request, or an answer that had to be our own. */
function isWorthALine(record: RequestRecord): boolean {
  if (record.status !== 0 && !record.answered) return true;
  for (const attempt of record.attempts) if (attempt.failure !== null) return true;
  return false;
}

export function accessLine(record: RequestRecord): string {
  return asLine({
    time: new Date(record.endedMs).toISOString(),
    event: 'request',
    request_id: cut(record.requestId),
    service: record.service,
    reason: record.reason,
    cluster: record.cluster,
    method: cut(record.method),
    // Null: the client went away before an answer.
    status: record.status === 0 ? null : record.status,
    answered: record.answered,
    duration_ms: rounded(record.endedMs - record.startedMs),
    attempts: record.attempts.map(({ cluster, failure, message, durationMs }) => {
      return { cluster, failure, message: cut(message), duration_ms: rounded(durationMs) };
    }),
  });
}

function suppressedLine(service: string, second: number, suppressed: number): string {
  return asLine({ time: new Date(second * 1_000).toISOString(), event: 'suppressed', service, suppressed });
}

/** Lines lost because whoever reads the log was too slow. */
export function droppedLine(nowMs: number, dropped: number): string {
  return asLine({ time: new Date(nowMs).toISOString(), event: 'dropped', dropped });
}

/** JSON leaves DEL, the C1 controls (0x9b begins a terminal sequence) and Unicode's line ends as they are. */
function asLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function cut(text: string): string {
  return text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text;
}

function rounded(ms: number): number {
  return Number(ms.toFixed(3));
}
