import { expect } from 'chai';
import { POLICY, Rehearsal, START_MS } from './rehearsal.test.ts';
import { type FallbackState, initialState } from './state.ts';
import { step } from './step.ts';
import { fromShared, fromStored, toStored } from './stored.ts';
import { viewOf } from './view.ts';

function restart(rehearsal: Rehearsal, atSeconds: number): FallbackState {
  const nowMs = START_MS + atSeconds * 1000;
  const json = JSON.parse(JSON.stringify(toStored(rehearsal.state)));
  return initialState(POLICY, 'pod-b', nowMs, fromStored(json, nowMs));
}

describe('fallback/stored', () => {
  it('stores nothing of an untouched service, nor of one that was only resumed', () => {
    expect(toStored(new Rehearsal().fresh(1, 'reset').state)).to.equal(null);
    const resumed = new Rehearsal().trip(0).at(1, { kind: 'resume', by: 'ann', reason: '' });
    expect(toStored(resumed.state)).to.equal(null);
  });

  it('a trip comes back with its time, reason, wait and who tripped', () => {
    const rehearsal = new Rehearsal().trip(0);
    const view = viewOf(restart(rehearsal, 60), POLICY, START_MS + 60_000);
    expect(view).to.deep.include({ ...rehearsal.view(60), failuresInRow: 0, lastError: null });
    expect(view).to.include({ retryAtMs: START_MS + 300_000, trippedBy: 'pod-a', trips: 1 });
  });

  it('a hold comes back whole', () => {
    const rehearsal = new Rehearsal().at(1, { kind: 'abort', by: 'ann', reason: 'deploy "x"\n' });
    const view = viewOf(restart(rehearsal, 1e6), POLICY, START_MS + 1e9);
    expect(view.hold).to.deep.equal({ by: 'ann', atMs: START_MS + 1000, reason: 'deploy "x"\n' });
    expect(view.retryAtMs).to.equal(null);
  });

  it('a damaged hold is still a hold', () => {
    const json = { ...toStored(new Rehearsal().trip(0).state), hold: 7 };
    expect(fromStored(json, START_MS)?.phase).to.deep.include({ hold: { by: 'unknown', atMs: 0, reason: '' } });
  });

  it('probing begins again with single requests', () => {
    const rehearsal = new Rehearsal().trip(0).check(300, 'new');
    for (let i = 0; i < 10; i++) rehearsal.fresh(311, 200);
    expect(rehearsal.share).to.equal(10);
    const state = restart(rehearsal, 400);
    expect(viewOf(state, POLICY, START_MS)).to.include({
      state: 'probing',
      probeShare: 0,
      sinceMs: START_MS + 400_000,
    });
  });

  it('a clock that was set back holds nothing for longer than the wait', () => {
    const view = viewOf(restart(new Rehearsal().trip(0), -1e6), POLICY, START_MS - 1e9);
    expect(view.sinceMs).to.equal(START_MS - 1e9);
    expect(view.retryAtMs).to.equal(START_MS - 1e9 + 300_000);
  });

  it('keys of a later version survive', () => {
    const stored = { ...toStored(new Rehearsal().trip(0).state), voted_by: ['pod-c'] };
    const state = initialState(POLICY, 'pod-b', START_MS, fromStored(stored, START_MS));
    expect(toStored(state)).to.deep.equal(stored);
  });

  it('numbers beyond all sense, written by hand, are cut: every replica can still say and store what follows from them', () => {
    const huge = JSON.stringify({ ...toStored(new Rehearsal().trip(0).state), trips: 2 ** 53 - 1, wait_ms: '?' });
    for (const waitMs of ['1e16', '1e300', '1e999']) {
      const shared = fromShared(JSON.parse(huge.replace('"?"', waitMs)), START_MS, 'pod-b');
      const before = initialState(POLICY, 'pod-b', START_MS, null, 'ask');
      const event = { kind: 'adopted', phase: shared?.phase ?? null, how: 'shared' } as const;
      const state = step(before, event, POLICY, START_MS, () => 0);
      expect(viewOf(state, POLICY, START_MS).retryAtMs, waitMs).to.equal(START_MS + 11 * 24 * 3600 * 1000);
      const again = step(state, { kind: 'resume', by: 'ann', reason: '' }, POLICY, START_MS, () => 0);
      expect(fromShared(toStored(state), START_MS, 'pod-c')?.phase.trips, waitMs).to.equal(1_000_000);
      expect(viewOf(again, POLICY, START_MS).state).to.equal('steady');
    }
    const probing = { ...toStored(new Rehearsal().trip(0).check(300, 'new').state), owner: 'pod-a', beat: 2 ** 53 - 1 };
    expect(fromShared(probing, START_MS, 'pod-b')?.phase).to.include({ kind: 'probing', beat: 1_000_000 });
  });

  it('what makes no sense is refused', () => {
    const good = { ...toStored(new Rehearsal().trip(0).state) };
    const bad = [null, 7, [], {}, { ...good, format: 2 }, { ...good, state: 'open' }, { ...good, since: 'yesterday' }];
    for (const json of [...bad, { ...good, trips: -1 }, { ...good, retry_at: null }, { ...good, wait_ms: 'long' }]) {
      expect(fromStored(json, START_MS), JSON.stringify(json)).to.equal(null);
    }
  });
});
