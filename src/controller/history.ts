/**
 * What happened to the services, for whoever asks afterwards: the last 200 changes, in memory. In: happenings as this replica sees
 * them, and entries that others wrote. Out: one list, and a word when it has changed. Where it is kept (a file, an object that all
 * replicas share) is somebody else's.
 */
import { createHash } from 'node:crypto';
import { entriesOf, type HistoryEntry, historyDocument, mergedEntries } from '../status/history-entries.ts';
import { cutToBytes } from './cut-text.ts';
import type { Happening } from './happening.ts';

/** So that 200 entries are far below the 1 MiB of an object. */
const MESSAGE_BYTES = 1_024;
const TEXT_BYTES = 512;

/** Added since the list was last asked for; more are folded into it at once. */
const MOST_FRESH = 500;

export class History {
  #entries: readonly HistoryEntry[] = [];
  /** 500 services that trip in one turn must not sort the list 500 times. */
  #fresh: HistoryEntry[] = [];
  readonly #listeners: (() => void)[] = [];
  /** Ids of what no other replica can know, until a shared text has shown them. */
  readonly #onlyHere = new Set<string>();

  /** Told that the list has another entry than before. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The newest last. */
  entries(): readonly HistoryEntry[] {
    if (this.#fresh.length > 0) {
      this.#entries = mergedEntries(this.#fresh, this.#entries);
      this.#fresh = [];
    }
    return this.#entries;
  }

  /** `here`: no other replica sees it by itself. */
  add(happening: Happening, seen: 'everywhere' | 'here' = 'everywhere'): void {
    const entry = entryOf(happening);
    this.#fresh.push(entry);
    if (seen === 'here') this.#onlyHere.add(entry.id);
    if (this.#fresh.length > MOST_FRESH) this.entries();
    this.#changed();
  }

  /** It has an entry that others will learn of only from what this replica writes. */
  get isAhead(): boolean {
    return this.#onlyHere.size > 0;
  }

  /** Entries that another replica, or a former process, wrote; where both have one, theirs stays. */
  merge(entries: readonly HistoryEntry[]): void {
    const before = this.entries();
    this.#entries = mergedEntries(before, entries);
    const shown = new Set(entries.map(({ id }) => id));
    const kept = new Set(this.#entries.map(({ id }) => id));
    // What is too old for the list by now need not be shown any more.
    for (const id of this.#onlyHere) if (shown.has(id) || !kept.has(id)) this.#onlyHere.delete(id);
    if (!isSame(before, this.#entries)) this.#changed();
  }

  /** JSON text for `restore`. */
  toStored(): string {
    return JSON.stringify(historyDocument(this.entries()));
  }

  /** False: it is of no known format. */
  restore(json: unknown): boolean {
    const entries = entriesOf(json);
    if (entries !== null) this.merge(entries);
    return entries !== null;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function isSame(x: readonly HistoryEntry[], y: readonly HistoryEntry[]): boolean {
  return x.length === y.length && x.every(({ id, at }, i) => id === y[i].id && at === y[i].at);
}

function entryOf({ kind, service, atMs, by, from, to, why, message, identity }: Happening): HistoryEntry {
  return {
    id: createHash('sha256')
      .update(JSON.stringify([identity, kind, service]))
      .digest('hex')
      .slice(0, 16),
    at: new Date(atMs).toISOString(),
    service,
    kind,
    by: cutToBytes(by, TEXT_BYTES),
    from,
    to: to === null ? null : cutToBytes(to, TEXT_BYTES),
    why: cutToBytes(why, TEXT_BYTES),
    message: cutToBytes(message, MESSAGE_BYTES),
  };
}
