/**
 * Who changed which service last, when and why. In: changes as they are applied, announcements of those who are about to make one
 * through us, and the history, which remembers what happened before this process began. Out: the last change of a service. A change
 * that nobody announced has the author that the source knows of.
 */
import type { HistoryEntry } from '../status/history-entries.ts';
import type { ServiceChange } from './changes.ts';
import { type LastChange, rememberedChanges } from './remembered-changes.ts';

export interface Author {
  readonly by: string;
  /** '' where nobody said. */
  readonly reason: string;
}

export class ChangeLog {
  readonly #history: () => readonly HistoryEntry[];
  readonly #last = new Map<string, LastChange>();
  readonly #announced = new Map<string, Author>();
  #remembered: { readonly of: readonly HistoryEntry[]; readonly changes: ReadonlyMap<string, LastChange> } | null =
    null;

  /** `history`: the same list as long as it has not changed. */
  constructor(history: () => readonly HistoryEntry[]) {
    this.#history = history;
  }

  /** Until the returned function is called, a change of this service has this author. */
  announce(service: string, author: Author): () => void {
    this.#announced.set(service, author);
    return () => {
      if (this.#announced.get(service) === author) this.#announced.delete(service);
    };
  }

  /** Who is about to change this service through us; null: nobody. */
  announcedOf(service: string): Author | null {
    return this.#announced.get(service) ?? null;
  }

  /** This change is live. Without a reason it is its own. */
  record({ service, what }: ServiceChange, { by, reason }: Author, nowMs: number): LastChange {
    const last = { atMs: nowMs, by, reason: reason === '' ? what : reason };
    if (what === 'removed') this.#last.delete(service);
    else this.#last.set(service, last);
    return last;
  }

  /** What this process saw itself goes before what is only remembered. */
  lastOf(service: string): LastChange | null {
    return this.#last.get(service) ?? this.#fromHistory().get(service) ?? null;
  }

  #fromHistory(): ReadonlyMap<string, LastChange> {
    const of = this.#history();
    if (this.#remembered?.of !== of) this.#remembered = { of, changes: rememberedChanges(of) };
    return this.#remembered.changes;
  }
}
