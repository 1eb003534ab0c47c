import { expect } from 'chai';
import { POLICY, Rehearsal, START_MS } from './rehearsal.test.ts';
import { type Consent, initialState, isOthersStep } from './state.ts';
import { fromShared, fromStored, toStored } from './stored.ts';

function among(consent: Consent, replica = 'pod-a'): Rehearsal {
  const rehearsal = new Rehearsal();
  rehearsal.state = initialState(POLICY, replica, START_MS, null, consent);
  return rehearsal;
}

/** What another replica reads of it, `seconds` later. */
function shared(rehearsal: Rehearsal, seconds: number, reader = 'pod-b') {
  return fromShared(JSON.parse(JSON.stringify(toStored(rehearsal.state))), START_MS + seconds * 1000, reader)!.phase;
}

describe('fallback: among replicas', () => {
  it('trips at once, and proposes what is nearer to new, once', () => {
    const rehearsal = among('ask').trip(0);
    expect(rehearsal.kind).to.equal('fallen_back');
    rehearsal.check(301, 'new');
    expect(rehearsal.kind).to.equal('fallen_back');
    const { proposed } = rehearsal.state;
    expect(proposed).to.include({ kind: 'probing', step: 0, owner: 'pod-a' });
    rehearsal.check(302, 'new');
    expect(rehearsal.state.proposed).to.equal(proposed);
    rehearsal.at(310, { kind: 'granted' });
    expect(rehearsal.run).to.include({ state: 'probing', admission: 'one', sinceMs: START_MS + 310_000 });
    expect(rehearsal.state.proposed).to.equal(null);
  });

  it('a trip, a failed check and a refusal end a proposal; what was dropped cannot be granted', () => {
    const refused = among('ask').trip(0).check(301, 'new').at(302, { kind: 'refused' }).at(303, { kind: 'granted' });
    expect(refused.kind).to.equal('fallen_back');
    const failed = among('ask').trip(0).check(301, 'new').check(302, 'new', 'refused').at(303, { kind: 'granted' });
    expect(failed.kind).to.equal('fallen_back');
    const tripped = among('ask').trip(0).check(301, 'new').at(302, { kind: 'granted' });
    for (let i = 0; i < 10; i++) tripped.fresh(313, 200);
    expect(tripped.state.proposed).to.include({ step: 1 });
    tripped.fresh(314, 'reset').at(315, { kind: 'granted' });
    expect(tripped.view(315)).to.include({ state: 'fallen_back', trips: 2 });
  });

  it('barred, it trips and is held and resumed, and nothing else moves it', () => {
    const rehearsal = among('barred').trip(0);
    for (let at = 300; at < 2000; at += 30) rehearsal.check(at, 'new').tick(at + 0.5);
    expect(rehearsal.kind).to.equal('fallen_back');
    expect(rehearsal.state.proposed).to.equal(null);
    rehearsal.at(2001, { kind: 'abort', by: 'ann', reason: '' }).at(2002, { kind: 'resume', by: 'ann', reason: '' });
    expect(rehearsal.kind).to.equal('steady');
  });

  it('single requests are their owner’s; others admit none, take no step, and may take them over', () => {
    const owner = among('ask').trip(0).check(301, 'new').at(301, { kind: 'granted' });
    const other = among('ask', 'pod-b');
    other.at(302, { kind: 'adopted', phase: shared(owner, 302), how: 'shared' });
    expect(other.run).to.include({ state: 'probing', admission: 'share', admitBp: 0 });
    expect(isOthersStep(other.state.phase)).to.equal(true);
    expect(other.due(302)).to.equal(Infinity);
    other.check(900, 'new').at(901, { kind: 'take_over' });
    expect(other.state.proposed).to.include({ owner: 'pod-b', beat: 1 });
  });

  it('whoever takes them over after a quiet failure_window takes all methods, but not while others sent some', () => {
    for (const beatAt of [null, 350]) {
      const owner = among('ask').trip(0).check(301, 'new').at(301, { kind: 'granted' });
      const phase = shared(owner, 302);
      const other = among('ask', 'pod-b');
      other.at(302, { kind: 'adopted', phase, how: 'shared' });
      if (beatAt !== null) {
        other.at(beatAt, { kind: 'adopted', phase: shared(owner.at(beatAt, { kind: 'beat' }), beatAt), how: 'shared' });
      }
      other.at(365, { kind: 'take_over' }).at(365, { kind: 'granted' });
      expect(other.run).to.include({ admission: 'one', methods: beatAt === null ? 'all' : 'replayable' });
      expect(other.due(365)).to.equal(beatAt === null ? Infinity : beatAt + POLICY.failureWindowMs / 1000);
    }
  });

  it('counts times from when it heard, whatever clock the other has; the same trip keeps its own', () => {
    const elsewhere = among('ask').trip(3600);
    const rehearsal = among('ask').at(5, { kind: 'adopted', phase: shared(elsewhere, 5), how: 'shared' });
    expect(rehearsal.view(5)).to.include({ sinceMs: START_MS + 5000, retryAtMs: START_MS + 305_000, trips: 1 });
    const { run } = rehearsal;
    rehearsal.at(9, { kind: 'adopted', phase: shared(among('ask').trip(8), 9), how: 'shared' });
    expect(rehearsal.view(9)).to.include({ sinceMs: START_MS + 5000, retryAtMs: START_MS + 305_000 });
    expect(rehearsal.run, 'nothing new for the data plane').to.equal(run);
    const kept = among('barred').at(60, { kind: 'adopted', phase: shared(among('ask').trip(0), 60), how: 'kept' });
    expect(kept.view(60).retryAtMs, 'at a start nothing better is known').to.equal(START_MS + 300_000);
  });

  it('one probing has one beginning, whoever takes its steps', () => {
    const owner = among('ask').trip(0).check(301, 'new').at(301, { kind: 'granted' });
    const other = among('ask', 'pod-b').at(302, { kind: 'adopted', phase: shared(owner, 302), how: 'shared' });
    for (let i = 0; i < 10; i++) owner.fresh(312, 200);
    owner.at(313, { kind: 'granted' });
    other.at(314, { kind: 'adopted', phase: shared(owner, 314), how: 'shared' });
    expect(other.run).to.include({ admitBp: 1000, sinceMs: START_MS + 302_000 });
    expect(other.due(314)).to.equal(324);
  });

  it('is stored with its step, its owner and a reason of bounded length', () => {
    const owner = among('ask').trip(0).check(301, 'new').at(301, { kind: 'granted' });
    expect(toStored(owner.state)).to.include({ state: 'probing', step: 0, owner: 'pod-a', beat: 0 });
    for (let i = 0; i < 10; i++) owner.fresh(312, 200);
    owner.at(313, { kind: 'granted' });
    expect(toStored(owner.state)).to.include({ step: 1 }).and.not.have.property('owner');
    expect(toStored(new Rehearsal().trip(0).check(300, 'new').state)).to.not.have.property('step');
    const long = among('ask').at(0, { kind: 'abort', by: 'ann', reason: '😀'.repeat(400) });
    const { reason } = toStored(long.state)!;
    expect(reason)
      .to.have.lengthOf.at.most(300)
      .and.satisfy((text: string) => text.isWellFormed());
    for (const bad of [{ step: 5 }, { step: -1 }, { step: '1' }, { beat: 0.5 }]) {
      expect(fromShared({ ...toStored(owner.state), ...bad }, START_MS, 'x'), JSON.stringify(bad)).to.equal(null);
    }
  });

  it('probing that only the disk knows goes on with single requests from its owner alone', () => {
    const owner = among('ask').trip(0).check(301, 'new').at(301, { kind: 'granted' });
    const json = toStored(owner.state);
    expect(fromStored(json, START_MS, 'pod-a')?.phase.run.admission).to.equal('one');
    expect(fromStored(json, START_MS, 'pod-b')?.phase.run).to.include({ admission: 'share', admitBp: 0 });
    expect(fromStored(json, START_MS)?.phase.run.admission, 'alone, it is its own').to.equal('one');
  });
});
