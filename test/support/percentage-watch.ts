/**
 * Somebody who looks at the percentages that replicas serve all the time: which came after which at each of them, out. A
 * percentage that only ever rises in the source must never fall anywhere.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Replica } from './replicas.ts';

const EVERY_MS = 20;

export class PercentageWatch {
  /** Of each replica, in the order of their coming, each stay once. */
  readonly seen: ReadonlyMap<string, number[]>;
  readonly #watching: Promise<unknown>;
  #stopped = false;

  constructor(replicas: readonly Replica[], service: string) {
    this.seen = new Map(replicas.map(({ name }) => [name, []]));
    this.#watching = Promise.all(replicas.map((replica) => this.#watch(replica, service)));
    this.#watching.catch(() => {});
  }

  /** Rejects where a replica could not be asked at any time. */
  async stop(): Promise<ReadonlyMap<string, readonly number[]>> {
    this.#stopped = true;
    await this.#watching;
    return this.seen;
  }

  async #watch({ name, proxy }: Replica, service: string): Promise<void> {
    const seen = this.seen.get(name) ?? [];
    while (!this.#stopped) {
      const { percentage } = await proxy.service(service);
      if (percentage !== seen.at(-1)) seen.push(percentage);
      await pause(EVERY_MS);
    }
  }
}
