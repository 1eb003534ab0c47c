/**
 * Addresses over time, with a clock of its own: what is known at the first render, what a flapping name server changes, and
 * how often nginx would have to be reloaded for it.
 */
import { expect } from 'chai';
import { AddressKeeper } from './address-keeper.ts';

/** A clock that stands still until it is told to go on; timers fire in their order. */
class Scene {
  nowMs = 0;
  answers: Record<string, readonly string[] | 'silent'> = {};
  later: Record<string, Promise<readonly string[]>> = {};
  readonly lookups: string[] = [];
  readonly changes: number[] = [];
  readonly #timers = new Set<{ readonly dueMs: number; readonly fire: () => void }>();
  readonly keeper = new AddressKeeper({
    now: () => this.nowMs,
    random: () => 1,
    lookup: async (host) => {
      this.lookups.push(host);
      if (this.later[host] !== undefined) return this.later[host];
      const answer = this.answers[host];
      if (answer === 'silent') return new Promise(() => {});
      if (answer === undefined) throw new Error(`ENOTFOUND ${host}`);
      return answer;
    },
    setTimer: (fire, delayMs) => {
      const timer = { dueMs: this.nowMs + delayMs, fire };
      this.#timers.add(timer);
      return () => void this.#timers.delete(timer);
    },
    onChange: () => this.changes.push(this.nowMs),
  });

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settled();
    for (;;) {
      const next = [...this.#timers].sort((x, y) => x.dueMs - y.dueMs)[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.nowMs = next.dueMs;
      next.fire();
      await settled();
    }
    this.nowMs = untilMs;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('addresses of backends', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });

  it('are known, sorted, before anything is rendered, and no change by that', async () => {
    scene.answers = { 'a.test': ['10.0.0.2', '10.0.0.1'], 'b.test': ['::1'] };
    await scene.keeper.hold(['a.test', 'b.test', '10.9.9.9', 'gone.test'], 5_000);
    expect(scene.keeper.addresses('a.test')).to.deep.equal(['10.0.0.1', '10.0.0.2']);
    expect(scene.keeper.addresses('b.test')).to.deep.equal(['::1']);
    expect(scene.keeper.addresses('10.9.9.9')).to.deep.equal(['10.9.9.9']);
    expect(scene.keeper.addresses('gone.test')).to.equal(null);
    expect(scene.lookups).to.not.include('10.9.9.9');
    expect(scene.changes).to.deep.equal([]);
  });

  it('are waited for 5 s and no longer where a name server is silent', async () => {
    scene.answers = { 'a.test': ['10.0.0.1'], 'mute.test': 'silent' };
    let isOver = false;
    void scene.keeper.hold(['a.test', 'mute.test'], 5_000).then(() => {
      isOver = true;
    });
    await scene.pass(4_999);
    expect(isOver).to.equal(false);
    await scene.pass(2);
    expect(isOver).to.equal(true);
    expect(scene.keeper.addresses('a.test')).to.deep.equal(['10.0.0.1']);
    expect(scene.keeper.addresses('mute.test')).to.equal(null);
  });

  it('are waited for no longer when all is to end', async () => {
    scene.answers = { 'mute.test': 'silent' };
    const held = scene.keeper.hold(['mute.test'], 5_000);
    scene.keeper.stop();
    await held;
    expect(scene.nowMs).to.equal(0);
  });

  it('come at once and leave after three answers without them', async () => {
    scene.answers = { 'a.test': ['10.0.0.1'] };
    await scene.keeper.hold(['a.test'], 5_000);
    scene.answers = { 'a.test': ['10.0.0.2'] };
    await scene.pass(5_000);
    expect(scene.keeper.addresses('a.test')).to.deep.equal(['10.0.0.1', '10.0.0.2']);
    await scene.pass(5_000);
    expect(scene.keeper.addresses('a.test')).to.deep.equal(['10.0.0.1', '10.0.0.2']);
    await scene.pass(5_000);
    expect(scene.keeper.addresses('a.test')).to.deep.equal(['10.0.0.2']);
  });

