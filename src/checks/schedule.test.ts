import { expect } from 'chai';
import type { Migration, ServedMigration, Standing } from '../migration/model.ts';
import type { CheckResult } from './check-target.ts';
import { CheckSchedule } from './schedule.ts';
import type { CheckTarget } from './target.ts';

const TLS = { ca: null, caFile: null, serverName: null, insecureSkipVerify: false };

function service(name: string, fields: Partial<Migration> = {}, standing: Standing = 'valid'): ServedMigration {
  const side = { host: `${name}.example`, address: 'gateway', port: 80, protocol: 'http', tls: TLS } as const;
  const migration = {
    name,
    old: { ...side, address: `old-${name}` },
    new: side,
    healthCheckPath: null,
    healthCheckIntervalMs: 1000,
    connectTimeoutMs: 100,
    timeoutMs: 200,
    ...fields,
  } as Migration;
  return { migration, standing };
}

/** A stage with its own time: timers fire when `pass` reaches them, checks end when told to or at once. */
class Stage {
  nowMs = 0;
  random = 0.5;
  readonly begun: string[] = [];
  readonly results: string[] = [];
  readonly calledOff: string[] = [];
  readonly targets: CheckTarget[] = [];
  waiting: ((result: CheckResult) => void)[] | null = null;
  readonly #timers = new Set<{ atMs: number; fire: () => void }>();
  readonly schedule = new CheckSchedule({
    now: () => this.nowMs,
    random: () => this.random,
    setTimer: (fire, delayMs) => {
      const timer = { atMs: this.nowMs + delayMs, fire };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    },
    check: (target, calledOff) => {
      calledOff.addEventListener('abort', () => this.calledOff.push(target.address));
      this.begun.push(`${this.nowMs} ${target.address}`);
      this.targets.push(target);
      if (this.waiting === null) return Promise.resolve({ error: null });
      return new Promise((resolve) => this.waiting?.push(resolve));
    },
    onResult: (name, cluster, { error }) => this.results.push(`${this.nowMs} ${name} ${cluster} ${error ?? 'ok'}`),
  });

  get timers(): number {
    return this.#timers.size;
  }

