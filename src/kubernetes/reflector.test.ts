import { expect } from 'chai';
import { type ConfigMapObject, KubeFailure, type WatchHandlers } from './api.ts';
import { toConfigMap } from './objects.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

function object(name: string, resourceVersion: number): ConfigMapObject {
  return toConfigMap({ metadata: { namespace: 'shop', name, uid: name, resourceVersion: String(resourceVersion) } });
}

/** Lets everything that waits for nothing but its turn happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

const lost = new KubeFailure('unreachable', 'the API server does not answer: connect ECONNREFUSED');
const gone = new KubeFailure('gone', 'too old');

/** A server, a clock and timers that do what the test says. */
class Stage {
  nowMs = 1_000_000;
  items: ConfigMapObject[] = [object('a', 10)];
  version = '10';
  /** What lists fail with, the next first. */
  failures: (KubeFailure | null)[] = [];
  lists = 0;
  /** Versions that watches began from. */
  watchedFrom: string[] = [];
  stops = 0;
  watch: WatchHandlers | null = null;
  timers: { fire: () => void; atMs: number }[] = [];
  told: string[] = [];
  connections: string[] = [];
  faults: unknown[] = [];
  readonly reflector: Reflector;

  constructor(options: Partial<ReflectorOptions> = {}) {
    this.reflector = new Reflector({
      api: {
        server: 'https://api',
        listConfigMaps: async () => {
          this.lists++;
          const failure = this.failures.shift() ?? null;
          if (failure !== null) throw failure;
          return { items: this.items, resourceVersion: this.version };
        },
        watchConfigMaps: (_, resourceVersion, handlers) => {
          this.watchedFrom.push(resourceVersion);
          this.watch = handlers;
          handlers.onHeard(resourceVersion);
          return { stop: () => void this.stops++ };
        },
      },
      selection: { kind: 'one', namespace: 'shop', name: 'a' },
      now: () => this.nowMs,
      random: () => 0,
      setTimer: (fire, delayMs) => {
        const timer = { fire, atMs: this.nowMs + delayMs };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((one) => one !== timer);
        };
      },
      onObjects: (objects) => {
        this.told.push([...objects.values()].map(({ meta }) => `${meta.name}@${meta.resourceVersion}`).join(' '));
      },
      onConnection: ({ connected, problem }) => this.connections.push(connected ? 'connected' : String(problem)),
      onFault: (error) => this.faults.push(error),
      ...options,
    });
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      await settle();
      const next = this.timers.sort((x, y) => x.atMs - y.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.timers = this.timers.filter((one) => one !== next);
      next.fire();
    }
    this.nowMs = untilMs;
    await settle();
  }
}

