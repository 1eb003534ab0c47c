import { expect } from 'chai';
import { MemoryApi } from '../../test/support/memory-api.ts';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { type ConfigMapObject, KubeFailure } from './api.ts';
import { type ObjectHeard, SharedConfigMap } from './shared-config-map.ts';

const NAMESPACE = 'ours';
const NAME = 'migration-proxy-state';

/** One replica's view. The watch tells at once, unless it lags: then `catchUp` tells what was held back. */
class View {
  readonly shared: SharedConfigMap;
  readonly places: string[] = [];
  readonly handed: Record<string, string>[] = [];
  readonly lives: boolean[] = [];
  heard!: ObjectHeard;
  isLagging = false;
  readonly #held: (ConfigMapObject | null)[] = [];

  constructor(api: MemoryApi, time: VirtualTime) {
    this.shared = new SharedConfigMap({
      api,
      namespace: NAMESPACE,
      name: NAME,
      labels: { 'app.kubernetes.io/component': 'state' },
      random: () => 0.5,
      setTimer: time.setTimer,
      watch: (heard) => {
        this.heard = heard;
        const watch = api.watchConfigMaps({ kind: 'one', namespace: NAMESPACE, name: NAME }, '0', {
          onObject: (kind, object) => this.#tell(kind === 'deleted' ? null : object),
          onHeard: () => {},
          onEnd: () => {},
        });
        return { close: () => watch.stop() };
      },
    });
    this.shared.onLive = (isLive) => this.lives.push(isLive);
  }

  start(): Promise<void> {
    return this.shared.start((values, place) => {
      this.handed.push(Object.fromEntries(values));
      this.places.push(place ?? 'there');
    });
  }

  get latest(): Record<string, string> | undefined {
    return this.handed.at(-1);
  }

  catchUp(): void {
    this.isLagging = false;
    for (const object of this.#held.splice(0)) this.heard.object(object);
  }

  /** What was in between is heard no more. */
  catchUpTo(data: Readonly<Record<string, string>>): void {
    this.isLagging = false;
    const held = this.#held.splice(0).at(-1)!;
    expect(held?.data).to.deep.equal(data);
    this.heard.object(held);
  }

  #tell(object: ConfigMapObject | null): void {
    if (this.isLagging) this.#held.push(object);
    else this.heard.object(object);
  }
}

function put(view: View, values: Record<string, string | null>): ReturnType<SharedConfigMap['put']> {
  return view.shared.put(new Map(Object.entries(values)));
}

