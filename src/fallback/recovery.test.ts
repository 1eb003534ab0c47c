import { expect } from 'chai';
import { Rehearsal } from './rehearsal.test.ts';

/** Requests that all go well, ten in each tenth of a second, until the state or step changes. */
function untilNext(rehearsal: Rehearsal, from: number): number {
  const { state } = rehearsal;
  for (let at = from; at < from + 1000; at += 0.1) {
    rehearsal.fresh(at, 200).tick(at);
    if (rehearsal.state !== state) return at;
  }
  throw new Error('nothing changed');
}

function probing(at = 0): Rehearsal {
  const rehearsal = new Rehearsal().trip(at).check(at + 300, 'new');
  expect(rehearsal.kind).to.equal('probing');
  return rehearsal;
}

describe('fallback: the wait', () => {
  it('ends after recovery_time, once a fresh check passes', () => {
    const rehearsal = new Rehearsal().trip(0);
    expect(rehearsal.run).to.include({ state: 'fallen_back', admitBp: 0 });
    expect(rehearsal.due(0)).to.equal(300);
    rehearsal.check(100, 'new').tick(299.9).tick(300);
    expect(rehearsal.kind, 'the last check is too old').to.equal('fallen_back');
    rehearsal.check(301, 'new', 'refused').check(330, 'new', 'refused').check(360, 'new');
    expect(rehearsal.kind).to.equal('probing');
  });

  it('a tick is enough where a check passed within the last second', () => {
    const rehearsal = new Rehearsal().trip(0).check(299.5, 'new').tick(300);
    expect(rehearsal.kind).to.equal('probing');
  });

  it('doubles at each further trip to ten times, and jitters by up to a tenth', () => {
    const rehearsal = new Rehearsal();
    let at = 0;
    for (const expected of [300, 600, 1200, 2400, 3000, 3000]) {
      if (rehearsal.kind === 'steady') rehearsal.trip(at);
      else rehearsal.fresh(at, 'reset');
      expect(rehearsal.due(at) - at).to.be.closeTo(expected, 0.001);
      at += expected;
      rehearsal.check(at, 'new');
      expect(rehearsal.kind).to.equal('probing');
    }
    const late = new Rehearsal({}, 0.999).trip(0);
    expect(late.due(0)).to.be.within(329, 330);
  });

  it('is recovery_time again after ten of them spent steady', () => {
    const rehearsal = probing();
    let at = 300;
    for (let i = 0; i < 5; i++) at = untilNext(rehearsal, at);
    expect(rehearsal.kind).to.equal('steady');
    expect(rehearsal.view(at).trips).to.equal(1);
    expect(rehearsal.due(at)).to.be.closeTo(at + 3000, 0.001);
    const { run } = rehearsal;
    rehearsal.tick(at + 2999);
    expect(rehearsal.view(at).trips).to.equal(1);
    rehearsal.tick(at + 3000.001);
    expect(rehearsal.view(at)).to.include({ trips: 0, reason: null, trippedBy: null });
    expect(rehearsal.run, 'nothing new for the data plane').to.equal(run);
    expect(rehearsal.due(at + 3001)).to.equal(Infinity);
  });
});

