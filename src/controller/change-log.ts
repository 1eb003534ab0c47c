/**
 * Who changed which service last, when and why. In: changes as they are applied, and announcements of those who are about to
 * make one through us. Out: the last change of a service. A change that nobody announced has the author that the source knows of.
 */
import type { ServiceChange } from './changes.ts';

export interface LastChange {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

export interface Author {
  readonly by: string;
  /** '' where nobody said. */
  readonly reason: string;
}

export class ChangeLog {
  readonly #last = new Map<string, LastChange>();
  readonly #announced = new Map<string, Author>();

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

  lastOf(service: string): LastChange | null {
    return this.#last.get(service) ?? null;
  }
}
