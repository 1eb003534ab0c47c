import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import { FakeApiServer } from '../../test/support/fake-api-server.ts';
import type { KubeApi } from './api.ts';
import { connect } from './connect.ts';
import { Reflector } from './reflector.ts';

/** What an API server may do, each followed by a change that no watch tells of. */
const MISHAPS: readonly (readonly [string, (fake: FakeApiServer) => void])[] = [
  ['410 in the middle of a watch', (fake) => fake.writeEvent('ERROR', { code: 410, reason: 'Expired' })],
  [
    '410 to a watch, again and again',
    (fake) => {
      fake.next('watch', { status: 410 }, { status: 410 }, { status: 410 });
      fake.endWatches('reset');
    },
  ],
  [
    '410 to a list',
    (fake) => {
      fake.next('list', { status: 410 });
      fake.endWatches('reset');
    },
  ],
  ['an ERROR event of another kind', (fake) => fake.writeEvent('ERROR', { code: 500, message: 'etcd is away' })],
  ['a line that breaks off', (fake) => fake.write('{"type":"MODIFIED","object":{"meta\n')],
  [
    'a stream that ends inside a line',
    (fake) => {
      fake.write('{"type":"MODIFIED","obj');
      fake.endWatches();
    },
  ],
  ['a reset connection', (fake) => fake.endWatches('reset')],
  [
    'a server that is away for a while',
    (fake) => {
      fake.next('list', 'reset', { status: 503 }, { status: 500 });
      fake.endWatches('reset');
    },
  ],
  [
    'a token that has run out for a while',
    (fake) => {
      fake.next('list', { status: 401 }, { status: 401 });
      fake.endWatches('reset');
    },
  ],
  [
    'rights that were taken and given back',
    (fake) => {
      fake.next('list', { status: 403 });
      fake.next('watch', { status: 403 });
      fake.endWatches('reset');
    },
  ],
  [
    'a server that asks for patience',
    (fake) => {
      fake.next('list', { status: 429, headers: { 'Retry-After': '1' } });
      fake.endWatches('reset');
    },
  ],
  [
    'a watch that opens and says nothing',
    (fake) => {
      fake.next('watch', 'mute');
      fake.endWatches();
    },
  ],
  [
    'a watch that is never answered',
    (fake) => {
      fake.next('watch', 'hang');
      fake.endWatches();
    },
  ],
];

describe('the reflector over the wire', () => {
  let fake: FakeApiServer;
  let api: KubeApi;
  let reflector: Reflector;
  const data = () => reflector.objects.get('shop/migration')?.data ?? null;

  beforeEach(async () => {
    fake = await FakeApiServer.start();
    fake.put('migration', { n: 'first' });
    api = await connect({ kubeconfig: fake.kubeconfig() });
    reflector = new Reflector({
      api,
      selection: { kind: 'one', namespace: 'shop', name: 'migration' },
      now: Date.now,
      random: () => 0,
      setTimer: (fire, delayMs) => {
        const timer = setTimeout(fire, delayMs);
        return () => clearTimeout(timer);
      },
      onObjects: () => {},
      onFault: () => {},
      silenceMs: 300,
    });
    await reflector.start();
    await eventually('the watch', () => fake.openWatches === 1);
  });

  afterEach(async () => {
    reflector.close();
    api.close();
    await fake.stop();
  });

  for (const [what, happens] of MISHAPS) {
    it(`is caught up after ${what}`, async () => {
      const { metadata } = fake.put('migration', { n: 'second' });
      await eventually('the second', () => data()?.n === 'second');
      fake.replaceSilently({
        metadata: { ...metadata, resourceVersion: String(++fake.version) },
        data: { n: 'third' },
      });
      happens(fake);
      await eventually('the third', () => data()?.n === 'third');
      await eventually('the watch', () => reflector.connection.connected && fake.openWatches > 0);
      fake.put('migration', { n: 'fourth' });
      await eventually('the fourth', () => data()?.n === 'fourth');
    });
  }

  it('goes back with a server that was set back, and follows it from there', async () => {
    const { metadata } = fake.put('migration', { n: 'lost in the backup' });
    await eventually('it', () => data()?.n === 'lost in the backup');
    fake.setBack(50);
    fake.replaceSilently({ metadata: { ...metadata, resourceVersion: '40' }, data: { n: 'of the backup' } });
    fake.endWatches('reset');
    await eventually('the backup', () => data()?.n === 'of the backup');
    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('migration', { n: 'after it' });
    await eventually('what follows', () => data()?.n === 'after it');
  });

  it('takes events out of order and twice for what they are', async () => {
    const objects = ['a', 'b', 'c'].map((n) => fake.put('migration', { n }));
    await eventually('the last', () => data()?.n === 'c');
    for (const object of [objects[0], objects[2], objects[1]]) fake.writeEvent('MODIFIED', object);
    fake.writeEvent('DELETED', objects[1]);
    fake.put('other', {});
    fake.writeEvent('BOOKMARK', { metadata: { resourceVersion: '900' } });
    const heardMs = reflector.connection.lastHeardMs ?? 0;
    await eventually('all is read', () => (reflector.connection.lastHeardMs ?? 0) > heardMs);
    expect(data()).to.deep.equal({ n: 'c' });
  });

  it('asks a server that ends every watch at once a few times a second at most', async () => {
    const before = fake.seen.length;
    fake.endWatches();
    for (let ended = 0; ended < 4; ended++) {
      await eventually('another watch', () => fake.openWatches === 1);
      fake.endWatches();
      await eventually('its end', () => fake.openWatches === 0);
    }
    expect(fake.seen.length - before).to.be.lessThan(10);
  });
});
