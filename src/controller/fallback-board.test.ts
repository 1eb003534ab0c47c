import { expect } from 'chai';
import type { Outcome } from '../fallback/outcome.ts';
import type { FallbackView } from '../fallback/view.ts';
import type { FallbackPolicy, Migration, ServedMigration, Standing } from '../migration/model.ts';
import type { RunState } from '../migration/run-state.ts';
import { FallbackBoard } from './fallback-board.ts';

const TLS = { ca: null, caFile: null, serverName: null, insecureSkipVerify: false };
const POLICY: FallbackPolicy = {
  enabled: true,
  maxFailures: 3,
  failureWindowMs: 1000,
  recoveryTimeMs: 1000,
  maxFailureRate: 0.5,
  minRequests: 20,
  failureStatuses: [502, 503, 504],
};

function service(name: string, fields: Partial<Migration> = {}, standing: Standing = 'valid'): ServedMigration {
  const side = { host: `${name}.example`, address: name, port: 80, protocol: 'http', tls: TLS } as const;
  return {
    migration: { name, enabled: true, old: side, new: side, fallback: POLICY, ...fields } as Migration,
    standing,
  };
}

/** A board on a stage with its own time. */
class Stage {
  nowMs = 1_000_000;
  dirty = 0;
  readonly runs = new Map<string, RunState>();
  readonly told: string[] = [];
  readonly views: FallbackView[] = [];
  readonly requested: string[] = [];
  readonly timers = new Set<{ atMs: number; fire: () => void }>();
  readonly board: FallbackBoard;

  constructor(nowMs = 1_000_000) {
    this.nowMs = nowMs;
    this.board = new FallbackBoard({
      now: () => this.nowMs,
      random: () => 0,
      setTimer: (fire, delayMs) => {
        const timer = { atMs: this.nowMs + delayMs, fire };
        this.timers.add(timer);
        return () => this.timers.delete(timer);
      },
      replica: 'pod-a',
      onRunState: (name, run) => this.runs.set(name, run),
      onTransition: (name, from, to, view) => {
        this.told.push(`${name}: ${from} -> ${to}`);
        this.views.push(view);
      },
      onBothFailing: (name, view) => this.told.push(`${name}: both failing ${view.bothFailing}`),
      onDirty: () => this.dirty++,
      requestCheck: (name) => this.requested.push(name),
    });
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = [...this.timers].filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.timers.delete(next);
      this.nowMs = next.atMs;
      next.fire();
    }
    this.nowMs = untilMs;
  }

  send(name: string, status: number, count = 1): void {
    for (let i = 0; i < count; i++) {
      const failure = status === 0 ? 'connect' : null;
      const times = { startedMs: this.nowMs, endedMs: this.nowMs };
      const probe = this.runs.get(name)?.admission === 'one';
      const outcome: Outcome = { service: name, cluster: 'new', ...times, status, failure, message: '', probe };
      this.board.outcome(outcome);
    }
  }
}

