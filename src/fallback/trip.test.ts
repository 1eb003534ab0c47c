import { expect } from 'chai';
import { type Came, Rehearsal } from './rehearsal.test.ts';

/** [seconds, what came of it, state afterwards] */
type Row = readonly [number, Came, 'steady' | 'fallen_back'];

function play(rehearsal: Rehearsal, rows: readonly Row[]): void {
  for (const [seconds, came, expected] of rows) {
    rehearsal.fresh(seconds, came);
    expect(rehearsal.kind, `after ${came} at ${seconds} s`).to.equal(expected);
  }
}

describe('fallback: when a service leaves the new cluster', () => {
  const stories: Record<string, { policy?: object; rows: readonly Row[]; reason?: string }> = {
    'max_failures in a row': {
      rows: [
        [0, 'connect', 'steady'],
        [0.5, 'connect', 'steady'],
        [1, 'connect', 'steady'],
        [1.5, 'connect', 'steady'],
        [2.1, 'connect', 'fallen_back'],
      ],
      reason: '5 failures in a row in 2.1 s: connect refused',
    },
    'a success ends the row': {
      rows: [
        [0, 'reset', 'steady'],
        [1, 'timeout', 'steady'],
        [2, 'reset', 'steady'],
        [3, 503, 'steady'],
        [4, 404, 'steady'],
        [5, 'reset', 'steady'],
        [6, 'reset', 'steady'],
        [7, 'reset', 'steady'],
        [8, 'reset', 'steady'],
        [9, 503, 'fallen_back'],
      ],
      reason: '5 failures in a row in 4 s: answered 503',
    },
    'a success that is told late ends only the row before it': {
      rows: [
        [0, 'reset', 'steady'],
        [2, 'reset', 'steady'],
        [3, 'reset', 'steady'],
        [1, 101, 'steady'],
        [4, 'reset', 'steady'],
        [5, 'reset', 'steady'],
        [6, 'reset', 'fallen_back'],
      ],
      reason: '5 failures in a row in 4 s: connection reset',
    },
    'the whole row must lie within failure_window, its edge included': {
      rows: [
        [0, 'reset', 'steady'],
        [1, 'reset', 'steady'],
        [20, 'reset', 'steady'],
        [40, 'reset', 'steady'],
        [60.5, 'reset', 'steady'],
        [61, 'reset', 'fallen_back'],
      ],
      reason: '5 failures in a row in 60 s: connection reset',
    },
    'one failure is enough where the configuration says so': {
      policy: { maxFailures: 1 },
      rows: [
        [0, 200, 'steady'],
        [1, 'tls', 'fallen_back'],
      ],
      reason: '1 failure: TLS failed',
    },
    'other 5xx answers neither make a row nor end one': {
      policy: { maxFailures: 2, maxFailureRate: 0 },
      rows: [
        [0, 500, 'steady'],
        [1, 500, 'steady'],
        [2, 'reset', 'steady'],
        [3, 501, 'steady'],
        [4, 'reset', 'fallen_back'],
      ],
    },
    'with fallback disabled nothing trips by itself': {
      policy: { enabled: false, maxFailures: 2 },
      rows: [0, 1, 2, 3, 4, 5].map((at) => [at, 'connect', 'steady']),
    },
  };
  for (const [name, { policy, rows, reason }] of Object.entries(stories)) {
    it(name, () => {
      const rehearsal = new Rehearsal(policy);
      play(rehearsal, rows);
      if (reason !== undefined) expect(rehearsal.view(100).reason).to.equal(reason);
    });
  }

  it('a rate over min_requests, for a cluster that never fails five times in a row', () => {
    const rehearsal = new Rehearsal();
    for (let i = 0; i < 19; i++) rehearsal.fresh(i, i % 3 === 0 ? 200 : 'reset');
    expect(rehearsal.kind).to.equal('steady');
    rehearsal.fresh(19, 'reset');
    expect(rehearsal.kind).to.equal('fallen_back');
    expect(rehearsal.view(19).reason).to.equal('failure rate 65 % of 20 requests in 60 s');
  });

  it('a rate of which part is older than the window does not count', () => {
    const rehearsal = new Rehearsal();
    for (let i = 0; i < 19; i++) rehearsal.fresh(i / 10, i % 2 === 0 ? 200 : 'reset');
    rehearsal.fresh(3600, 'reset');
    expect(rehearsal.kind).to.equal('steady');
  });

  it('max_failure_rate 0 turns the rate off', () => {
    const rehearsal = new Rehearsal({ maxFailureRate: 0 });
    for (let i = 0; i < 1000; i++) rehearsal.fresh(i / 100, i % 4 === 0 ? 200 : 'reset');
    expect(rehearsal.kind).to.equal('steady');
  });

  const softStories: [string, number, 'steady' | 'fallen_back'][] = [
    ['old never gives them', 0, 'fallen_back'],
    ['old gives a fifth as many', 20, 'fallen_back'],
    ['old gives half as many', 50, 'steady'],
    ['old gives as many', 100, 'steady'],
  ];
  for (const [name, ofHundred, expected] of softStories) {
    it(`500s of new, and ${name}: ${expected}`, () => {
      const rehearsal = new Rehearsal();
      for (let i = 0; i < 100; i++) rehearsal.old(i / 100, i < ofHundred ? 500 : 200);
      for (let i = 0; i < 40; i++) rehearsal.fresh(1 + i / 100, 500);
      expect(rehearsal.kind).to.equal(expected);
    });
  }

  it('says which failures were other 5xx answers', () => {
    const rehearsal = new Rehearsal();
    for (let i = 0; i < 20; i++) rehearsal.fresh(i, i < 8 ? 500 : i < 10 ? 'reset' : i % 2 === 0 ? 200 : 500);
    expect(rehearsal.view(20).reason).to.match(
      /^failure rate \d+ % of \d+ requests in 60 s, \d+ of the failures being/,
    );
  });

  it('three active checks in a row, with no successful request between', () => {
    const rehearsal = new Rehearsal();
    rehearsal.check(0, 'new', 'no answer').check(30, 'new', 'no answer').fresh(31, 200);
    rehearsal.check(60, 'new', 'no answer').check(90, 'new', 'no answer');
    expect(rehearsal.kind).to.equal('steady');
    rehearsal.check(120, 'new', 'certificate expired');
    expect(rehearsal.kind).to.equal('fallen_back');
    expect(rehearsal.view(120).reason).to.equal('3 active checks in a row failed: certificate expired');
    expect(rehearsal.view(120).lastCheck).to.deep.include({ ok: false, error: 'certificate expired' });
  });

  it('outcomes of attempts that began before the state did change nothing', () => {
    const rehearsal = new Rehearsal().at(10, { kind: 'resume', by: 'ann', reason: '' });
    for (let i = 0; i < 50; i++) rehearsal.fresh(11, 'timeout', 9);
    expect(rehearsal.kind).to.equal('steady');
    expect(rehearsal.view(11).failuresInRow).to.equal(0);
    expect(rehearsal.view(11).lastError?.kind).to.equal('timeout');
  });

  it('stragglers after a trip do not trip twice', () => {
    const rehearsal = new Rehearsal().trip(1);
    const { state } = rehearsal;
    for (let i = 0; i < 50; i++) rehearsal.fresh(2, 'reset', 0.5);
    expect(rehearsal.state).to.equal(state);
    expect(rehearsal.view(2)).to.include({ trips: 1, trippedBy: 'pod-a' });
  });

  it('recording a success changes no state and no run state', () => {
    const rehearsal = new Rehearsal();
    const { state, run } = rehearsal;
    for (let i = 0; i < 1000; i++) rehearsal.fresh(i, 200);
    expect(rehearsal.state).to.equal(state);
    expect(rehearsal.run).to.equal(run);
  });
});

