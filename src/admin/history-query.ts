/**
 * The query of the history: whose, and how many at most. In: the query string. Out: what to choose, or what is wrong with it.
 */
import { MOST_ENTRIES } from '../status/history-entries.ts';
import type { Parsed } from './write-body.ts';

export interface HistoryQuery {
  /** Null: all. */
  readonly service: string | null;
  readonly limit: number;
}

export function parseHistoryQuery(query: string): Parsed<HistoryQuery> {
  const parameters = new URLSearchParams(query);
  const known = ['service', 'limit'];
  for (const key of parameters.keys()) {
    if (!known.includes(key)) return bad('unknown parameter; known are: service, limit');
    if (parameters.getAll(key).length > 1) return bad(`${key} may be given once`);
  }
  const limit = parameters.get('limit') ?? String(MOST_ENTRIES);
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST_ENTRIES) {
    return bad(`limit must be a whole number from 1 to ${MOST_ENTRIES}`);
  }
  return { value: { service: parameters.get('service'), limit: Number(limit) } };
}

function bad(detail: string): Parsed<never> {
  return { problem: { code: 'bad_request', detail } };
}
