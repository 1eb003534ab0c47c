import { expect } from 'chai';
import { apiServerTrouble, replicaLines } from './status-cluster.ts';
import { errorTexts } from './status-errors.ts';

const NOW_MS = Date.parse('2026-01-01T00:01:00Z');
type Status = Parameters<typeof replicaLines>[0];

function replica(name: string, changes = {}) {
  const seenAt = '2026-01-01T00:00:58.000Z';
  return { name, version: '0.1.0', config_hash: '3f9c', seen_at: seenAt, leader: false, ...changes };
}

function status(changes: object): Status {
  const api = { connected: true, last_heard_at: null, problem: null };
  return {
    version: '0.1.0',
    ready: true,
    config_hash: '3f9c',
    config: { loaded_at: '2026-01-01T00:00:00.000Z' },
    api_server: api,
    replicas: [],
    ...changes,
  } as unknown as Status;
}

const lines = (changes: object) => replicaLines(status(changes), NOW_MS, (_style, text) => text);

describe('the cluster in a status for people', () => {
  it('names who is there and who leads', () => {
    const replicas = [replica('pod-a', { leader: true }), replica('pod-b')];
    expect(lines({ replicas })).to.deep.equal(['replicas  pod-a (leads)  pod-b']);
    expect(lines({ replicas: undefined })).to.deep.equal([]);
  });

  it('says what is odd about one', () => {
    const replicas = [
      replica('pod-a', { leader: true, config_hash: 'other' }),
      replica('pod-b', { seen_at: '2026-01-01T00:00:20Z' }),
      replica('pod-c', { config_hash: '', version: '0.2.0' }),
    ];
    expect(lines({ replicas })).to.deep.equal([
      'replicas  pod-a (leads, serves another configuration)  pod-b (not heard of for 40s)  pod-c (serves nothing yet, version 0.2.0)',
    ]);
  });

  it('does not take a replica for another one that was not heard of since the last edit', () => {
    const replicas = [replica('pod-a', { config_hash: 'before' })];
    const config = { loaded_at: '2026-01-01T00:00:57.500Z' };
    expect(lines({ replicas, config })).to.deep.equal(['replicas  pod-a']);
  });

  it('does not blame the others for an API server that is away, but says that it is', () => {
    const api = { connected: false, last_heard_at: null, problem: 'the API server X does not answer: refused' };
    const replicas = [replica('pod-b', { seen_at: '2026-01-01T00:00:20Z' })];
    expect(lines({ api_server: api, replicas })).to.deep.equal(['replicas  pod-b']);
    expect(apiServerTrouble(status({ api_server: api }))).to.equal(
      'the API server X does not answer: refused: what is served goes on, changes and other replicas are not heard of',
    );
    expect(apiServerTrouble(status({ api_server: api, ready: false }))).not.to.include('what is served');
    expect(apiServerTrouble(status({ api_server: { ...api, refused: true } }))).to.match(
      /: what is served goes on, changes of the configuration are not heard of$/,
    );
    expect(apiServerTrouble(status({}))).to.equal(null);
    expect(apiServerTrouble(status({ api_server: undefined }))).to.equal(null);
  });

  it('a ConfigMap that is gone is one line, with the services it had', () => {
    const gone = (service: string, file = 'configmap:shop/m') => {
      const place = { file, line: 1, column: 1, path: '' };
      return { code: 'source_gone', service, ...place, message: '' } as const;
    };
    const many = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => gone(name));
    const bad = { ...gone('x'), code: 'bad_value', path: 'services[0].name', message: 'is bad' } as const;
    expect(errorTexts([...many, bad, gone('y', 'configmap:pay/m')])).to.deep.equal([
      'configmap:shop/m: is gone, or no longer has a text; 6 services go on as it last said: a, b, c, d, e, …',
      'configmap:shop/m:1:1: services[0].name: is bad',
      'configmap:pay/m: is gone, or no longer has a text; y goes on as it last said',
    ]);
  });
});
