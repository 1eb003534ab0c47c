import { expect } from 'chai';
import { MemoryApi } from '../../test/support/memory-api.ts';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { KubeFailure } from './api.ts';
import { LeaseRegister } from './lease-register.ts';
import { keyOf } from './lease-view.ts';

/** One replica with a clock of its own, `skewMs` off the others', that can be cut off and frozen. */
class Replica {
  readonly name: string;
  readonly register: LeaseRegister;
  readonly heard: boolean[] = [];
  readonly logged: string[] = [];
  isCut = false;
  configHash = 'h1';
  mayLead = true;

  constructor(api: MemoryApi, time: VirtualTime, name: string, skewMs = 0) {
    this.name = name;
    const calls: Pick<MemoryApi, 'createLease' | 'patchLease'> = {
      createLease: (lease) => this.#through(() => api.createLease(lease)),
      patchLease: (...of) => this.#through(() => api.patchLease(...of)),
    };
    const say = (_: object, message: string): void => void this.logged.push(message);
    this.register = new LeaseRegister({
      api: calls,
      namespace: 'ours',
      name: 'migration-proxy',
      labels: { 'app.kubernetes.io/name': 'migration-proxy' },
      self: () => {
        return {
          name,
          address: `http://${name}.test:8080`,
          proof: `of ${name}`,
          configHash: this.configHash,
          version: '1',
        };
      },
      mayLead: () => this.mayLead,
      now: () => time.now() + skewMs,
      random: () => 0.5,
      setTimer: time.setTimer,
      log: { debug: say, info: say, warn: say, error: say },
      onLeader: (leads) => this.heard.push(leads),
    });
  }

  async #through<T>(call: () => Promise<T>): Promise<T> {
    if (this.isCut) throw new KubeFailure('unreachable', 'the API server does not answer');
    return call();
  }
}

function leaders(replicas: readonly Replica[]): string[] {
  return replicas.filter(({ register }) => register.isLeader()).map(({ name }) => name);
}

