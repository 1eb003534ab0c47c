/**
 * The last change of each service, as a history tells it. In: entries, the newest last. Out: by service who, when and why, in the words
 * of a change that was just seen. Pure. What changed alike in many services is one entry, which names none of them: those are not here.
 */
import type { HistoryEntry } from '../status/history-entries.ts';

export interface LastChange {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

export function rememberedChanges(entries: readonly HistoryEntry[]): ReadonlyMap<string, LastChange> {
  const last = new Map<string, LastChange>();
  for (const { at, by, from, kind, service, to, why } of entries) {
    if (service === null) continue;
    if (kind === 'changed' && to === 'removed') last.delete(service);
    const what = wordsOf(kind, from, to);
    if (what === null) continue;
    const atMs = Date.parse(at);
    const before = last.get(service);
    // One edit is several entries, with one reason, or with none.
    const said = kind === 'reverted' ? '' : why;
    const isOneEdit = before?.atMs === atMs && before.by === by && said === '';
    last.set(service, { atMs, by, reason: isOneEdit ? `${before.reason}, ${what}` : said || what });
  }
  return last;
}

/** Null: no change of the configuration. */
function wordsOf(kind: string, from: string | null, to: string | null): string | null {
  if (kind === 'changed') return to === 'removed' ? null : to;
  if (kind !== 'percentage' && kind !== 'reverted') return null;
  return from === null || to === null ? null : `percentage ${bare(from)} -> ${bare(to)}`;
}

function bare(percentage: string): string {
  return percentage.replace(/ %$/, '');
}
