/**
 * A history for people. In: the admin server's entries. Out: lines of a table, the newest last. Pure.
 */
import type { HistoryEntry } from '../status/history-entries.ts';
import { type Paint, plain, type Style } from './streams.ts';
import { type Cell, renderTable } from './table.ts';

const HEAD = ['TIME', 'SERVICE', 'WHAT', 'BY', 'WHY'];
/** Of many services, or of none. */
const NO_SERVICE = '-';

/** Not objects: a kind is another's word, and may be `constructor`. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['rejected', 'rejected'],
  ['fallen_back', 'fell back'],
  ['probing', 'probing'],
  ['recovered', 'recovered'],
  ['held', 'held on old'],
  ['resumed', 'resumed'],
]);
const STYLES: ReadonlyMap<string, Style> = new Map([
  ['rejected', 'red'],
  ['reverted', 'yellow'],
  ['fallen_back', 'red'],
  ['probing', 'cyan'],
  ['recovered', 'green'],
  ['held', 'yellow'],
  ['resumed', 'green'],
]);

export function renderHistory(entries: readonly HistoryEntry[], paint: Paint): string[] {
  return renderTable(HEAD, entries.map(rowOf), paint);
}

function rowOf(entry: HistoryEntry): Cell[] {
  const { at, by, kind, service, why } = entry;
  return [
    { text: plain(timeText(at)), style: 'dim' },
    { text: plain(service ?? NO_SERVICE), style: 'bold' },
    { text: plain(whatText(entry)), style: STYLES.get(kind) },
    { text: plain(by) },
    { text: plain(why) },
  ];
}

function whatText({ from, kind, to }: HistoryEntry): string {
  if (kind === 'percentage') return `${from} -> ${to}`;
  if (kind === 'reverted') return `set back ${from} -> ${to}`;
  // A kind of a later version says at least its name.
  return WORDS.get(kind) ?? (kind === 'changed' ? (to ?? kind) : kind);
}

/** To the second, UTC as it came: `2026-01-01 00:00:00Z`. */
function timeText(at: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(at);
  return parts === null ? at : `${parts[1]} ${parts[2]}Z`;
}