describe('values shared in a ConfigMap', () => {
  let api: MemoryApi;
  let time: VirtualTime;
  let view: View;
  let other: View;

  beforeEach(async () => {
    api = new MemoryApi();
    time = new VirtualTime();
    view = new View(api, time);
    other = new View(api, time);
    await view.start();
    await other.start();
  });
  afterEach(() => view.shared.close());

  it('are none where there is no object', () => {
    expect(view.handed).to.deep.equal([{}]);
    expect(api.calls.every(({ verb }) => verb === 'get')).to.equal(true);
  });

  it('are there for all with the first put, which makes the object with our labels', async () => {
    expect(await put(view, { a: '1', b: '2', c: null })).to.equal('done');
    expect(view.latest).to.deep.equal({ a: '1', b: '2' });
    expect(other.latest).to.deep.equal({ a: '1', b: '2' });
    expect((await api.getConfigMap(NAMESPACE, NAME))?.meta.labels).to.deep.equal({
      'app.kubernetes.io/component': 'state',
    });
  });

  it('are both there where two make the object at once', async () => {
    const results = await Promise.all([put(view, { a: '1' }), put(other, { b: '2' })]);
    expect(results).to.deep.equal(['done', 'done']);
    expect(view.latest).to.deep.equal({ a: '1', b: '2' });
  });

  it('are told to be gone where the object was deleted, which is not that somebody removed them', async () => {
    await put(view, { a: '1' });
    await put(view, { a: null });
    expect(other.latest).to.deep.equal({});
    expect(other.places.at(-1)).to.equal('there');
    await put(view, { a: '1' });
    api.delete(NAMESPACE, NAME);
    await time.pass(10_000);
    expect([other.latest, other.places.at(-1)]).to.deep.equal([{}, 'gone']);
    expect(await put(view, { a: '2' })).to.equal('done');
    expect([other.latest, other.places.at(-1)]).to.deep.equal([{ a: '2' }, 'there']);
  });

  it('are told to be gone where another made the object anew before the deletion was heard of', async () => {
    await put(view, { a: '1', b: '2' });
    other.isLagging = true;
    api.delete(NAMESPACE, NAME);
    await put(view, { a: '1' });
    other.catchUpTo({ a: '1' });
    expect([other.latest, other.places.at(-1)]).to.deep.equal([{ a: '1' }, 'gone']);
    await put(view, { a: null });
    expect([other.latest, other.places.at(-1)]).to.deep.equal([{}, 'there']);
  });

  it('that are not heard of say why', async () => {
    view.heard.connected(true, null);
    await time.pass(100);
    view.heard.connected(false, 'refuses to list');
    expect([view.shared.isLive, view.shared.readProblem]).to.deep.equal([false, 'refuses to list']);
    view.heard.connected(true, null);
    await time.pass(100);
    expect([view.shared.isLive, view.shared.readProblem]).to.deep.equal([true, null]);
  });

  it('are removed by null, and the rest stays', async () => {
    await put(view, { a: '1', b: '2' });
    await put(view, { a: null });
    expect(other.latest).to.deep.equal({ b: '2' });
  });

  it('are swapped all or none, and only where nobody changed them', async () => {
    await put(view, { a: '1', b: '2' });
    const both = [
      { key: 'a', from: '1', to: '3' },
      { key: 'b', from: 'x', to: null },
    ];
    expect(await view.shared.swap(both)).to.equal('stale');
    expect(view.latest).to.deep.equal({ a: '1', b: '2' });
    expect(await view.shared.swap([both[0], { key: 'b', from: '2', to: null }])).to.equal('done');
    expect(view.latest).to.deep.equal({ a: '3' });
    expect(await view.shared.swap([{ key: 'a~/', from: '1', to: '2' }]), 'a key that must be escaped').to.equal(
      'stale',
    );
    expect(view.shared.writes).to.deep.equal({ done: 2, stale: 2, failed: 0 });
  });

  it('of thirty that swap at once are those of one', async () => {
    await put(view, { a: '0' });
    const swaps = Array.from({ length: 30 }, (_, i) => view.shared.swap([{ key: 'a', from: '0', to: `${i + 1}` }]));
    const results = await Promise.all(swaps);
    expect(results.filter((result) => result === 'done')).to.have.length(1);
    expect(results.filter((result) => result === 'stale')).to.have.length(29);
  });

  it('swapped where the object is gone are stale', async () => {
    await put(view, { a: '1' });
    api.delete(NAMESPACE, NAME);
    expect(await view.shared.swap([{ key: 'a', from: '1', to: '2' }])).to.equal('stale');
  });

  it('never go back to what a late watch says', async () => {
    view.isLagging = true;
    await put(view, { a: '1' });
    await put(view, { a: '2' });
    await put(view, { a: '3' });
    view.catchUp();
    await time.pass(5_000);
    expect(view.handed).to.deep.equal([{}, { a: '1' }, { a: '2' }, { a: '3' }]);
  });

  it('are none again where the object was deleted, and new where it was made again', async () => {
    await put(view, { a: '1' });
    api.delete(NAMESPACE, NAME);
    await time.pass(1_000);
    expect(view.latest).to.deep.equal({});
    await put(other, { a: '2' });
    expect(view.latest).to.deep.equal({ a: '2' });
  });

  it('are not taken for deleted where the watch knows less than our own write', async () => {
    view.isLagging = true;
    await put(view, { a: '1' });
    view.heard.object(null);
    await time.pass(5_000);
    expect(view.handed).to.deep.equal([{}, { a: '1' }]);
  });

  it('go back where the API server itself went back to a backup', async () => {
    await put(view, { a: '1' });
    const backup = api.backup();
    await put(view, { a: '2' });
    await put(view, { a: '3' });
    view.heard.connected(false);
    api.restore(backup);
    view.heard.connected(true);
    await time.pass(1_000);
    expect(view.latest).to.deep.equal({ a: '1' });
    await put(other, { a: '4' });
    expect(view.latest).to.deep.equal({ a: '4' });
  });

  it('are live once they were read while changes are heard of, and never before', async () => {
    expect(view.shared.isLive).to.equal(false);
    view.heard.connected(true);
    await time.pass(0);
    expect(view.lives).to.deep.equal([true]);
    view.isLagging = true;
    view.heard.connected(false);
    await put(other, { a: '1' });
    expect(view.latest).to.deep.equal({});
    const livesWith: unknown[] = [];
    view.shared.onLive = (isLive) => livesWith.push([isLive, view.latest]);
    view.heard.connected(true);
    await time.pass(0);
    expect(livesWith).to.deep.equal([[true, { a: '1' }]]);
  });

  it('are not live while they cannot be read, and are read again', async () => {
    let reads = 0;
    api.before = ({ verb }) => {
      if (verb === 'get' && reads++ < 3) throw new KubeFailure('server', 'etcd has no leader', { status: 500 });
    };
    view.heard.connected(true);
    await time.pass(0);
    expect(view.lives).to.deep.equal([]);
    await time.pass(10_000);
    expect(view.lives).to.deep.equal([true]);
  });

  it('cannot be read where nobody answers: whoever asks hears of it', async () => {
    api.before = () => {
      throw new KubeFailure('unreachable', 'the API server does not answer');
    };
    const late = new View(api, time);
    await late.start();
    expect(late.handed).to.deep.equal([]);
    const failure = await late.shared.read().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(KubeFailure);
    api.before = () => {};
    await late.shared.read();
    expect(late.handed).to.deep.equal([{}]);
  });

  it('are read again for whoever asks while a read is under way', async () => {
    await put(view, { a: '1' });
    view.isLagging = true;
    let answer = (): void => {};
    api.after = ({ verb }) => (verb === 'get' ? new Promise((resolve) => (answer = resolve)) : undefined);
    const first = view.shared.read();
    await time.pass(0);
    await put(other, { a: '2' });
    const second = view.shared.read();
    answer();
    await first;
    await time.pass(0);
    answer();
    await second;
    expect(view.latest).to.deep.equal({ a: '2' });
  });

  it('that may not be written, or do not fit, are a matter for people', async () => {
    const refused = {
      forbidden: 'refuses to let me patch configmaps',
      too_large: 'may not be more than 1048576 bytes',
    };
    for (const [kind, message] of Object.entries(refused)) {
      api.before = () => {
        throw new KubeFailure(kind as 'forbidden', message);
      };
      const failure = await put(view, { a: '1' });
      expect(failure).to.have.property('isLasting', true);
      expect(failure).to.have.property('message').that.includes(message);
      if (kind === 'too_large') expect(failure).to.have.property('message').that.includes('make room');
    }
    api.before = () => {
      throw new KubeFailure('timeout', 'no answer');
    };
    expect(await put(view, { a: '1' })).to.deep.equal({ message: 'no answer', isLasting: false });
    expect(view.shared.writes.failed).to.equal(3);
  });
});
