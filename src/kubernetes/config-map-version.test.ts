import { expect } from 'chai';
import { orderOf, versionOf } from './config-map-version.ts';
import { toConfigMap } from './objects.ts';

const OURS = {
  'migration-proxy/changed-by': 'ann',
  'migration-proxy/changed-at': '2026-01-01T00:00:00Z',
  'migration-proxy/change-reason': 'more load',
};

function owner(manager: string, time: string, key = 'f:migration.yaml') {
  return { manager, time, operation: 'Update', fieldsV1: { 'f:data': { '.': {}, [key]: {} } } };
}

function whoMade(managedFields: object[], annotations = {}) {
  const metadata = { namespace: 'shop', name: 'm', uid: 'u', resourceVersion: '7', managedFields, annotations };
  const { by, reason } = versionOf(toConfigMap({ metadata }));
  return [by, reason];
}

describe('who made a version of a ConfigMap', () => {
  it('is the newest manager of the text, whoever else changed the object later', () => {
    const fields = [
      owner('kubectl-create', '2026-01-01T00:00:00Z'),
      owner('kubectl-edit', '2026-01-03T00:00:00Z'),
      owner('helm', '2026-01-02T00:00:00Z'),
      owner('kubectl-label', '2026-01-09T00:00:00Z', 'f:other'),
    ];
    expect(whoMade(fields)).to.deep.equal(['kubectl-edit', '']);
  });

  it('is the person that asked us, where the change was ours', () => {
    const ours = owner('migration-proxy', '2026-01-05T00:00:00Z');
    expect(whoMade([owner('helm', '2026-01-02T00:00:00Z'), ours], OURS)).to.deep.equal(['ann', 'more load']);
    expect(whoMade([ours])).to.deep.equal(['migration-proxy', '']);
  });

  it('is not that person any more when somebody else wrote after us', () => {
    const fields = [owner('argocd-controller', '2026-01-06T00:00:00Z')];
    expect(whoMade(fields, OURS)).to.deep.equal(['argocd-controller', '']);
  });

  it('is nobody that could be named where the server keeps no fields', () => {
    expect(whoMade([])).to.deep.equal([null, '']);
    expect(whoMade([{ manager: 'x', fieldsV1: null }, {}])).to.deep.equal([null, '']);
  });

  it('puts the older first, then by name', () => {
    const at = (creationTimestamp: string | Date, name: string) =>
      orderOf(toConfigMap({ metadata: { namespace: 'shop', name, resourceVersion: '1', creationTimestamp } }));
    expect(at('2026-01-01T00:00:00Z', 'b') < at('2026-01-01T00:00:01Z', 'a')).to.equal(true);
    expect(at('2026-01-01T00:00:00Z', 'a') < at('2026-01-01T00:00:00Z', 'b')).to.equal(true);
    expect(at('2026-01-01T00:00:00Z', 'a')).to.equal(at(new Date('2026-01-01T00:00:00Z'), 'a'));
  });
});
