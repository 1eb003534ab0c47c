/**
 * The nginxes that live on between the cases of a file, so that a case costs a reload, or nothing where the text is the same,
 * instead of a start. In: what a case needs of one. Out: one that nobody uses, and that shows no trace of who used it. One that
 * a case did not leave as it found it is ended, as is one that waited too long for its turn.
 */
import type { PlaneSetup } from './plane-under-test.ts';

/** What of a case's setup an nginx is made for; the rest changes from case to case. */
export type LivingSetup = Pick<PlaneSetup, 'limits' | 'names'>;

export interface Living {
  /** False: the next case would not find it as the first one did. */
  isFit(): boolean;
  stop(): Promise<void>;
}

/** Waiting for their turn; cases of one kind stand together. */
const MOST_IDLE = 3;

export class Pool<One extends Living> {
  readonly #make: (setup: LivingSetup) => Promise<One>;
  readonly #all = new Set<One>();
  /** By setup; the one used last is the last. */
  readonly #idle: { readonly key: string; readonly one: One }[] = [];
  readonly #keys = new Map<One, string>();

  constructor(make: (setup: LivingSetup) => Promise<One>) {
    this.#make = make;
  }

  async take({ limits, names }: LivingSetup): Promise<One> {
    const key = JSON.stringify([limits, names]);
    const index = this.#idle.findLastIndex((idle) => idle.key === key);
    if (index >= 0) return this.#idle.splice(index, 1)[0].one;
    const one = await this.#make({ limits, names });
    this.#all.add(one);
    this.#keys.set(one, key);
    return one;
  }

  async giveBack(one: One): Promise<void> {
    const key = this.#keys.get(one);
    if (key === undefined || !one.isFit()) return this.#end(one);
    this.#idle.push({ key, one });
    if (this.#idle.length > MOST_IDLE) await this.#end((this.#idle.shift() as { one: One }).one);
  }

  /** Ends all, those too that a case still has. */
  async close(): Promise<void> {
    this.#idle.length = 0;
    await Promise.all(Array.from(this.#all, (one) => this.#end(one)));
  }

  async #end(one: One): Promise<void> {
    this.#all.delete(one);
    this.#keys.delete(one);
    await one.stop();
  }
}
