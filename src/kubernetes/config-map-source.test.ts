import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import { FakeApiServer } from '../../test/support/fake-api-server.ts';
import type { EditResult, PercentageEdit } from '../controller/config-source.ts';
import type { SourceRead } from '../migration/candidates.ts';
import type { ConfigMapObject, KubeApi, Selection } from './api.ts';
import { ConfigMapSource, type ConfigMapSourceOptions } from './config-map-source.ts';
import { connect } from './connect.ts';

const one: Selection = { kind: 'one', namespace: 'shop', name: 'migration' };
const labelled: Selection = { kind: 'labelled', namespace: null, labels: 'app=shop' };
const labels = { app: 'shop' };
const edit: PercentageEdit = { service: 'a', percentage: 30, who: 'ann', reason: '', scope: 'own', mode: 'write' };

const text = (name: string, percentage = 20) =>
  `services:
  - name: ${name}
    old_host: ${name}.old
    old_backend: ${name}.svc:80
    new_host: ${name}.new
    new_backend: ${name}.new:80
    migration: { enabled: true, percentage: ${percentage} }
`;
const data = (name: string, percentage?: number) => ({ 'migration.yaml': text(name, percentage) });

/** `configmap:shop/a: a 20 %`. */
function inWords({ id, read }: SourceRead): string {
  if (typeof read === 'string') return `${id}: ${read}`;
  if (read.whole !== null) return `${id}: ${read.whole.message}`;
  const services = read.services.map(({ name, migration }) =>
    migration === null ? `${name} in error` : `${name} ${migration.shareBp / 100} %`,
  );
  return `${id}: ${services.join(', ')}`;
}

