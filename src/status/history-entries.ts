/**
 * The history of changes as data: entries, and what a list of them does when more come. In: entries of this replica, of others and
 * of former processes. Out: one list, the newest last, at most 200, the same on every replica that knows the same entries.
 * JSON that others wrote is read with distrust; members that are not known here survive.
 */

export interface HistoryEntry {
  /** Equal on every replica for the same thing. */
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  /** Null: of many services, or of a whole text. */
  readonly service: string | null;
  /** `percentage`, `changed`, `rejected`, `reverted`, `fallen_back`, `probing`, `recovered`, `held`, `resumed`; later ones may come. */
  readonly kind: string;
  /** A person, a tool, a source or a replica. */
  readonly by: string;
  /** `20 %`; null: does not apply. */
  readonly from: string | null;
  readonly to: string | null;
  /** '' where nobody said. */
  readonly why: string;
  /** One line that says it all. */
  readonly message: string;
}

export const MOST_ENTRIES = 200;
/** A gateway that flaps under 500 services must not push out who changed what last week. */
const MOST_OF_ITSELF = 100;
const OF_ITSELF = new Set(['fallen_back', 'probing', 'recovered']);

/** Two replicas that saw the same thing on their own saw it within this time. */
const SAME_WITHIN_MS = 10_000;

/** `shared` wins where both have an entry: what is written already is not written anew. */
export function mergedEntries(own: readonly HistoryEntry[], shared: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const known = new Set(shared.map(({ id }) => id));
  const byId = new Map([...shared, ...own.filter(({ id }) => !known.has(id))].map((entry) => [entry.id, entry]));
  // Stable: of the same instant, what is shared keeps its order.
  const inOrder = [...byId.values()].sort((x, y) => compare(x.at, y.at));
  return trimmed(withoutRepeats(inOrder, known));
}

/** As an object of format 1. */
export function historyDocument(entries: readonly HistoryEntry[]): { readonly format: 1; readonly entries: unknown } {
  return { format: 1, entries };
}

/** Null: no history of a known format. Entries without sense are left out. */
export function entriesOf(json: unknown): readonly HistoryEntry[] | null {
  if (!isRecord(json) || json.format !== 1 || !Array.isArray(json.entries)) return null;
  return json.entries.filter(isEntry);
}

/** The last `limit` of one service, or of all. */
export function chosenEntries(
  entries: readonly HistoryEntry[],
  service: string | null,
  limit: number,
): readonly HistoryEntry[] {
  const chosen = service === null ? entries : entries.filter((entry) => entry.service === service);
  return chosen.slice(Math.max(0, chosen.length - limit));
}

/** The same thing, seen by two replicas at their own times: only where nothing else of the service lies between. */
function withoutRepeats(entries: readonly HistoryEntry[], known: ReadonlySet<string>): readonly HistoryEntry[] {
  const last = new Map<string | null, HistoryEntry>();
  const dropped = new Set<HistoryEntry>();
  for (const entry of entries) {
    const before = last.get(entry.service);
    if (before === undefined || !isRepeat(before, entry)) {
      last.set(entry.service, entry);
    } else if (known.has(entry.id) && !known.has(before.id)) {
      dropped.add(before);
      last.set(entry.service, entry);
    } else {
      dropped.add(entry);
    }
  }
  return dropped.size === 0 ? entries : entries.filter((entry) => !dropped.has(entry));
}

function isRepeat(x: HistoryEntry, y: HistoryEntry): boolean {
  if (!OF_ITSELF.has(x.kind) || x.kind !== y.kind || x.from !== y.from || x.to !== y.to) return false;
  return Math.abs(Date.parse(y.at) - Date.parse(x.at)) < SAME_WITHIN_MS;
}

function trimmed(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const surplus = entries.length - MOST_ENTRIES;
  if (surplus <= 0) return entries;
  const ofItself = entries.filter(({ kind }) => OF_ITSELF.has(kind));
  const goes = new Set(ofItself.slice(0, Math.min(surplus, Math.max(0, ofItself.length - MOST_OF_ITSELF))));
  const kept = entries.filter((entry) => !goes.has(entry));
  return kept.slice(Math.max(0, kept.length - MOST_ENTRIES));
}

function isEntry(json: unknown): json is HistoryEntry {
  if (!isRecord(json)) return false;
  const texts = [json.id, json.at, json.kind, json.by, json.why, json.message];
  if (!texts.every((text) => typeof text === 'string')) return false;
  if (Number.isNaN(Date.parse(json.at as string))) return false;
  return [json.service, json.from, json.to].every((text) => text === null || typeof text === 'string');
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function compare(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0;
}