describe('fallback: probing', () => {
  it('admits one replayable request at a time first, then growing shares, then all', () => {
    const rehearsal = probing();
    expect(rehearsal.run).to.include({ admission: 'one', methods: 'replayable', admitBp: 0 });
    expect(rehearsal.view(300).probeShare).to.equal(0);
    let at = 300;
    const seen: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const begun = at;
      at = untilNext(rehearsal, at);
      // recovery_time / 10, at most 10 s.
      expect(at - begun).to.be.within(9.9, 10.2);
      seen.push(rehearsal.kind === 'probing' ? rehearsal.share : rehearsal.kind);
    }
    expect(seen).to.deep.equal([10, 25, 50, 100, 'steady']);
    expect(rehearsal.run).to.include({ state: 'steady', admitBp: 10_000 });
  });

  it('waits for ten successes, or a failure_window with one and no failure', () => {
    const rehearsal = probing();
    for (let i = 0; i < 9; i++) rehearsal.fresh(301 + i, 200);
    rehearsal.tick(315);
    expect(rehearsal.share).to.equal(0);
    rehearsal.fresh(316, 200);
    expect(rehearsal.share).to.equal(10);
    rehearsal.fresh(317, 200).tick(375.9);
    expect(rehearsal.share).to.equal(10);
    expect(rehearsal.due(317)).to.be.closeTo(326, 0.001);
    expect(rehearsal.due(330)).to.be.closeTo(376, 0.001);
    rehearsal.tick(376);
    expect(rehearsal.share).to.equal(25);
    rehearsal.fresh(377, 200).fresh(378, 'reset').tick(500);
    expect(rehearsal.share, 'one failure: ten successes are asked for').to.equal(25);
  });

  it('takes all methods after a failure_window in which nobody could be let through', () => {
    const rehearsal = probing().tick(359.9);
    expect(rehearsal.run.methods).to.equal('replayable');
    const { sinceMs } = rehearsal.run;
    rehearsal.tick(360);
    expect(rehearsal.run).to.include({ methods: 'all', admission: 'one', sinceMs });
    rehearsal.fresh(400, 200);
    expect(rehearsal.share).to.equal(10);
  });

  it('a lost probe (its client went away) holds nothing up', () => {
    const rehearsal = probing().tick(360).tick(2000);
    expect(rehearsal.kind).to.equal('probing');
    rehearsal.fresh(2001, 200);
    expect(rehearsal.share).to.equal(10);
  });

  it('one failure ends the first step', () => {
    const rehearsal = probing();
    for (let i = 0; i < 5; i++) rehearsal.fresh(300 + i, 200);
    rehearsal.fresh(306, 'timeout');
    expect(rehearsal.view(306)).to.include({ state: 'fallen_back', trips: 2, reason: '1 failure: no answer in time' });
  });

  it('only the admitted request counts in the first step', () => {
    const rehearsal = probing();
    const outcome = { service: 'a', cluster: 'new', status: 0, failure: 'reset', message: '', probe: false } as const;
    const ms = rehearsal.run.sinceMs + 5;
    rehearsal.at(301, { kind: 'outcome', outcome: { ...outcome, startedMs: ms, endedMs: ms } });
    expect(rehearsal.kind).to.equal('probing');
  });

  it('later steps bear one failure, not two in a row', () => {
    const rehearsal = probing();
    const at = untilNext(rehearsal, 300);
    rehearsal
      .fresh(at + 1, 'reset')
      .fresh(at + 2, 200)
      .fresh(at + 3, 'reset');
    expect(rehearsal.kind).to.equal('probing');
    rehearsal.fresh(at + 4, 'reset');
    expect(rehearsal.kind).to.equal('fallen_back');
  });

  it('a failure that takes longer than a step counts in the next: hanging requests do not slip through', () => {
    const rehearsal = probing();
    const second = untilNext(rehearsal, 300);
    const third = untilNext(rehearsal, second);
    expect(rehearsal.share).to.equal(25);
    rehearsal.fresh(third + 1, 'timeout', second + 1).fresh(third + 2, 'timeout', second + 2);
    expect(rehearsal.view(third + 2)).to.include({ state: 'fallen_back', trips: 2 });
  });

  it('has one beginning, whichever step it is at; attempts begun before it count in none', () => {
    const rehearsal = probing();
    const { sinceMs } = rehearsal.view(300);
    const at = untilNext(rehearsal, 300);
    expect(rehearsal.view(at).sinceMs).to.equal(sinceMs);
    rehearsal.fresh(at + 1, 'timeout', 299).fresh(at + 2, 'timeout', 299);
    expect(rehearsal.kind).to.equal('probing');
  });

  it('later steps judge the rate over ten requests', () => {
    const rehearsal = probing();
    const at = untilNext(rehearsal, 300);
    for (let i = 0; i < 10; i++) rehearsal.fresh(at + 1 + i / 10, i % 2 === 0 ? 200 : 'reset');
    expect(rehearsal.kind).to.equal('fallen_back');
    expect(rehearsal.view(at).reason).to.equal('failure rate 50 % of 10 requests in 60 s');
  });

  it('a build that answers 500 where old does not goes back, one that is as good as old comes through', () => {
    const broken = probing();
    for (let i = 0; i < 10; i++) broken.fresh(301 + i, 500);
    expect(broken.kind).to.equal('fallen_back');
    const same = probing();
    for (let i = 0; i < 10; i++) same.old(300, 500);
    for (let i = 0; i < 12; i++) same.fresh(301 + i, 500);
    expect(same.share).to.equal(10);
  });

  it('rare 500s of a broken build never make a step, however long they are ago', () => {
    const rehearsal = probing();
    for (let at = 310; at < 2000; at += 100) {
      rehearsal.fresh(at, 500).old(at, 200);
      for (const later of [30, 60, 90]) rehearsal.check(at + later, 'new').tick(at + later);
      expect(rehearsal.share).to.equal(0);
    }
  });

  it('after a failure_window without an admitted request all methods may, whatever came before it', () => {
    const rehearsal = probing().fresh(301, 500).check(360, 'new');
    expect(rehearsal.run.methods).to.equal('replayable');
    rehearsal.check(390, 'new');
    expect(rehearsal.run.methods).to.equal('all');
  });

  it('three failed checks end it where nobody asks', () => {
    const rehearsal = probing().check(330, 'new', 'refused').check(360, 'new', 'refused').check(390, 'new', 'refused');
    expect(rehearsal.kind).to.equal('fallen_back');
  });
});

