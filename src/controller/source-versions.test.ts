import { expect } from 'chai';
import type { SourceRead } from '../migration/candidates.ts';
import { readSource } from '../migration/parse.ts';
import { NOWHERE, SourceVersions } from './source-versions.ts';

function read(id: string, resourceVersion: string): SourceRead {
  const text = 'services: [{ name: shop, old_host: shop.test, old_backend: "shop:80" }]';
  const version = { uid: 'u', resourceVersion, by: 'ann', reason: '' };
  return { id, read: readSource({ file: id, text, kind: 'configmap' }), version };
}

describe('versions of sources', () => {
  it('are known for as long as the source is, and for the change that drops it; not for ever', () => {
    const versions = new SourceVersions();
    versions.take([read('configmap:team/shop', '7')]);
    expect(versions.idOf('shop', NOWHERE)).to.equal('configmap:team/shop');
    versions.take([{ id: 'configmap:team/shop', read: 'gone' }]);
    versions.take([{ id: 'configmap:team/shop', read: 'dropped' }]);
    expect(versions.idOf('shop', NOWHERE)).to.equal('configmap:team/shop');
    expect(versions.aboutOf('configmap:team/shop')).to.deep.equal({ uid: 'u', namespace: 'team', name: 'shop' });
    versions.take([]);
    expect([versions.idOf('shop', NOWHERE), versions.versionOf('configmap:team/shop')]).to.deep.equal([null, null]);
  });

  it('are those of a source that comes back with the batch behind the one that dropped it', () => {
    const versions = new SourceVersions();
    versions.take([read('configmap:team/shop', '7')]);
    versions.take([{ id: 'configmap:team/shop', read: 'dropped' }]);
    versions.take([read('configmap:team/shop', '9')]);
    versions.take([]);
    expect(versions.versionOf(versions.idOf('shop', NOWHERE))).to.include({ resourceVersion: '9' });
  });
});
