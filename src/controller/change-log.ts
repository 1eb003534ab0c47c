/**
 * Who changed which service last, when and why. In: changes as they are applied, and announcements of those who are about to
 * make one through us. Out: the last change of a service. A change that nobody announced is the source's own: somebody
 * edited it.
 */
import type { ServiceChange } from './changes.ts';

export interface LastChange {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

interface Author {
  readonly by: string;
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

  /** These changes are live. Gives back each with its author. */
  record(changes: readonly ServiceChange[], source: string, nowMs: number): readonly (ServiceChange & LastChange)[] {
    return changes.map((change) => {
      const author = this.#announced.get(change.service) ?? { by: source, reason: change.what };
      const last = { atMs: nowMs, by: author.by, reason: author.reason === '' ? change.what : author.reason };
      if (change.what === 'removed') this.#last.delete(change.service);
      else this.#last.set(change.service, last);
      return { ...change, ...last };
    });
  }

  lastOf(service: string): LastChange | null {
    return this.#last.get(service) ?? null;
  }
}
