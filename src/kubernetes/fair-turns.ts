/**
 * In which order texts that wait are read, when reading takes time and anybody may bring new ones at any moment. In: who waits, and what
 * was read. Out: turn by turn a text of each namespace, first of the one that was read longest ago, and within a namespace likewise.
 * So whoever comes is read before any namespace is read twice, however many texts another has and however often it changes them.
 */

export interface Waiting {
  readonly namespace: string;
  /** Number of the turn in which it was read last; -1: never. */
  readonly turn: number;
}

export class FairTurns {
  #next = 0;
  readonly #lastOf = new Map<string, number>();

  /** Number of the turn that comes next: what is read from now on has this or a later one. */
  get next(): number {
    return this.#next;
  }

  inOrder<T extends Waiting>(waiting: readonly T[]): T[] {
    const groups = Map.groupBy(waiting, ({ namespace }) => namespace);
    const lastOf = (namespace: string): number => this.#lastOf.get(namespace) ?? -1;
    const namespaces = [...groups.keys()].sort((x, y) => lastOf(x) - lastOf(y));
    const queues = namespaces.map((name) => groups.get(name)!.toSorted((x, y) => x.turn - y.turn));
    const longest = queues.reduce((most, { length }) => Math.max(most, length), 0);
    return Array.from({ length: longest }, (_, round) =>
      queues.flatMap((queue) => queue.slice(round, round + 1)),
    ).flat();
  }

  /** A text of it is read: in this turn. */
  take(namespace: string): number {
    this.#lastOf.set(namespace, this.#next);
    return this.#next++;
  }

  /** Namespaces come and go for as long as we run. */
  retain(namespaces: ReadonlySet<string>): void {
    for (const namespace of this.#lastOf.keys()) if (!namespaces.has(namespace)) this.#lastOf.delete(namespace);
  }
}
