/**
 * What reached a cluster, by request line: method and path of each arrival in; totals, and lines that came more than once,
 * out. Two clusters may share one, to see what reached either. Refuses to know what became of a request.
 */
export class Arrivals {
  /** Epoch ms of each. */
  readonly atMs: number[] = [];
  readonly #counts = new Map<string, number>();

  /** A ToyCluster's `onArrival`. */
  readonly record = (method: string, path: string): void => {
    const line = `${method} ${path}`;
    this.atMs.push(Date.now());
    this.#counts.set(line, (this.#counts.get(line) ?? 0) + 1);
  };

  get total(): number {
    return this.atMs.length;
  }

  /** How often that request arrived. */
  of(method: string, path: string): number {
    return this.#counts.get(`${method} ${path}`) ?? 0;
  }

  /** Request lines of this method that arrived more than once. */
  repeated(method: string): string[] {
    return [...this.#counts]
      .filter(([line, count]) => count > 1 && line.startsWith(`${method} `))
      .map(([line]) => line);
  }
}