describe('the lease that replicas share', () => {
  let api: MemoryApi;
  let time: VirtualTime;
  const replica = (name: string, skewMs?: number): Replica => new Replica(api, time, name, skewMs);
  async function started(...names: string[]): Promise<Replica[]> {
    const replicas = names.map((name) => replica(name));
    for (const { register } of replicas) await register.start();
    return replicas;
  }

  beforeEach(() => {
    api = new MemoryApi();
    time = new VirtualTime();
  });

  it('is made by whoever is first, and each replica knows all of them', async () => {
    const replicas = await started('a', 'b', 'c');
    await time.pass(12_000);
    expect(leaders(replicas)).to.deep.equal(['a']);
    for (const { register } of replicas) {
      const seen = register.replicas().map(({ name, address, leader }) => [name, address, leader]);
      expect(seen).to.deep.equal([
        ['a', 'http://a.test:8080', true],
        ['b', 'http://b.test:8080', false],
        ['c', 'http://c.test:8080', false],
      ]);
    }
  });

  it('has one leader where all begin at once', async () => {
    const replicas = ['a', 'b', 'c', 'd', 'e'].map((name) => replica(name));
    await Promise.all(replicas.map(({ register }) => register.start()));
    await time.pass(60_000);
    expect(leaders(replicas)).to.have.length(1);
    expect(replicas.flatMap(({ heard }) => heard)).to.deep.equal([true]);
  });

  it('costs one write a replica every 5 s', async () => {
    await started('a', 'b', 'c');
    const before = api.calls.length;
    await time.pass(50_000);
    expect(api.calls.length - before).to.equal(30);
  });

  it('passes on within 20 s where the leader ends without a word, and to one alone', async () => {
    const [a, b, c] = await started('a', 'b', 'c');
    await time.pass(30_000);
    a.isCut = true;
    await time.pass(20_000);
    expect(leaders([a, b, c]))
      .to.have.length(1)
      .and.not.include('a');
  });

  it('passes on with the next beat where the leader says goodbye, and forgets it', async () => {
    const [a, b] = await started('a', 'b');
    await time.pass(10_000);
    await a.register.close();
    expect(a.register.isLeader()).to.equal(false);
    await time.pass(6_000);
    expect(leaders([a, b])).to.deep.equal(['b']);
    expect(b.register.replicas().map(({ name }) => name)).to.deep.equal(['b']);
  });

  it('is left by a replica that does not lead without a change of the leader', async () => {
    const [a, b] = await started('a', 'b');
    await time.pass(10_000);
    await b.register.close();
    await time.pass(6_000);
    expect(a.register.replicas().map(({ name }) => name)).to.deep.equal(['a']);
    expect(a.heard).to.deep.equal([true]);
  });

  it('does not go by the clocks of others', async () => {
    const replicas = [replica('a'), replica('early', -3_600_000), replica('late', 3_600_000)];
    for (const { register } of replicas) await register.start();
    await time.pass(300_000);
    expect(leaders(replicas)).to.deep.equal(['a']);
    expect(replicas.map(({ heard }) => heard)).to.deep.equal([[true], [], []]);
  });

  it('is taken where somebody wrote the highest number of changes into it', async () => {
    const spec = { holderIdentity: '', leaseTransitions: 2 ** 31 - 1 };
    const [a] = await started('a');
    await a.register.close();
    await api.patchLease('ours', 'migration-proxy', { kind: 'merge', body: { spec } });
    await started('b');
    await time.pass(20_000);
    const { holder, transitions } = (await api.getLease('ours', 'migration-proxy'))!;
    expect([holder, transitions]).to.deep.equal(['b', 2 ** 31 - 1]);
  });

  it('is not acted upon by a leader that cannot renew it, before anybody else can lead', async () => {
    const [a, b] = await started('a', 'b');
    await time.pass(30_000);
    a.isCut = true;
    for (let passed = 0; passed < 40; passed++) {
      await time.pass(1_000);
      expect(leaders([a, b]).length, `after ${passed} s`).to.be.at.most(1);
    }
    expect(a.heard).to.deep.equal([true, false]);
    a.isCut = false;
    await time.pass(10_000);
    expect(leaders([a, b])).to.deep.equal(['b']);
  });

  it('is not acted upon by a leader that was stopped and goes on', async () => {
    const [a] = await started('a');
    await time.pass(30_000);
    time.freeze(11_000);
    expect(a.register.isLeader()).to.equal(false);
    await time.pass(1_000);
    expect(a.register.isLeader(), 'nobody took it meanwhile').to.equal(true);
  });

  it('stays with another who took it while the leader was stopped', async () => {
    const [a] = await started('a');
    await time.pass(2_000);
    a.isCut = true;
    const b = replica('b');
    await b.register.start();
    await time.pass(25_000);
    a.isCut = false;
    await time.pass(15_000);
    expect(leaders([a, b])).to.deep.equal(['b']);
    expect(a.register.replicas().find(({ leader }) => leader)?.name).to.equal('b');
  });

  it('is known to be held where the answer to taking it over was lost', async () => {
    const [a, b] = await started('a', 'b');
    await time.pass(10_000);
    let lost = 0;
    api.after = ({ patch }) => {
      if (patch?.kind !== 'json' || !patch.operations.some(({ path }) => path === '/spec/acquireTime')) return;
      if (lost++ === 0) throw new KubeFailure('timeout', 'no answer within 10 s');
    };
    a.isCut = true;
    await time.pass(40_000);
    expect(leaders([a, b])).to.deep.equal(['b']);
    expect(lost).to.equal(1);
  });

  it('is taken up again at once by a replica of the same name that was started again', async () => {
    const [a] = await started('a');
    a.isCut = true;
    const again = replica('a');
    await again.register.start();
    expect(again.register.isLeader()).to.equal(true);
  });

  it('loses registrations that did not change for a minute, and no others', async () => {
    const [a, , c] = await started('a', 'b', 'c');
    await time.pass(10_000);
    c.isCut = true;
    await time.pass(55_000);
    expect(a.register.replicas()).to.have.length(3);
    await time.pass(20_000);
    expect(a.register.replicas().map(({ name }) => name)).to.deep.equal(['a', 'b']);
  });

  it('is led by no replica that serves nothing yet', async () => {
    const [a, b] = [replica('a'), replica('b')];
    a.mayLead = false;
    await a.register.start();
    await b.register.start();
    await time.pass(30_000);
    expect(leaders([a, b])).to.deep.equal(['b']);
    await b.register.close();
    await time.pass(30_000);
    expect(leaders([a, b])).to.deep.equal([]);
    a.mayLead = true;
    a.register.hurry();
    await time.pass(1_000);
    expect(leaders([a, b])).to.deep.equal(['a']);
  });

  it('hears of a change within a second, and of many changes no more often', async () => {
    const [a] = await started('a');
    await time.pass(20_000);
    const before = api.calls.length;
    for (let i = 0; i < 20; i++) {
      a.configHash = `h${i}`;
      a.register.hurry();
      await time.pass(100);
    }
    await time.pass(1_000);
    expect(a.register.replicas()[0].configHash).to.equal('h19');
    expect(api.calls.length - before).to.be.within(2, 4);
  });

  it('tells what a replica serves with its next beat', async () => {
    const [a, b] = await started('a', 'b');
    b.configHash = 'h2';
    await time.pass(11_000);
    expect(a.register.replicas().map(({ configHash }) => configHash)).to.deep.equal(['h1', 'h2']);
  });

  it('is read with distrust', async () => {
    const [a] = await started('a');
    const odd = { 'replica.migration-proxy/0': 'no JSON', 'replica.migration-proxy/1': '[]', other: 'x' };
    const evil = { [keyOf('evil')]: '{"name":"evil","address":"http://evil/path?x=","config_hash":7,"proof":{}}' };
    const double = { 'replica.migration-proxy/2': '{"name":"a","address":"http://evil:80"}' };
    const annotations = { ...odd, ...evil, ...double };
    await api.patchLease('ours', 'migration-proxy', { kind: 'merge', body: { metadata: { annotations } } });
    await time.pass(6_000);
    const { address, configHash, proof } = a.register.replicas().find(({ name }) => name === 'evil')!;
    expect([a.register.replicas().length, address, configHash, proof]).to.deep.equal([2, null, '', null]);
    const own = a.register.replicas().filter(({ name }) => name === 'a');
    expect(own.map((one) => [one.address, one.proof])).to.deep.equal([['http://a.test:8080', 'of a']]);
  });

  it('comes again where somebody deleted its annotations or the lease', async () => {
    const [a, b] = await started('a', 'b');
    await api.patchLease('ours', 'migration-proxy', { kind: 'merge', body: { metadata: { annotations: null } } });
    await time.pass(20_000);
    expect(leaders([a, b])).to.deep.equal(['a']);
    expect(a.register.replicas()).to.have.length(2);
  });

  it('is asked for no more often by those who are refused than by those who are not, also when it is free', async () => {
    const replicas = await started('a', 'b');
    await time.pass(10_000);
    let asked = 0;
    api.before = () => {
      asked++;
      throw new KubeFailure('forbidden', 'refuses to let me patch leases', { status: 403 });
    };
    await time.pass(60_000);
    expect(leaders(replicas)).to.deep.equal([]);
    expect(asked).to.be.within(20, 64);
  });

  it('that may not be written is one line in the log, and one when it may', async () => {
    api.before = () => {
      throw new KubeFailure('forbidden', 'refuses to let me patch leases', { status: 403 });
    };
    const [a] = await started('a');
    await time.pass(30_000);
    expect(a.register.replicas()).to.deep.equal([]);
    api.before = () => {};
    await time.pass(10_000);
    expect(a.logged).to.deep.equal([
      'the lease ours/migration-proxy cannot be written: refuses to let me patch leases; trying again',
      'the lease can be written again',
    ]);
    expect(a.register.isLeader()).to.equal(true);
  });
});