describe('fallback: while old fails too', () => {
  it('does not trip as long as new still answers anything, and says both_failing', () => {
    const rehearsal = new Rehearsal().fresh(0, 200).check(1, 'old', 'connect ECONNREFUSED');
    rehearsal.trip(2);
    expect(rehearsal.kind).to.equal('steady');
    expect(rehearsal.view(2)).to.include({ bothFailing: true, failuresInRow: 5 });
    rehearsal.fresh(3, 200);
    expect(rehearsal.view(3).bothFailing).to.equal(false);
  });

  it('trips when new answers nothing', () => {
    const rehearsal = new Rehearsal().check(1, 'old', 'refused').trip(2);
    expect(rehearsal.kind).to.equal('fallen_back');
    expect(rehearsal.view(2).bothFailing).to.equal(true);
  });

  it('trips at once when old is back and new still fails', () => {
    const rehearsal = new Rehearsal().fresh(0, 200).check(1, 'old', 'refused').trip(2);
    rehearsal.check(3, 'old');
    expect(rehearsal.kind).to.equal('fallen_back');
  });

  it('probes at once when old fails three checks and new passes its own', () => {
    const rehearsal = new Rehearsal().trip(0).check(1, 'new');
    rehearsal.check(10, 'old', 'refused').check(20, 'old', 'refused');
    expect(rehearsal.kind).to.equal('fallen_back');
    rehearsal.check(30, 'old', 'refused');
    expect(rehearsal.kind).to.equal('probing');
    expect(rehearsal.view(30).reason).to.equal('probing: old failed 3 active checks in a row');
  });

  it('a check of new from before the trip is no reason to probe', () => {
    const rehearsal = new Rehearsal().check(0, 'new').trip(1);
    for (const at of [10, 20, 30]) rehearsal.check(at, 'old', 'refused');
    expect(rehearsal.kind).to.equal('fallen_back');
  });
});