describe('controller/fallback-board', () => {
  it('a trip reaches the data plane at once and alone', () => {
    const stage = new Stage();
    stage.board.apply([service('a'), service('b')]);
    stage.send('a', 0, 2);
    expect(stage.runs.get('a')?.state).to.equal('steady');
    stage.send('a', 0);
    expect(stage.runs.get('a')?.state).to.equal('fallen_back');
    expect(stage.runs.get('b')?.state).to.equal('steady');
    expect(stage.told).to.deep.equal(['a: steady -> fallen_back']);
    expect(stage.views[0].reason).to.equal('3 failures in a row in 0 ms: no connection');
    expect(stage.board.tripsDecided('a')).to.equal(1);
    stage.send('gone', 0, 5);
  });

  it('recovers by itself: wait, check on request, steps, steady', () => {
    const stage = new Stage();
    stage.board.apply([service('a')]);
    stage.send('a', 0, 3);
    stage.pass(999);
    expect(stage.requested).to.deep.equal([]);
    stage.pass(1);
    expect(stage.requested).to.deep.equal(['a']);
    stage.board.check('a', 'new', null);
    expect(stage.runs.get('a')).to.include({ state: 'probing', admission: 'one' });
    for (let i = 0; i < 60 && stage.runs.get('a')?.state !== 'steady'; i++) {
      stage.send('a', 200);
      stage.pass(20);
    }
    expect(stage.told).to.deep.equal([
      'a: steady -> fallen_back',
      'a: fallen_back -> probing',
      'a: probing -> probing',
      'a: probing -> probing',
      'a: probing -> probing',
      'a: probing -> probing',
      'a: probing -> steady',
    ]);
    expect(stage.timers.size, 'waits for the trip to be forgotten').to.equal(1);
    stage.pass(10_000);
    expect(stage.timers.size, 'no polling of a steady service').to.equal(0);
    expect(stage.board.toStored()).to.deep.equal({ format: 1, services: {} });
  });

  it('thousands of steady services set no timer; a few in trouble share one', () => {
    const stage = new Stage();
    const services = Array.from({ length: 5000 }, (_, i) => service(`s${i}`));
    stage.board.apply(services);
    expect(stage.timers.size).to.equal(0);
    for (let i = 0; i < 500; i++) stage.send(`s${i}`, 0, 3);
    expect(stage.timers.size).to.equal(1);
    stage.pass(1000);
    expect(stage.requested).to.have.length(500);
  });

  it('abort and resume, known services only', () => {
    const stage = new Stage();
    stage.board.apply([service('a')]);
    expect(stage.board.abort('b', 'ann', '')).to.equal(false);
    expect(stage.board.abort('a', 'ann', 'deploy')).to.equal(true);
    expect(stage.runs.get('a')?.admitBp).to.equal(0);
    expect(stage.board.view('a')?.hold).to.include({ by: 'ann', reason: 'deploy' });
    expect(stage.board.tripsDecided('a'), 'a hold is no trip').to.equal(0);
    expect(stage.board.resume('a', 'ann', '')).to.equal(true);
    expect(stage.runs.get('a')?.admitBp).to.equal(10_000);
    expect(stage.told).to.deep.equal(['a: steady -> fallen_back', 'a: fallen_back -> steady']);
    expect(stage.board.view('b')).to.equal(null);
  });

  it('keeps states over a change of the percentage, resets them with another new cluster', () => {
    const stage = new Stage();
    stage.board.apply([service('a')]);
    stage.send('a', 0, 3);
    stage.board.apply([service('a', { shareBp: 5000 })]);
    expect(stage.runs.get('a')?.state).to.equal('fallen_back');
    const other = { ...service('a').migration.new, port: 81 };
    stage.board.apply([service('a', { new: other })]);
    expect(stage.runs.get('a')?.state).to.equal('steady');
    stage.send('a', 0, 3);
    stage.board.apply([service('a', { new: other, fallback: { ...POLICY, enabled: false } })]);
    expect(stage.board.view('a')).to.include({ state: 'steady', reason: 'fallback was turned off' });
    expect(stage.timers.size).to.equal(0);
  });

  it('a service that is invalid for a while comes back to the state it had', () => {
    const stage = new Stage();
    stage.board.apply([service('a')]);
    stage.send('a', 0, 3);
    const nothing = { ...service('a').migration.new, host: '', address: '' };
    stage.board.apply([service('a', { enabled: false, new: nothing }, 'invalid')]);
    stage.board.apply([service('a')]);
    expect(stage.runs.get('a')?.state).to.equal('fallen_back');
  });

  it('a service that sends nothing to new does not trip by its checks', () => {
    const stage = new Stage();
    stage.board.apply([service('a', { enabled: false })]);
    for (let i = 0; i < 9; i++) stage.board.check('a', 'new', 'refused');
    expect(stage.board.view('a')).to.deep.include({ state: 'steady' });
    expect(stage.board.view('a')?.lastCheck?.error).to.equal('refused');
  });

  it('an old cluster that was replaced is not taken for the one that failed', () => {
    const stage = new Stage();
    stage.board.apply([service('a')]);
    stage.send('a', 200);
    stage.board.check('a', 'old', 'refused');
    stage.board.apply([service('a', { old: { ...service('a').migration.old, address: 'elsewhere' } })]);
    stage.send('a', 0, 3);
    expect(stage.runs.get('a')?.state, 'it may go back').to.equal('fallen_back');
  });

  it('tells once that both clusters fail, and once that it is over', () => {
    const stage = new Stage();
    stage.board.apply([service('a')]);
    stage.send('a', 200);
    stage.board.check('a', 'old', 'refused');
    stage.send('a', 0, 9);
    stage.board.check('a', 'old', null);
    expect(stage.told).to.deep.equal(['a: both failing true', 'a: steady -> fallen_back', 'a: both failing false']);
  });

  it('does not tell of every turn while requests fail and succeed by turns: the checks end it', () => {
    const stage = new Stage();
    stage.board.apply([service('a', { fallback: { ...POLICY, maxFailureRate: 0 } })]);
    stage.send('a', 200);
    stage.board.check('a', 'old', 'refused');
    for (let i = 0; i < 100; i++) {
      stage.send('a', 0, 3);
      stage.send('a', 200);
    }
    expect(stage.told).to.deep.equal(['a: both failing true']);
    stage.board.check('a', 'old', 'refused');
    expect(stage.told).to.deep.equal(['a: both failing true', 'a: both failing false']);
  });

  describe('over a restart', () => {
    const restart = (stage: Stage, served: readonly ServedMigration[]): Stage => {
      const next = new Stage(stage.nowMs + 100);
      const problems = next.board.restore(JSON.parse(JSON.stringify(stage.board.toStored())));
      expect(problems).to.deep.equal([]);
      next.board.apply(served);
      return next;
    };

    it('states and holds come back, and the wait goes on', () => {
      const stage = new Stage();
      stage.board.apply([service('a'), service('b'), service('c')]);
      stage.send('a', 0, 3);
      stage.board.abort('b', 'ann', 'deploy');
      expect(stage.dirty).to.equal(2);
      const next = restart(stage, [service('a'), service('b'), service('c')]);
      expect(next.runs.get('a')?.state).to.equal('fallen_back');
      expect(next.board.view('b')?.hold?.by).to.equal('ann');
      expect(next.runs.get('c')?.state).to.equal('steady');
      next.pass(900);
      expect(next.requested).to.deep.equal(['a']);
    });

    it('a wait that ended while nobody ran is asked about soon, not only by the next regular check', () => {
      const stage = new Stage();
      stage.board.apply([service('a'), service('b'), service('c')]);
      stage.send('a', 0, 3);
      stage.send('b', 0, 3);
      stage.board.abort('b', 'ann', '');
      stage.nowMs += 3_600_000;
      const next = restart(stage, [service('a'), service('b'), service('c')]);
      next.pass(10_000);
      expect(next.requested).to.deep.equal(['a']);
    });

    it('a new cluster that was replaced meanwhile begins steady, a hold stays', () => {
      const stage = new Stage();
      stage.board.apply([service('a'), service('b')]);
      stage.send('a', 0, 3);
      stage.board.abort('b', 'ann', '');
      const other = { ...service('x').migration.new, address: 'elsewhere' };
      const next = restart(stage, [service('a', { new: other }), service('b', { new: other })]);
      expect(next.runs.get('a')?.state).to.equal('steady');
      expect(next.board.view('b')?.hold?.by).to.equal('ann');
    });

    it('a hold survives its service being absent, also from what is stored, for a week', () => {
      const stage = new Stage();
      stage.board.apply([service('a')]);
      stage.board.abort('a', 'ann', '');
      stage.board.apply([]);
      const next = restart(stage, []);
      next.board.apply([service('a')]);
      expect(next.board.view('a')?.hold?.by).to.equal('ann');
      next.board.apply([]);
      next.nowMs += 8 * 24 * 3600 * 1000;
      next.board.apply([]);
      expect(next.board.toStored()).to.deep.equal({ format: 1, services: {} });
    });

    it('says what it cannot read, and keeps what a later version added', () => {
      const { board } = new Stage();
      expect(board.restore({ format: 2 })).to.have.length(1);
      expect(board.restore('x')).to.have.length(1);
      const problems = board.restore({ format: 1, epoch: 9, services: { a: { state: { format: 7 } }, b: 5 } });
      expect(problems).to.have.length(2);
      board.apply([service('a')]);
      expect(board.view('a')?.state).to.equal('steady');
      expect(board.toStored()).to.deep.equal({ epoch: 9, format: 1, services: {} });
    });
  });
});
