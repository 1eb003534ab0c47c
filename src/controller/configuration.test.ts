import { expect } from 'chai';
import type { SourceRead } from '../migration/candidates.ts';
import { readConfiguration } from './config-reader.ts';
import { Configuration } from './configuration.ts';
import { missingToServe } from './readiness.ts';

const textOf = (name: string, percentage: number | string): string => `services:
  - name: ${name}
    old_host: ${name}.test
    old_backend: 127.0.0.1:1
    new_host: ${name}.new.test
    new_backend: 127.0.0.1:2
    migration: { percentage: ${percentage} }
`;

async function readOf(name: string, percentage: number | string, order = ''): Promise<SourceRead> {
  const id = `configmap:shop/${name}`;
  const read = await readConfiguration({ file: id, text: textOf(name, percentage), kind: 'configmap' });
  return { id, read, order };
}

function served(configuration: Configuration): string[] {
  return configuration.table.services.map(({ migration, standing }) => `${migration.name} ${standing}`);
}

describe('the configuration of several sources', () => {
  it('keeps what is gone until it is dropped, and is loaded still when nothing is left', async () => {
    const configuration = new Configuration();
    expect(configuration.isLoaded).to.equal(false);
    configuration.take([await readOf('shop', 10), await readOf('cart', 20)], [], 1);
    configuration.take([{ id: 'configmap:shop/cart', read: 'gone' }], [], 2);
    expect(served(configuration)).to.deep.equal(['cart stale', 'shop valid']);
    configuration.take([{ id: 'configmap:shop/cart', read: 'dropped' }], [], 3);
    expect(served(configuration)).to.deep.equal(['shop valid']);
    configuration.take([{ id: 'configmap:shop/shop', read: 'dropped' }], [], 4);
    expect([served(configuration), configuration.isLoaded]).to.deep.equal([[], true]);
  });

  it('knows from which source a service comes, also while its text is gone or in error', async () => {
    const configuration = new Configuration();
    expect(configuration.sourceOf('shop')).to.equal(null);
    configuration.take([await readOf('shop', 10, '1'), await readOf('cart', 20, '2')], [], 1);
    configuration.take([{ id: 'configmap:shop/cart', read: 'gone' }, await readOf('shop', '"many"', '1')], [], 2);
    expect(configuration.sourceOf('shop')).to.equal('configmap:shop/shop');
    expect(configuration.sourceOf('cart')).to.equal('configmap:shop/cart');
    // The younger wants the name of an older one.
    const thief = { ...(await readOf('shop', 90, '3')), id: 'configmap:thief/m' };
    configuration.take([thief, { id: 'configmap:shop/cart', read: 'dropped' }], [], 3);
    expect(configuration.sourceOf('shop')).to.equal('configmap:shop/shop');
    expect(configuration.sourceOf('cart')).to.equal(null);
  });

  it('is the same whichever replica read which source first', async () => {
    const reads = [
      await readOf('shop', 10, '2026-01-02'),
      { ...(await readOf('shop', 90, '2026-01-01')), id: 'configmap:b/c' },
    ];
    const hashes = [reads, [...reads].reverse()].map((order) => {
      const configuration = new Configuration();
      for (const read of order) configuration.take([read], [], 1);
      return [configuration.table.hash, configuration.table.services[0].migration.shareBp];
    });
    expect(hashes[0]).to.deep.equal(hashes[1]);
    expect(hashes[0][1], 'the older source').to.equal(9_000);
  });

  it('gives over what others kept for what the disk had', async () => {
    const [older, newer] = [new Configuration(), new Configuration()];
    older.take([await readOf('shop', 10)], [], 1);
    newer.take([await readOf('shop', 20)], [], 1);
    const started = new Configuration();
    started.restore(JSON.parse(older.toLastGood()));
    started.restore(JSON.parse(newer.toLastGood()));
    expect(started.sourceIds).to.deep.equal(['configmap:shop/shop']);
    started.take([await readOf('shop', 'x')], [], 1);
    expect(started.table.services[0].migration.shareBp).to.equal(2_000);
    expect(served(started)).to.deep.equal(['shop stale']);
  });
});

describe('what is missing before traffic is taken', () => {
  const loaded = { isLoaded: true };
  const store = { found: (file: string) => (file === 'last-good.json' ? {} : undefined) };
  const emptyStore = { found: () => undefined };

  it('is a configuration, and in a cluster the run states, from there or beside the configuration on disk', () => {
    const missing = (parts: Parameters<typeof missingToServe>[0]) => missingToServe(parts, 'file:m.yaml');
    const unread = { knowsStates: false };
    const configuration = loaded;
    expect(missing({ configuration: { isLoaded: false }, cluster: null, store })).to.include('file:m.yaml');
    expect(missing({ configuration, cluster: null, store: null })).to.equal(null);
    expect(missing({ configuration, cluster: unread, store: null })).to.include('run states');
    expect(missing({ configuration, cluster: unread, store: emptyStore })).to.include('run states');
    expect(missing({ configuration, cluster: unread, store })).to.equal(null);
    expect(missing({ configuration, cluster: { knowsStates: true }, store: null })).to.equal(null);
  });
});
