import { expect } from 'chai';
import { MemoryApi } from '../../test/support/memory-api.ts';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { KubeFailure } from './api.ts';
import { watchOne } from './watch-one.ts';

const REFUSAL = 'refuses to list configmap "state" (403)';

describe('one object that is watched', () => {
  let api: MemoryApi;
  let time: VirtualTime;
  let isAnswering: boolean;
  let logged: string[];
  let connections: [boolean, string | null | undefined][];
  let close: () => void | Promise<void>;

  beforeEach(async () => {
    [api, time, isAnswering, logged, connections] = [new MemoryApi(), new VirtualTime(), true, [], []];
    const say = (_: object, message: string): void => void logged.push(message);
    const around = { now: () => time.now(), random: () => 0.5, setTimer: time.setTimer };
    const log = { debug: say, info: say, warn: say, error: say };
    const of = { api, namespace: 'ours', name: 'state', ...around, isAnswering: () => isAnswering, log };
    const connected = (isConnected: boolean, problem?: string | null) => void connections.push([isConnected, problem]);
    ({ close } = watchOne(of, { object: () => {}, connected }));
    await time.pass(100);
  });
  afterEach(() => close());

  const refuse = async (): Promise<void> => {
    const failure = new KubeFailure('forbidden', REFUSAL, { status: 403 });
    api.before = () => {
      throw failure;
    };
    api.endWatches(failure);
    await time.pass(60_000);
  };
  const allow = async (): Promise<void> => {
    api.before = () => {};
    await time.pass(5_000);
  };

  it('and refused alone: why is told, in the log once, and that it is over', async () => {
    await refuse();
    expect(connections).to.deep.equal([
      [true, null],
      [false, REFUSAL],
    ]);
    const lost = `what other replicas say of services is not heard: ${REFUSAL}`;
    expect(logged).to.deep.equal([lost]);
    await allow();
    expect(connections.at(-1)).to.deep.equal([true, null]);
    expect(logged).to.deep.equal([lost, 'what other replicas say of services is heard again']);
  });

  it('says nothing to the log of an API server that does not answer at all', async () => {
    isAnswering = false;
    await refuse();
    await allow();
    expect(logged).to.deep.equal([]);
  });
});