describe('ConfigMaps as a source', () => {
  let fake: FakeApiServer;
  let api: KubeApi;
  let source: ConfigMapSource;
  let batches: SourceRead[][];
  let said: string[];
  /** Timers of ten minutes: they fire when the test says so. */
  let drops: Set<() => void>;

  const told = () => batches.map((batch) => batch.map(inWords));

  function make(selection: Selection, more: Partial<ConfigMapSourceOptions> = {}): ConfigMapSource {
    const say = (_: object, message: string) => said.push(message);
    source = new ConfigMapSource({
      api,
      selection,
      now: Date.now,
      random: () => 0,
      setTimer: (fire, delayMs) => {
        if (delayMs === 600_000) {
          drops.add(fire);
          return () => drops.delete(fire);
        }
        const timer = setTimeout(fire, delayMs);
        return () => clearTimeout(timer);
      },
      log: { debug: say, info: say, warn: say, error: say },
      edit: async () => ({ ok: false, code: 'refused', message: '' }),
      ...more,
    });
    return source;
  }

  const start = (known: readonly string[] = []) =>
    source.start(async (reads) => {
      batches.push([...reads]);
    }, known);

  beforeEach(async () => {
    fake = await FakeApiServer.start();
    api = await connect({ kubeconfig: fake.kubeconfig() });
    [batches, said, drops] = [[], [], new Set()];
  });

  afterEach(async () => {
    await source.close();
    api.close();
    await fake.stop();
  });

  it('hands one ConfigMap over, with its order and version, and then each change', async () => {
    const managedFields = [{ manager: 'kubectl-edit', fieldsV1: { 'f:data': { 'f:migration.yaml': {} } } }];
    const { metadata } = fake.put('migration', data('a'), { managedFields });
    make(one);
    await start();
    expect(source.label).to.equal('configmap:shop/migration');
    expect(told()).to.deep.equal([['configmap:shop/migration: a 20 %']]);
    const [[read]] = batches;
    expect(read.order).to.match(/^2026-01-01T00:\d\d:\d\d\.000Z shop\/migration$/);
    const { uid, resourceVersion } = metadata;
    expect(read.version).to.deep.equal({
      uid,
      resourceVersion,
      by: 'kubectl-edit',
      manager: 'kubectl-edit',
      reason: '',
    });
    expect(source.apiServer()).to.include({ connected: true, problem: null });

    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('migration', data('a', 30));
    await eventually('the change', () => batches.length === 2);
    expect(told()[1]).to.deep.equal(['configmap:shop/migration: a 30 %']);
  });

  it('gives errors their place in the text, and takes no ca_file', async () => {
    fake.put('migration', { 'migration.yaml': `${text('a')}    old_tls: { ca_file: ca.pem }\n` });
    make(one);
    await start();
    const { read } = batches[0][0];
    expect(
      typeof read === 'string' ? [] : read.errors.map(({ file, line, path }) => [file, line, path]),
    ).to.deep.include(['configmap:shop/migration', 8, 'services[0].old_tls.ca_file']);
  });

  it('hands the same text over again when its version is another, without reading it again', async () => {
    fake.put('migration', data('a'));
    make(one);
    await start();
    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('migration', { ...data('a'), other: 'x' });
    await eventually('the change', () => batches.length === 2);
    expect(batches[1][0].read).to.equal(batches[0][0].read);
    expect(batches[1][0].version?.resourceVersion).not.to.equal(batches[0][0].version?.resourceVersion);
  });

  it('waits for a ConfigMap that is not there, and for its key, and says so once', async () => {
    make(one);
    await start();
    expect(told()).to.deep.equal([]);
    expect(said).to.deep.equal(['waits for ConfigMap shop/migration, which does not exist']);
    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('migration', { 'other.yaml': '' });
    await eventually('the other message', () => said.length === 2);
    expect(said[1]).to.equal('waits for the key migration.yaml in ConfigMap shop/migration');
    fake.put('migration', data('a'));
    await eventually('the configuration', () => batches.length === 1);
    expect(told()).to.deep.equal([['configmap:shop/migration: a 20 %']]);
  });

  it('is gone without its key and when it is deleted, never dropped, and back with it', async () => {
    fake.put('migration', data('a'));
    make(one);
    await start();
    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('migration', {});
    await eventually('gone', () => batches.length === 2);
    fake.put('migration', data('a', 40));
    await eventually('back', () => batches.length === 3);
    fake.remove('migration');
    await eventually('gone again', () => batches.length === 4);
    fake.put('migration', data('b'));
    await eventually('made anew', () => batches.length === 5);
    expect(told().slice(1).flat()).to.deep.equal([
      'configmap:shop/migration: gone',
      'configmap:shop/migration: a 40 %',
      'configmap:shop/migration: gone',
      'configmap:shop/migration: b 20 %',
    ]);
    expect(drops.size).to.equal(0);
  });

  it('hands many over in one batch, and then only what changed', async () => {
    for (const name of ['a', 'b', 'c']) fake.put(name, data(name), { labels, namespace: `ns-${name}` });
    fake.put('other', data('x'));
    make(labelled);
    expect(source.label).to.equal('selector:app=shop');
    await start();
    expect(told().map((batch) => batch.sort())).to.deep.equal([
      ['configmap:ns-a/a: a 20 %', 'configmap:ns-b/b: b 20 %', 'configmap:ns-c/c: c 20 %'],
    ]);
    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('b', data('b', 50), { namespace: 'ns-b' });
    await eventually('the change', () => batches.length === 2);
    expect(told()[1]).to.deep.equal(['configmap:ns-b/b: b 50 %']);
  });

  it('drops under a selector what is gone for ten minutes, and not what came back', async () => {
    fake.put('a', data('a'), { labels });
    fake.put('b', data('b'), { labels });
    make({ ...labelled, namespace: 'shop' });
    expect(source.label).to.equal('selector:shop:app=shop');
    await start(['configmap:shop/old', 'file:/etc/x.yaml']);
    expect(told()[0].sort()).to.deep.equal([
      'configmap:shop/a: a 20 %',
      'configmap:shop/b: b 20 %',
      'configmap:shop/old: gone',
      'file:/etc/x.yaml: dropped',
    ]);
    await eventually('the watch', () => fake.openWatches === 1);
    fake.remove('a');
    await eventually('a is gone', () => batches.length === 2);
    fake.put('a', data('a'), { labels });
    await eventually('a is back', () => batches.length === 3);
    expect(drops.size).to.equal(1);
    for (const drop of drops) drop();
    await eventually('the old one is dropped', () => batches.length === 4);
    expect(told()[3]).to.deep.equal(['configmap:shop/old: dropped']);
    fake.put('old', data('old'), { labels });
    await eventually('it may come back', () => batches.length === 5);
  });

  it('puts what is gone behind what is there', async () => {
    fake.put('a', data('a'), { labels });
    make(labelled);
    await start(['configmap:shop/old']);
    const orders = Object.fromEntries(batches[0].map(({ id, order = '' }) => [id, order]));
    expect(orders['configmap:shop/old'] > orders['configmap:shop/a']).to.equal(true);
  });

  it('starts without the API server from what is known, says why, and converges', async () => {
    fake.put('migration', data('a'));
    fake.next('list', { status: 500 }, 'reset');
    make(one);
    await start(['configmap:shop/migration']);
    expect(told()[0][0]).to.match(/^configmap:shop\/migration: the API server http.* did not list .*\(500\)/);
    expect(said[0]).to.contain('serves what it last read and goes on trying');
    expect(source.apiServer().connected).to.equal(false);
    await eventually('the configuration', () => batches.length === 2);
    expect(told()[1]).to.deep.equal(['configmap:shop/migration: a 20 %']);
  });

  it('starts without the API server and without anything known: not ready, and it converges', async () => {
    fake.put('migration', data('a'));
    fake.next('list', 'reset');
    make(one);
    await start();
    expect(said[0]).to.contain('not ready, and goes on trying');
    await eventually('the configuration', () => batches.length === 1);
  });

  it('reads now when asked to, what no watch has told', async () => {
    const object = fake.put('migration', data('a'));
    make(one);
    await start();
    const metadata = { ...object.metadata, resourceVersion: '900' };
    fake.replaceSilently({ metadata, data: data('a', 60) });
    await source.reread();
    expect(told()[1]).to.deep.equal(['configmap:shop/migration: a 60 %']);
    fake.next('list', { status: 500 });
    await source.reread();
    expect(said.at(-1)).to.equal('the configuration cannot be read now');
  });

  it('takes an edit of ours up at once: it is live when the edit is done, and told once', async () => {
    fake.put('migration', data('a'));
    fake.next('watch', 'mute');
    const done: EditResult = { ok: true, from: 20, to: 30 };
    make(one, {
      edit: async (_, objects, learn) => {
        expect([...objects.keys()]).to.deep.equal(['shop/migration']);
        learn(await api.patchConfigMap('shop', 'migration', { kind: 'merge', body: { data: data('a', 30) } }));
        return done;
      },
    });
    await start();
    expect(await source.setPercentage(edit)).to.equal(done);
    expect(told()[1]).to.deep.equal(['configmap:shop/migration: a 30 %']);
    await source.reread();
    expect(batches.length).to.equal(2);
  });

  it('lists after an edit whose answer nobody gave it', async () => {
    fake.put('migration', data('a'));
    fake.next('watch', 'mute');
    make(one, {
      edit: async () => {
        await api.patchConfigMap('shop', 'migration', { kind: 'merge', body: { data: data('a', 30) } });
        return { ok: true, from: 20, to: 30 };
      },
    });
    await start();
    await source.setPercentage(edit);
    expect(told()[1]).to.deep.equal(['configmap:shop/migration: a 30 %']);
  });

  it('says of an edit why it cannot be made', async () => {
    fake.put('migration', data('a'));
    const patch = () => api.patchConfigMap('shop', 'migration', { kind: 'merge', body: {} });
    make(one, { edit: () => patch().then(() => ({ ok: true, from: 0, to: 0 })) });
    expect(await source.setPercentage(edit)).to.include({ ok: false, code: 'unavailable' });
    await start();
    fake.next('other', { status: 403 });
    expect(await source.setPercentage(edit)).to.include({ ok: false, code: 'refused' });
    fake.next('other', 'reset');
    expect(await source.setPercentage(edit)).to.include({ ok: false, code: 'unavailable' });
  });

  it('does not hand the next batch over before the one before is live, and takes the newest then', async () => {
    fake.put('migration', data('a'));
    make(one);
    let release = (): void => {};
    await source.start(async (reads) => {
      batches.push([...reads]);
      if (batches.length === 2) await new Promise<void>((resolve) => (release = resolve));
    }, []);
    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('migration', data('a', 1));
    await eventually('the second batch', () => batches.length === 2);
    for (let percentage = 2; percentage <= 9; percentage++) fake.put('migration', data('a', percentage));
    await eventually('all is seen', async () => (await api.getConfigMap('shop', 'migration')) !== null);
    expect(batches.length).to.equal(2);
    release();
    await eventually('the newest', () => told().at(-1)?.[0] === 'configmap:shop/migration: a 9 %');
    expect(batches.length).to.be.lessThan(11);
  });

  it('told to end while it reads many texts, it reads no more of them and hands nothing over', async () => {
    const long = `# ${'x'.repeat(20_000)}\n`;
    for (let i = 0; i < 40; i++) fake.put(`m${i}`, { 'migration.yaml': long + text(`s${i}`) }, { labels });
    make(labelled);
    void start();
    await eventually('the list', () => source.apiServer().connected);
    await source.close();
    expect(batches).to.deep.equal([]);
  });

  describe('beside a tenant who edits texts that take long without end', () => {
    // Each is a batch of its own.
    const loud = (version: number) => {
      for (let i = 0; i < 5; i++) {
        const yaml = `# ${version} ${'x'.repeat(10_000)}\n${text(`loud-${i}`)}`;
        fake.put(`loud-${i}`, { 'migration.yaml': yaml }, { labels, namespace: 'loud' });
      }
    };
    const quietAt = () => told().findIndex((batch) => batch.includes('configmap:shop/migration: a 30 %'));

    it('an edit is live within two reads of theirs', async () => {
      loud(0);
      fake.put('migration', data('a'), { labels });
      let live: ReadonlyMap<string, ConfigMapObject> = new Map();
      make(labelled, {
        mostChars: 5_000,
        edit: async (_, objects) => {
          live = objects;
          return { ok: false, code: 'refused', message: '' };
        },
      });
      await source.start(async (reads) => {
        loud(batches.push([...reads]));
        if (batches.length !== 5) return;
        fake.put('migration', data('a', 30), { labels });
        await eventually('it is seen', () => {
          void source.setPercentage(edit);
          return live.get('shop/migration')?.data['migration.yaml'] === text('a', 30);
        });
      }, []);
      expect(
        batches.map(({ length }) => length),
        'at first all together',
      ).to.deep.equal([6]);
      await eventually('it is live', () => quietAt() > 0, 20_000);
      expect(quietAt(), 'the next batch after that in which it came').to.equal(5);
      expect(batches.slice(1).every((reads) => reads.length === 1)).to.equal(true);
    });

    it('an edit of ours is answered once it is live, whoever waits behind it', async () => {
      loud(0);
      fake.put('migration', data('a'), { labels });
      make(labelled, {
        mostChars: 5_000,
        edit: async (_, __, learn) => {
          learn(await api.patchConfigMap('shop', 'migration', { kind: 'merge', body: { data: data('a', 30) } }));
          return { ok: true, from: 20, to: 30 };
        },
      });
      await source.start(async (reads) => {
        loud(batches.push([...reads]));
      }, []);
      await eventually('they are at it', () => batches.length > 2);
      await source.setPercentage(edit);
      expect(quietAt()).to.be.greaterThan(0);
      await source.reread();
    });
  });

  it('survives a taker that throws', async () => {
    fake.put('migration', data('a'));
    make(one);
    await source.start(async (reads) => {
      batches.push([...reads]);
      throw new Error('taken badly');
    }, []);
    expect(said[0]).to.contain('a fault of the proxy');
    await eventually('the watch', () => fake.openWatches === 1);
    fake.put('migration', data('a', 30));
    await eventually('the change', () => batches.length === 2);
  });
});