  /** `most`: timers, whatever the time. */
  async pass(untilMs: number, most = Infinity): Promise<void> {
    for (let fired = 0; fired < most; fired++) {
      const next = [...this.#timers].filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.nowMs = next.atMs;
      next.fire();
      await settled();
    }
    this.nowMs = untilMs;
  }
}

/** Lets promise callbacks run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

describe('checks/schedule', () => {
  it('checks old and new once an interval and tells the service', async () => {
    const stage = new Stage();
    stage.schedule.apply([service('a')]);
    await stage.pass(2600);
    expect(stage.begun).to.deep.equal([500, 1500, 2500].flatMap((at) => [`${at} old-a`, `${at} gateway`]));
    expect(stage.results.slice(0, 2)).to.deep.equal(['500 a old ok', '500 a new ok']);
  });

  it('shares a check among services that ask the same, and tells each', async () => {
    const stage = new Stage();
    stage.schedule.apply([service('a'), service('b', { timeoutMs: 900 }), service('c', { healthCheckPath: '/h' })]);
    await stage.pass(600);
    expect(stage.begun.filter((line) => line.endsWith('gateway'))).to.have.length(2);
    expect(stage.results.filter((line) => line.includes(' new '))).to.have.members([
      '500 a new ok',
      '500 b new ok',
      '500 c new ok',
    ]);
    const shared = stage.targets.find((target) => target.address === 'gateway' && target.path === null);
    expect(shared?.timeoutMs, 'the most patient decides').to.equal(900);
  });

  it('tells thousands who share a check a few at a time, and nobody who asks another by then', async () => {
    const stage = new Stage();
    const services = Array.from({ length: 1000 }, (_, i) => service(`s${i}`));
    stage.random = 1;
    stage.schedule.apply(services);
    stage.random = 0;
    const toldOfNew = () => stage.results.filter((line) => line.includes(' new '));
    stage.schedule.checkNow('s0', 'new');
    await stage.pass(0, 3);
    expect(toldOfNew().length).to.be.within(1, 400);
    const elsewhere = { ...services[999].migration.new, address: 'elsewhere' };
    stage.schedule.apply([...services.slice(0, 998), service('s999', { new: elsewhere, healthCheckIntervalMs: 5000 })]);
    await stage.pass(10);
    expect(toldOfNew().filter((line) => line.endsWith('ok'))).to.have.length(998 + 1);
    expect(stage.begun.filter((line) => line.endsWith('elsewhere'))).to.have.length(1);
  });

  it('does not share across Host, TLS name or policy where they matter', async () => {
    const stage = new Stage();
    const https = (name: string, tls: object): ServedMigration =>
      service(name, { new: { ...service(name).migration.new, protocol: 'https', tls: { ...TLS, ...tls } } });
    stage.schedule.apply([
      service('a', { healthCheckPath: '/h' }),
      service('b', { healthCheckPath: '/h' }),
      https('c', {}),
      https('d', {}),
      https('e', { serverName: 'c.example' }),
      https('f', { serverName: 'c.example', insecureSkipVerify: true }),
    ]);
    await stage.pass(600);
    // a, b, c with e, d, f
    expect(stage.begun.filter((line) => line.endsWith('gateway'))).to.have.length(5);
  });

  it('spreads first checks over the interval', async () => {
    const stage = new Stage();
    const services = [...'abcd'].map((name) => service(name));
    const draws = [0.9, 0.1, 0.3, 0.6, 0.7];
    Object.defineProperty(stage, 'random', { get: () => draws.shift() });
    stage.schedule.apply(services);
    await stage.pass(999);
    expect(stage.begun.map((line) => Number.parseInt(line, 10))).to.deep.equal([100, 300, 600, 700, 900]);
  });

  it('keeps its place over a change, follows a shorter interval, stops what is gone', async () => {
    const stage = new Stage();
    stage.schedule.apply([service('a')]);
    await stage.pass(600);
    stage.schedule.apply([service('a'), service('b', { new: { ...service('b').migration.new, address: 'other' } })]);
    await stage.pass(1500);
    expect(stage.begun.filter((line) => line.endsWith('gateway'))).to.deep.equal(['500 gateway', '1500 gateway']);
    stage.schedule.apply([service('a', { healthCheckIntervalMs: 200 })]);
    await stage.pass(1850);
    expect(stage.begun.filter((line) => line.endsWith('gateway')).slice(2)).to.deep.equal([
      '1600 gateway',
      '1800 gateway',
    ]);
    stage.schedule.stop();
    expect(stage.timers).to.equal(0);
  });

  it('has one check in flight at a time, and the next at once when it took longer than the interval', async () => {
    const stage = new Stage();
    stage.waiting = [];
    stage.schedule.apply([service('a', {}, 'invalid')]);
    await stage.pass(5000);
    expect(stage.begun).to.deep.equal(['500 old-a']);
    stage.waiting.shift()?.({ error: 'late' });
    await settled();
    await stage.pass(5001);
    expect(stage.results).to.deep.equal(['5000 a old late']);
    expect(stage.begun).to.deep.equal(['500 old-a', '5000 old-a']);
  });

  it('a check that began before it was asked for is followed by another', async () => {
    const stage = new Stage();
    stage.schedule.apply([service('a')]);
    stage.schedule.checkNow('a', 'new');
    await stage.pass(10);
    expect(stage.begun).to.deep.equal(['0 gateway']);
    stage.waiting = [];
    stage.schedule.checkNow('a', 'new');
    await stage.pass(20);
    stage.schedule.checkNow('a', 'new');
    stage.waiting.shift()?.({ error: null });
    await settled();
    await stage.pass(21);
    expect(stage.begun.map((line) => line.split(' ')[1])).to.deep.equal(['gateway', 'gateway', 'gateway']);
    stage.schedule.checkNow('nobody', 'new');
  });

  it('a check under way is called off when nobody asks any more, and its result told to nobody', async () => {
    const stage = new Stage();
    stage.waiting = [];
    stage.schedule.apply([service('a'), service('b')]);
    await stage.pass(600);
    stage.schedule.apply([service('b')]);
    expect(stage.calledOff, 'b asks the gateway too').to.deep.equal(['old-a']);
    stage.schedule.apply([]);
    expect(stage.calledOff).to.have.members(['old-a', 'gateway', 'old-b']);
    for (const end of stage.waiting) end({ error: null });
    await settled();
    expect(stage.results).to.deep.equal([]);
    expect(stage.timers).to.equal(0);
  });
});
