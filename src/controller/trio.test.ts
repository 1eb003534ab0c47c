/**
 * Three replicas, or another number, in a world of their own: what they see goes in, how they stand comes out. Time passes when it is told to.
 */
import { expect } from 'chai';
import { seededRandom } from '../../test/support/seeded-random.ts';
import type { StoredState } from '../fallback/stored.ts';
import { Replica, Stage, Store, StoreClient, service } from './replica-world.test.ts';

/** Replicas that serve `a` (and what else is named), their store, and messages that take 20 ms at most. */
export class Trio {
  readonly stage = new Stage();
  readonly store = new Store();
  readonly random = seededRandom(7);
  readonly replicas: Replica[] = [];

  static async of(names: readonly string[] = ['a'], count = 3): Promise<Trio> {
    const trio = new Trio();
    for (let i = 0; i < count; i++) await trio.boot(i, names, null);
    return trio;
  }

  async boot(index: number, names: readonly string[], stored: unknown): Promise<Replica> {
    const client = new StoreClient(this.store, this.stage, this.random, { delayMs: 20, lost: 0 });
    const replica = new Replica(`pod-${index}`, this.stage, client, this.random);
    this.replicas[index] = replica;
    if (stored !== null) replica.board.restore(stored);
    void replica.sharing.start(replica.board);
    replica.board.apply(names.map((name) => service(name)));
    await this.pass(100);
    return replica;
  }

  pass(ms: number): Promise<void> {
    return this.stage.pass(ms);
  }

  fail(index: number, name = 'a', count = 3, probe = false): void {
    const times = { startedMs: this.stage.nowMs, endedMs: this.stage.nowMs };
    const outcome = { service: name, cluster: 'new', status: 0, failure: 'connect', message: '', probe } as const;
    for (let i = 0; i < count; i++) this.replicas[index].board.outcome({ ...outcome, ...times });
  }

  succeed(index: number, count: number, probe: boolean): void {
    const times = { startedMs: this.stage.nowMs, endedMs: this.stage.nowMs };
    const outcome = { service: 'a', cluster: 'new', status: 200, failure: null, message: '', probe } as const;
    for (let i = 0; i < count; i++) this.replicas[index].board.outcome({ ...outcome, ...times });
  }

  resume(index: number): void {
    const replica = this.replicas[index];
    replica.cause = 'person';
    replica.board.resume('a', 'ann', 'done');
    replica.cause = 'itself';
  }

  async cut(index: number): Promise<void> {
    this.replicas[index].client.cut();
    await this.pass(5_000);
    expect(this.replicas[index].client.isLive).to.equal(false);
  }

  async mend(index: number): Promise<void> {
    this.replicas[index].client.mend();
    await this.pass(200);
  }

  /** Fallen back everywhere, then probing with the first replica as the owner. */
  async probe(): Promise<void> {
    this.fail(0);
    await this.pass(4_500);
    this.replicas[0].board.check('a', 'new', null);
    await this.pass(100);
    expect(this.states()).to.deep.equal(['probing', 'probing', 'probing']);
  }

  /** Probing at the step of 10 %. */
  async firstShare(): Promise<void> {
    await this.probe();
    await this.pass(1_000);
    this.succeed(0, 10, true);
    await this.pass(100);
    expect(this.admitted()).to.deep.equal([1000, 1000, 1000]);
  }

  states(name = 'a'): (string | undefined)[] {
    return this.replicas.map(({ board }) => board.view(name)?.state);
  }

  admitted(): (number | undefined)[] {
    return this.replicas.map(({ runs }) => runs.get('a')?.admitBp);
  }

  holders(): (string | undefined)[] {
    return this.replicas.map(({ board }) => board.view('a')?.hold?.by);
  }

  stored(name = 'a'): StoredState {
    return JSON.parse(this.store.values.get(name) ?? '{}').state;
  }
}