describe('the reflector', () => {
  it('lists, watches from there, and goes on from the last version when the server ends the watch', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    await settle();
    expect(stage.told).to.deep.equal(['a@10']);
    stage.watch?.onObject('modified', object('a', 11));
    stage.watch?.onHeard('11');
    stage.watch?.onHeard('15');
    await stage.pass(20_000);
    stage.watch?.onEnd(null);
    await settle();
    expect(stage.told).to.deep.equal(['a@10', 'a@11']);
    expect(stage.watchedFrom).to.deep.equal(['10', '15']);
    expect(stage.lists).to.equal(1);
    expect(stage.connections).to.deep.equal(['connected']);
    stage.reflector.close();
  });

  it('tells events that came in one piece once, and nothing where nothing changed', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    await settle();
    for (const one of [object('b', 12), object('c', 13), object('a', 9), object('a', 10)]) {
      stage.watch?.onObject('modified', one);
    }
    stage.watch?.onObject('deleted', object('c', 14));
    await settle();
    expect(stage.told).to.deep.equal(['a@10', 'a@10 b@12']);
    stage.reflector.close();
  });

  it('tells that nothing is there, too', async () => {
    const stage = new Stage();
    stage.items = [];
    await stage.reflector.start();
    expect(stage.told).to.deep.equal(['']);
    stage.reflector.close();
  });

  it('starts without a server, goes on trying, and is caught up as soon as the server is back', async () => {
    const stage = new Stage();
    stage.failures = Array.from({ length: 20 }, () => lost);
    await stage.reflector.start();
    expect(stage.reflector.connection).to.deep.equal({
      connected: false,
      isRefused: false,
      problem: lost.message,
      lastHeardMs: null,
    });
    expect(stage.told).to.deep.equal([]);
    await stage.pass(20_000);
    expect(stage.lists).to.be.within(10, 16);
    stage.failures = [];
    await stage.pass(4_000);
    expect(stage.told).to.deep.equal(['a@10']);
    expect(stage.reflector.connection.connected).to.equal(true);
    stage.reflector.close();
  });

  it('finds a watch of which nothing is heard for 40 s, stops it and lists anew', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    await stage.pass(39_000);
    stage.watch?.onHeard('12');
    await stage.pass(39_000);
    expect(stage.stops).to.equal(0);
    stage.items = [object('a', 20)];
    await stage.pass(2_000);
    expect(stage.stops).to.equal(1);
    expect(stage.connections).to.deep.equal([
      'connected',
      'the API server https://api does not answer: nothing heard of it for 40 s',
      'connected',
    ]);
    expect(stage.told).to.deep.equal(['a@10', 'a@20']);
    stage.reflector.close();
  });

  it('lists at once when its version is too old, and no watch that has ended is listened to', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    await settle();
    const old = stage.watch;
    stage.items = [object('a', 30)];
    old?.onEnd(gone);
    await settle();
    expect(stage.lists).to.equal(2);
    expect(stage.told).to.deep.equal(['a@10', 'a@30']);
    expect(stage.connections).to.deep.equal(['connected']);
    old?.onObject('modified', object('a', 99));
    old?.onEnd(lost);
    await settle();
    expect(stage.told).to.deep.equal(['a@10', 'a@30']);
    stage.reflector.close();
  });

  it('goes back with a server that went back', async () => {
    const stage = new Stage();
    stage.items = [object('a', 5_000)];
    await stage.reflector.start();
    await settle();
    stage.items = [object('a', 40)];
    stage.version = '41';
    stage.watch?.onEnd(lost);
    await stage.pass(1_000);
    expect(stage.told).to.deep.equal(['a@5000', 'a@40']);
    expect(stage.watchedFrom.at(-1)).to.equal('41');
    stage.reflector.close();
  });

  it('lists what is few at each turn of the watch, what is many every five minutes, whatever the watch says', async () => {
    for (const [count, lists] of [
      [100, 12],
      [101, 2],
    ]) {
      const stage = new Stage();
      stage.items = Array.from({ length: count }, (_, i) => object(`a${i}`, 10));
      await stage.reflector.start();
      for (let i = 0; i < 11; i++) {
        await stage.pass(30_000);
        stage.watch?.onEnd(null);
        await settle();
      }
      expect(stage.lists).to.equal(lists);
      stage.reflector.close();
    }
  });

  it('is told by a list that the server has lost its store, though watches open and end in good order', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    stage.failures = [new KubeFailure('timeout', 'the API server does not answer within 10 s')];
    await stage.pass(30_000);
    stage.watch?.onEnd(null);
    await settle();
    expect(stage.connections).to.deep.equal(['connected', 'the API server does not answer within 10 s']);
    stage.reflector.close();
  });

  it('goes on when who is told throws, and says so', async () => {
    const stage = new Stage({
      onObjects: () => {
        throw new Error('told badly');
      },
    });
    await stage.reflector.start();
    stage.watch?.onObject('modified', object('a', 11));
    await settle();
    expect(stage.faults.map(String)).to.deep.equal(['Error: told badly', 'Error: told badly']);
    expect(stage.reflector.connection.connected).to.equal(true);
    expect(stage.timers.length).to.equal(1);
    stage.reflector.close();
  });

  it('takes at once what a change of ours answered, and not again when the watch tells it', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    await settle();
    stage.reflector.learn(object('a', 12));
    expect(stage.told).to.deep.equal(['a@10', 'a@12']);
    stage.watch?.onObject('modified', object('a', 11));
    stage.watch?.onObject('modified', object('a', 12));
    await settle();
    expect(stage.told).to.deep.equal(['a@10', 'a@12']);
    stage.reflector.close();
  });

  it('lists when asked to, and says why it cannot', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    stage.items = [object('a', 17)];
    await stage.reflector.relist();
    expect(stage.told).to.deep.equal(['a@10', 'a@17']);
    stage.failures = [lost];
    const error = await stage.reflector.relist().then(
      () => null,
      (failure: unknown) => failure,
    );
    expect(error).to.equal(lost);
    stage.reflector.close();
  });

  it('ends with close: no timer, no watch, nothing told', async () => {
    const stage = new Stage();
    await stage.reflector.start();
    await settle();
    stage.reflector.close();
    await stage.pass(600_000);
    expect(stage.stops).to.equal(1);
    expect(stage.timers).to.deep.equal([]);
    expect(stage.lists).to.equal(1);
    stage.reflector.learn(object('a', 99));
    expect(stage.told).to.deep.equal(['a@10']);

    const waiting = new Stage();
    waiting.failures = [lost, lost, lost];
    await waiting.reflector.start();
    await settle();
    waiting.reflector.close();
    expect(waiting.timers).to.deep.equal([]);
  });
});