  it('stay when one answer lacks them, or look-ups fail', async () => {
    scene.answers = { 'a.test': ['10.0.0.1', '10.0.0.2'] };
    await scene.keeper.hold(['a.test'], 5_000);
    for (let i = 0; i < 5; i++) {
      scene.answers = { 'a.test': ['10.0.0.1'] };
      await scene.pass(10_000);
      scene.answers = { 'a.test': ['10.0.0.1', '10.0.0.2'] };
      await scene.pass(5_000);
    }
    scene.answers = {};
    await scene.pass(120_000);
    expect(scene.keeper.addresses('a.test')).to.deep.equal(['10.0.0.1', '10.0.0.2']);
    expect(scene.changes).to.deep.equal([]);
  });

  it('change at most every 30 s, and the last change is told', async () => {
    scene.answers = { 'a.test': ['10.0.0.0'] };
    await scene.keeper.hold(['a.test'], 5_000);
    for (let i = 1; i <= 12; i++) {
      scene.answers = { 'a.test': [`10.0.0.${i}`] };
      await scene.pass(5_000);
    }
    await scene.pass(60_000);
    const gaps = scene.changes.map((ms, i) => ms - (scene.changes[i - 1] ?? -30_000));
    expect(
      gaps.every((gap) => gap >= 30_000),
      String(scene.changes),
    ).to.equal(true);
    expect(scene.changes[0]).to.equal(5_000);
    expect(scene.changes.at(-1)).to.be.at.least(70_000);
    expect(scene.keeper.addresses('a.test')).to.deep.equal(['10.0.0.12']);
  });

  it('of a name that never resolved are asked for every second until they are there', async () => {
    await scene.keeper.hold(['late.test'], 5_000);
    await scene.pass(3_500);
    expect(scene.lookups).to.have.length(4);
    scene.answers = { 'late.test': ['10.0.0.1'] };
    await scene.pass(1_000);
    expect(scene.keeper.addresses('late.test')).to.deep.equal(['10.0.0.1']);
    expect(scene.changes).to.deep.equal([4_000]);
  });

  it('that come too late for their configuration are told at once, whatever flapped before', async () => {
    scene.answers = { 'a.test': ['10.0.0.1'] };
    await scene.keeper.hold(['a.test'], 5_000);
    scene.answers = { 'a.test': ['10.0.0.1', '10.0.0.2'] };
    await scene.pass(5_000);
    let answer: (addresses: readonly string[]) => void = () => {};
    const late = new Promise<readonly string[]>((resolve) => {
      answer = resolve;
    });
    scene.later = { 'slow.test': late };
    const held = scene.keeper.hold(['a.test', 'slow.test'], 300);
    await scene.pass(2_000);
    await held;
    expect(scene.keeper.addresses('slow.test')).to.equal(null);
    answer(['10.0.0.9']);
    await scene.pass(0);
    expect(scene.keeper.addresses('slow.test')).to.deep.equal(['10.0.0.9']);
    expect(scene.changes).to.deep.equal([5_000, 7_000]);
  });

  it('of thousands of names are looked up at most some hundred a second', async () => {
    const hosts = Array.from({ length: 2_000 }, (_, i) => `host-${i}.test`);
    for (const host of hosts) scene.answers[host] = ['10.0.0.1'];
    await scene.keeper.hold(hosts, 5_000);
    await scene.pass(60_000);
    expect(scene.lookups.length / 60).to.be.at.most(150);
  });

  it('are forgotten with the last service that needs them', async () => {
    scene.answers = { 'a.test': ['10.0.0.1'] };
    await scene.keeper.hold(['a.test'], 5_000);
    await scene.keeper.hold([], 5_000);
    await scene.pass(60_000);
    expect(scene.lookups).to.have.length(1);
    expect(scene.keeper.addresses('a.test')).to.equal(null);
  });
});