describe('fallback: people and configuration', () => {
  const abort = { kind: 'abort', by: 'ann', reason: 'deploy' } as const;
  const resume = { kind: 'resume', by: 'bob', reason: '' } as const;
  const configured = { kind: 'configured', newTarget: 'same', oldTarget: 'same' } as const;

  it('abort holds on old whatever happens, until resume', () => {
    const rehearsal = new Rehearsal().fresh(0, 'reset').at(1, abort);
    expect(rehearsal.view(1)).to.deep.include({
      state: 'fallen_back',
      reason: 'aborted by ann: deploy',
      retryAtMs: null,
      trips: 0,
      trippedBy: null,
    });
    expect(rehearsal.view(1).hold).to.include({ by: 'ann', reason: 'deploy' });
    expect(rehearsal.due(1)).to.equal(Infinity);
    rehearsal.check(5000, 'new').tick(5000.5);
    for (const at of [5001, 5002, 5003]) rehearsal.check(at, 'old', 'refused');
    expect(rehearsal.kind).to.equal('fallen_back');
    rehearsal.at(6000, resume);
    expect(rehearsal.view(6000)).to.include({
      state: 'steady',
      reason: 'resumed by bob',
      failuresInRow: 0,
      hold: null,
    });
  });

  it('abort works with fallback disabled, from probing and on top of a trip', () => {
    expect(new Rehearsal({ enabled: false }).at(1, abort).view(1).hold?.by).to.equal('ann');
    expect(probing().at(301, abort).view(301)).to.include({ state: 'fallen_back', retryAtMs: null, trips: 1 });
    const onTop = new Rehearsal().trip(5).at(10, abort);
    expect(onTop.view(10).sinceMs).to.equal(onTop.view(0).sinceMs);
    expect(onTop.view(10).trippedBy).to.equal('pod-a');
  });

  it('resume also ends a trip, and its doubled waits', () => {
    const rehearsal = new Rehearsal().trip(0).at(10, resume);
    expect(rehearsal.view(10)).to.include({ state: 'steady', trips: 0 });
    rehearsal.trip(20);
    expect(rehearsal.due(20)).to.be.closeTo(320, 0.001);
  });

  it('another new cluster, or fallback disabled, resets a service that fell back by itself', () => {
    for (const rehearsal of [new Rehearsal().trip(0), probing()]) {
      rehearsal.at(400, { ...configured, newTarget: 'changed' });
      expect(rehearsal.view(400)).to.include({ state: 'steady', trips: 0, lastCheck: null, lastError: null });
    }
    const disabled = new Rehearsal().trip(0);
    disabled.policy = { ...disabled.policy, enabled: false };
    disabled.at(10, configured);
    expect(disabled.view(10)).to.include({ state: 'steady', reason: 'fallback was turned off' });
  });

  it('but not one that a person holds', () => {
    const rehearsal = new Rehearsal().at(1, abort);
    rehearsal.policy = { ...rehearsal.policy, enabled: false };
    rehearsal.at(2, { ...configured, newTarget: 'changed' });
    expect(rehearsal.view(2).hold?.by).to.equal('ann');
  });

  it('every other change keeps the state, the row of failures too', () => {
    const rehearsal = new Rehearsal();
    for (let i = 0; i < 4; i++) rehearsal.fresh(i, 'reset');
    rehearsal.policy = { ...rehearsal.policy, failureWindowMs: 30_000 };
    rehearsal.at(4, configured).fresh(5, 'reset');
    expect(rehearsal.kind).to.equal('fallen_back');
    const { state } = rehearsal;
    rehearsal.policy = { ...rehearsal.policy, maxFailures: 9, recoveryTimeMs: 5000 };
    rehearsal.at(6, configured);
    expect(rehearsal.state).to.equal(state);
  });

  it('failures of the cluster that was replaced do not count against its successor', () => {
    const rehearsal = new Rehearsal();
    for (let i = 0; i < 4; i++) rehearsal.fresh(i, 'reset');
    rehearsal.at(4, { ...configured, newTarget: 'changed' }).fresh(5, 'connect', 3);
    expect(rehearsal.view(5), 'nor are they shown as its own').to.include({ failuresInRow: 0, lastError: null });
    rehearsal.fresh(5, 'reset');
    expect(rehearsal.view(5).failuresInRow).to.equal(1);
    expect(rehearsal.view(5).lastError?.kind).to.equal('reset');
  });

  it('what was seen of the old cluster that was replaced says nothing of its successor', () => {
    const spared = new Rehearsal()
      .fresh(0, 200)
      .check(1, 'old', 'refused')
      .at(2, { ...configured, oldTarget: 'changed' });
    for (let i = 0; i < 5; i++) spared.fresh(3, 'reset');
    expect(spared.view(3)).to.include({ state: 'fallen_back', bothFailing: false });
    const waiting = new Rehearsal().trip(0);
    for (const at of [1, 2, 3]) waiting.check(at, 'old', 'refused');
    waiting.at(4, { ...configured, oldTarget: 'changed' }).check(5, 'new');
    expect(waiting.kind, 'the new old is not known to fail').to.equal('fallen_back');
    const soft = new Rehearsal();
    for (let i = 0; i < 20; i++) soft.old(0, 500);
    soft.at(1, { ...configured, oldTarget: 'changed' });
    for (let i = 0; i < 20; i++) soft.fresh(2, 500);
    expect(soft.kind).to.equal('fallen_back');
  });
});
