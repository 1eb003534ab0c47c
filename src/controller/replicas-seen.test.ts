import { expect } from 'chai';
import { replicasSeen } from './replicas-seen.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

describe('the replicas that are seen', () => {
  const replica = (name: string, ageMs: number) => {
    const address = `http://10.0.0.1:${ageMs}`;
    return { name, address, proof: 'p', configHash: '', version: '1', seenMs: NOW_MS - ageMs, leader: false };
  };
  const replicas = [replica('own', 600_000), replica('beats', 5_000), replica('late', 30_000), replica('gone', 90_000)];
  const seen = (connected: boolean, isRefused = false) => {
    const apiServer = { connected, isRefused, problem: null, lastHeardMs: null };
    return replicasSeen({ apiServer, replicas }, 'own', NOW_MS).map(({ name, isFresh }) => [name, isFresh]);
  };

  it('are those that were heard of for three beats, where the API server tells', () => {
    expect(seen(true)).to.deep.equal([['beats', true]]);
    expect(seen(false, true), 'it refuses the configuration alone').to.deep.equal([['beats', true]]);
  });

  it('are all where it is away; but an address is sure for a minute alone, and our own for ever', () => {
    expect(seen(false)).to.deep.equal([
      ['own', true],
      ['beats', true],
      ['late', true],
      ['gone', false],
    ]);
  });
});
