import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import { MemoryApi } from '../../test/support/memory-api.ts';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { History } from '../controller/history.ts';
import { KubeFailure } from './api.ts';
import { Cluster } from './cluster.ts';
import { SharedConfigMap } from './shared-config-map.ts';

/** A replica that serves `text`, without errors unless it says so. */
class Member {
  readonly cluster: Cluster;
  readonly history = new History();
  readonly logged: string[] = [];
  text: string | null;
  isWhole = true;
  leads = 0;

  constructor(api: MemoryApi, time: VirtualTime, name: string, text: string | null) {
    this.text = text;
    const say = (_: object, message: string): void => void this.logged.push(message);
    const log = { debug: say, info: say, warn: say, error: say };
    const around = { api, namespace: 'ours', random: () => 0.5, now: time.now, setTimer: time.setTimer, log };
    const labels = {};
    const watch = () => ({ close: () => {} });
    const values = new SharedConfigMap({ ...around, name: 'migration-proxy-state', labels, watch });
    const apiServer = () => ({ connected: true, problem: null, isRefused: false, lastHeardMs: null });
    const events = { tell: () => {}, close: () => {} };
    const server = 'memory:';
    this.cluster = new Cluster(
      { ...around, server, instance: 'migration-proxy', values, events, apiServer },
      {
        name,
        version: '1',
        address: () => null,
        proof: () => null,
        configHash: () => this.text ?? '',
        isLoaded: () => this.text !== null,
        isWhole: () => this.isWhole,
        history: this.history,
        startStates: () => values.start(() => {}),
        states: {
          isShared: async () => true,
          leading: () => void this.leads++,
          facts: () => ({ lastProblem: null }),
          flush: async () => true,
          close: () => values.close(),
        },
      },
    );
  }

  serve(text: string): void {
    this.text = text;
    this.cluster.saveLastGood(() => JSON.stringify({ format: 1, sources: [text] }));
    this.cluster.announce();
  }
}

describe('the place of a replica in its cluster', () => {
  let api: MemoryApi;
  let time: VirtualTime;

  beforeEach(() => {
    api = new MemoryApi();
    time = new VirtualTime();
  });

  async function kept(): Promise<unknown> {
    const late = new Member(api, time, 'reader', null);
    const lastGood = await late.cluster.takeUp();
    await late.cluster.close();
    return lastGood;
  }
  const keeps = (text: string) =>
    eventually(`${text} is kept`, async () => {
      await time.pass(1_000);
      return JSON.stringify(await kept()) === JSON.stringify({ format: 1, sources: [text] });
    });

  it('hands over what others kept, and keeps for others what it serves once it leads', async () => {
    const first = new Member(api, time, 'a', null);
    expect(await first.cluster.takeUp()).to.equal(null);
    expect(first.cluster.knowsStates).to.equal(true);
    expect(first.cluster.isLeader, 'it serves nothing yet').to.equal(false);
    first.serve('one');
    await keeps('one');
    expect([first.cluster.isLeader, first.leads]).to.deep.equal([true, 1]);
    const second = new Member(api, time, 'b', 'two');
    await second.cluster.takeUp();
    second.serve('two');
    await time.pass(20_000);
    await keeps('one');
    expect(first.cluster.facts().replicas.map(({ name, leader }) => [name, leader])).to.deep.include.members([
      ['a', true],
      ['b', false],
    ]);
    await first.cluster.close();
    await keeps('two');
    expect(second.logged.join()).to.include('this replica leads');
  });

  it('does not write over what it could not read, while what it serves is not whole', async () => {
    const first = new Member(api, time, 'a', 'all of it');
    await first.cluster.takeUp();
    first.serve('all of it');
    await keeps('all of it');
    await first.cluster.close();

    api.before = ({ verb, name }) => {
      if (verb === 'get' && name.endsWith('last-good')) throw new KubeFailure('timeout', 'no answer within 10 s');
    };
    const second = new Member(api, time, 'b', 'a part');
    second.isWhole = false;
    expect(await second.cluster.takeUp()).to.equal(null);
    expect(second.logged.join()).to.include('the last good configuration cannot be read: no answer within 10 s');
    api.before = () => {};
    second.serve('a part');
    await time.pass(60_000);
    expect(second.cluster.isLeader).to.equal(true);
    await keeps('all of it');
    second.isWhole = true;
    second.serve('all of it, and more');
    await keeps('all of it, and more');
  });

  it('says what could not be read, and hears of run states later', async () => {
    api.before = () => {
      throw new KubeFailure('forbidden', 'refuses to let it');
    };
    const member = new Member(api, time, 'a', 'one');
    let heard = 0;
    member.cluster.onStates = () => void heard++;
    expect(await member.cluster.takeUp()).to.equal(null);
    expect(member.cluster.knowsStates).to.equal(false);
    expect(member.cluster.facts().statesProblem).to.equal('refuses to let it');
    expect(member.logged.join('\n')).to.include('run states cannot be read: refuses to let it');
    expect(heard).to.equal(0);
  });

  it('tells of a lost connection once, and of its return', async () => {
    const member = new Member(api, time, 'a', 'one');
    const problem = 'the API server memory: does not answer';
    const lost = { connected: false, problem, isRefused: false, lastHeardMs: null };
    for (const connected of [true, false, false, true, true]) {
      member.cluster.connection(connected ? { ...lost, connected, problem: null } : lost);
      await time.pass(3_000);
    }
    expect(member.logged).to.deep.equal([
      'the API server memory: does not answer: what is served goes on, changes and other replicas are not heard of',
      'the API server memory: answers again',
    ]);
  });

  it('does not say that others are not heard of where the configuration alone may not be read', () => {
    const member = new Member(api, time, 'a', 'one');
    member.cluster.connection({ connected: false, problem: 'refuses to list it', isRefused: true, lastHeardMs: null });
    expect(member.logged).to.deep.equal([
      'refuses to list it: what is served goes on, changes of the configuration are not heard of',
    ]);
  });

  it('is left within 2 s, whatever the API server does', async () => {
    const member = new Member(api, time, 'a', 'one');
    await member.cluster.takeUp();
    await time.pass(5_000);
    api.before = () => new Promise(() => {});
    let isLeft = false;
    void member.cluster.close().then(() => {
      isLeft = true;
    });
    await time.pass(1_900);
    expect(isLeft).to.equal(false);
    await time.pass(200);
    expect(isLeft).to.equal(true);
  });
});
