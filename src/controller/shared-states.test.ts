import { expect } from 'chai';
import { POLICY, service } from './replica-world.test.ts';
import { Trio } from './trio.test.ts';

describe('controller/shared-states', () => {
  it('one replica trips, all have: with its reason and name, each with a wait of its own clock', async () => {
    const trio = await Trio.of();
    trio.fail(1);
    expect(trio.states()).to.deep.equal(['steady', 'fallen_back', 'steady']);
    await trio.pass(100);
    for (const { board } of trio.replicas) {
      const view = board.view('a')!;
      expect(view).to.include({ state: 'fallen_back', trippedBy: 'pod-1', trips: 1 });
      expect(view.reason).to.equal('3 failures in a row in 0 ms: no connection');
      expect(view.retryAtMs! - view.sinceMs).to.be.within(4_000, 4_400);
    }
    expect(trio.replicas.map(({ board }) => board.tripsDecided('a'))).to.deep.equal([0, 1, 0]);
  });

  it('500 services that trip on three replicas at once are a handful of writes', async () => {
    const names = Array.from({ length: 500 }, (_, i) => `s${i}`);
    const trio = await Trio.of(names);
    for (const name of names) for (const at of [0, 1, 2]) trio.fail(at, name);
    await trio.pass(1_000);
    for (const name of names) expect(trio.states(name)).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
    for (const { client } of trio.replicas) expect(client.writes).to.be.at.most(4);
    expect([...trio.store.values.values()].join('').length, 'far from 1 MiB').to.be.below(250_000);
  });

  it('a move toward new is entered once it is shared, by all', async () => {
    const trio = await Trio.of();
    trio.fail(0);
    await trio.pass(4_500);
    trio.replicas[2].board.check('a', 'new', null);
    expect(trio.states(), 'asked for only').to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
    await trio.pass(100);
    expect(trio.states()).to.deep.equal(['probing', 'probing', 'probing']);
    const admissions = trio.replicas.map(({ runs }) => runs.get('a')?.admission);
    expect(admissions, 'single requests from one alone').to.deep.equal(['share', 'share', 'one']);
    expect(trio.admitted()).to.deep.equal([0, 0, 0]);
  });

  it('of several who ask at once one is granted, the others go along', async () => {
    const trio = await Trio.of();
    trio.fail(0);
    await trio.pass(4_500);
    for (const { board } of trio.replicas) board.check('a', 'new', null);
    await trio.pass(300);
    const admissions = trio.replicas.map(({ runs }) => runs.get('a')?.admission);
    expect(admissions.filter((admission) => admission === 'one')).to.have.length(1);
  });

  it('a trip beats a step that was written before it, and one that comes after', async () => {
    const before = await Trio.of();
    await before.firstShare();
    await before.pass(1_000);
    before.succeed(1, 10, false);
    before.fail(0, 'a', 2);
    await before.pass(300);
    expect(before.states()).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
    expect(before.stored()).to.include({ trips: 2, tripped_by: 'pod-0' });
  });

  it('a trip while a step of others is under way stays a trip, also over a partition', async () => {
    const trio = await Trio.of();
    await trio.firstShare();
    await trio.cut(0);
    trio.fail(0, 'a', 2);
    expect(trio.states()[0], 'trips without the others').to.equal('fallen_back');
    trio.succeed(1, 10, false);
    await trio.pass(100);
    expect(trio.admitted(), 'the others go on').to.deep.equal([0, 2500, 2500]);
    await trio.mend(0);
    expect(trio.states()).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
    expect(trio.stored()).to.include({ trips: 2, tripped_by: 'pod-0' });
  });

  it('who comes back to a service that others tripped too, or resumed, goes along', async () => {
    const tripped = await Trio.of();
    await tripped.cut(0);
    tripped.fail(0);
    tripped.fail(1);
    await tripped.pass(4_500);
    tripped.replicas[1].board.check('a', 'new', null);
    await tripped.pass(100);
    await tripped.mend(0);
    expect(tripped.states()).to.deep.equal(['probing', 'probing', 'probing']);

    const resumed = await Trio.of();
    await resumed.firstShare();
    await resumed.cut(0);
    resumed.fail(0, 'a', 2);
    resumed.resume(1);
    await resumed.pass(100);
    await resumed.mend(0);
    expect(resumed.states()).to.deep.equal(['steady', 'steady', 'steady']);
    expect([...resumed.store.values.keys()], 'an untouched service takes no room').to.deep.equal([]);
  });

  it('who hears nothing keeps its states and does not move toward new; back, it does', async () => {
    const trio = await Trio.of(['a'], 1);
    trio.fail(0);
    await trio.pass(100);
    await trio.cut(0);
    const { board } = trio.replicas[0];
    board.check('a', 'new', null);
    await trio.pass(60_000);
    expect(trio.states()).to.deep.equal(['fallen_back']);
    await trio.mend(0);
    board.check('a', 'new', null);
    await trio.pass(100);
    expect(trio.states()).to.deep.equal(['probing']);
  });

  it('a trip that cannot be written yet is not forgotten over a check that passes', async () => {
    const trio = await Trio.of();
    await trio.firstShare();
    const { board, client } = trio.replicas[0];
    const put = client.put.bind(client);
    client.put = async () => ({ message: 'busy', isLasting: false });
    trio.fail(0, 'a', 2);
    await trio.pass(9_000);
    board.check('a', 'new', null);
    await trio.pass(500);
    expect(trio.states()).to.deep.equal(['fallen_back', 'probing', 'probing']);
    client.put = put;
    await trio.pass(6_000);
    expect(trio.states()).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
  });

  it('a proposal that waits is given up when its check fails again, or nothing is heard any more', async () => {
    for (const end of ['check', 'partition']) {
      const trio = await Trio.of(['a'], 1);
      trio.fail(0);
      await trio.pass(4_500);
      const { board, client } = trio.replicas[0];
      const swap = client.swap.bind(client);
      client.swap = async () => ({ message: 'busy', isLasting: false });
      board.check('a', 'new', null);
      await trio.pass(1_000);
      expect(board.proposedText('a')).to.be.a('string');
      if (end === 'check') board.check('a', 'new', 'refused');
      else await trio.cut(0);
      client.swap = swap;
      if (end === 'partition') await trio.mend(0);
      await trio.pass(10_000);
      expect(trio.states(), end).to.deep.equal(['fallen_back']);
    }
  });

  it('an answer that is lost is neither a second trip nor a second step', async () => {
    const trio = await Trio.of();
    trio.fail(0);
    await trio.pass(4_500);
    const { board, client } = trio.replicas[0];
    const { writes } = client;
    const { version } = trio.store;
    // It goes out, and what comes back does not arrive.
    let drawn = 0;
    client.weather = {
      delayMs: 20,
      get lost() {
        return drawn++ === 1 ? 1 : 0;
      },
    };
    board.check('a', 'new', null);
    await trio.pass(3_000);
    expect(trio.states()).to.deep.equal(['probing', 'probing', 'probing']);
    expect(client.writes - writes, 'what was seen to be written is not written again').to.be.at.most(2);
    expect(trio.store.version - version).to.equal(1);
  });

  it('whoever has a request takes the single requests over when their owner sent none for 10 s', async () => {
    const trio = await Trio.of();
    await trio.probe();
    const asked = async (seconds: number): Promise<void> => {
      for (let i = 0; i < seconds; i++) {
        trio.replicas[1].board.requested('a');
        await trio.pass(1_000);
      }
    };
    const admissions = () => trio.replicas.map(({ runs }) => runs.get('a')?.admission);
    for (let i = 0; i < 3; i++) {
      trio.succeed(0, 1, true);
      await asked(4);
    }
    expect(admissions(), 'its signs of life').to.deep.equal(['one', 'share', 'share']);
    expect(trio.stored().beat).to.equal(2);

    const quiet = await Trio.of();
    await quiet.probe();
    await quiet.pass(9_000);
    quiet.replicas[1].board.requested('a');
    await quiet.pass(1_500);
    quiet.replicas[1].board.requested('b');
    await quiet.pass(100);
    expect(quiet.replicas[0].runs.get('a')?.admission, 'nobody asked').to.equal('one');
    quiet.replicas[1].board.requested('a');
    await quiet.pass(100);
    expect(quiet.replicas.map(({ runs }) => runs.get('a')?.admission)).to.deep.equal(['share', 'one', 'share']);
    expect(quiet.stored()).to.include({ step: 0, owner: 'pod-1' });
  });

  it('a sign of life that waits while its service is taken out of the configuration takes nothing from the others', async () => {
    const trio = await Trio.of(['a', 'b']);
    await trio.probe();
    await trio.pass(6_000);
    trio.succeed(0, 1, true);
    trio.fail(0, 'b');
    await trio.pass(1);
    trio.replicas[0].board.apply([service('b')]);
    await trio.pass(500);
    expect(trio.stored(), 'shared').to.include({ state: 'probing', step: 0 });
    expect(trio.states().slice(1)).to.deep.equal(['probing', 'probing']);
  });

  it('what is shared wins over what the disk of a new process says, also where it says nothing', async () => {
    const trio = await Trio.of(['a', 'b']);
    trio.fail(0, 'a');
    trio.fail(0, 'b');
    await trio.pass(100);
    const stored = JSON.parse(JSON.stringify(trio.replicas[0].board.toStored()));
    trio.replicas[0].kill();
    trio.replicas[1].board.resume('b', 'bob', '');
    await trio.pass(1_000);
    const { sinceMs } = trio.replicas[1].board.view('a')!;
    const { board } = await trio.boot(0, ['a', 'b'], stored);
    expect(board.view('b')?.state).to.equal('steady');
    expect(board.view('a')).to.include({ state: 'fallen_back', trippedBy: 'pod-0' });
    expect(board.view('a')!.sinceMs, 'the time that it really fell back').to.be.closeTo(sinceMs, 100);
    const fresh = await trio.boot(2, ['a', 'b'], null);
    expect(fresh.board.view('a')?.state, 'a new pod with an empty disk').to.equal('fallen_back');
  });

  it('another new cluster ends what was said of the one before, however late a replica hears of it', async () => {
    const trio = await Trio.of();
    trio.fail(0);
    await trio.pass(100);
    const next = [service('a', 81)];
    trio.replicas[0].board.apply(next);
    await trio.pass(100);
    expect(trio.store.values.size).to.equal(0);
    trio.replicas[1].board.apply(next);
    // Trips for the new one, before the last has heard of it.
    trio.fail(1);
    await trio.pass(100);
    expect(trio.states()).to.deep.equal(['fallen_back', 'fallen_back', 'steady']);
    trio.replicas[2].board.apply(next);
    await trio.pass(100);
    expect(trio.states()).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
    expect(trio.stored().tripped_by).to.equal('pod-1');
  });

  it('where fallback is off a trip of a replica that has yet to hear of it is taken back, but not where the service is invalid', async () => {
    const off = { ...service('a').migration, fallback: { ...POLICY, enabled: false } };
    const trio = await Trio.of();
    trio.replicas[0].board.apply([{ migration: off, standing: 'valid' }]);
    trio.fail(1);
    await trio.pass(200);
    expect(trio.states()).to.deep.equal(['steady', 'steady', 'steady']);
    trio.replicas[0].board.apply([{ migration: { ...off, enabled: false }, standing: 'invalid' }]);
    trio.fail(1);
    await trio.pass(200);
    expect(trio.states()).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
  });

  it('keeps what it does not know: other keys, members of a later version, texts of a later format', async () => {
    const trio = await Trio.of(['a', 'b']);
    trio.fail(0);
    await trio.pass(100);
    const json = JSON.parse(trio.store.values.get('a')!);
    const later = JSON.stringify({ ...json, seen_by: 3, state: { ...json.state, votes: ['x'] } });
    const format2 = JSON.stringify({ new_target: 'x', state: { format: 2 } });
    trio.store.write((values) => {
      values.set('a', later).set('b', format2).set('__notes', 'hands off');
      return true;
    });
    await trio.pass(100);
    expect(trio.states('b')).to.deep.equal(['steady', 'steady', 'steady']);
    trio.replicas[1].board.abort('a', 'ann', '');
    await trio.pass(700_000);
    expect(JSON.parse(trio.store.values.get('a')!)).to.deep.include({ seen_by: 3 });
    expect(trio.stored()).to.deep.include({ votes: ['x'] });
    expect(trio.store.values.get('b')).to.equal(format2);
    expect(trio.store.values.get('__notes')).to.equal('hands off');
  });

  it('the leader alone removes what has been nobody’s for ten minutes', async () => {
    const trio = await Trio.of(['a', 'b']);
    trio.fail(0);
    await trio.pass(100);
    for (const { board } of trio.replicas) board.apply([service('b')]);
    await trio.pass(11 * 60_000);
    expect([...trio.store.values.keys()], 'nobody leads').to.deep.equal(['a']);
    trio.replicas[1].isLeader = true;
    trio.replicas[1].servesAlike = false;
    await trio.pass(61_000);
    expect([...trio.store.values.keys()], 'another may serve it').to.deep.equal(['a']);
    trio.replicas[1].servesAlike = true;
    await trio.pass(61_000);
    expect([...trio.store.values.keys()]).to.deep.equal([]);
    expect(trio.replicas.map(({ client }) => client.writes)).to.deep.equal([1, 1, 0]);
  });

  it('checks at the end of a wait are the leader’s; whoever becomes leader makes those that are due', async () => {
    const trio = await Trio.of();
    trio.replicas[0].isLeader = true;
    trio.fail(1);
    await trio.pass(6_000);
    expect(trio.replicas.map(({ checks }) => checks.length)).to.deep.equal([1, 0, 0]);
    trio.replicas[0].kill();
    trio.replicas[2].isLeader = true;
    trio.replicas[2].sharing.leading();
    await trio.pass(10_000);
    expect(trio.replicas[2].checks).to.deep.equal(['a']);
  });

  it('what can never be written is told once; traffic stays on old, and a person may still act', async () => {
    const trio = await Trio.of(['a'], 1);
    const [{ board, client, problems, sharing }] = trio.replicas;
    const refuse = async () => ({ message: 'the role does not allow it', isLasting: true }) as const;
    client.put = refuse;
    client.swap = refuse;
    trio.fail(0);
    await trio.pass(100_000);
    board.check('a', 'new', null);
    await trio.pass(100_000);
    expect(problems).to.deep.equal([
      'states of services cannot be shared with the other replicas: the role does not allow it',
    ]);
    expect(sharing.facts()).to.deep.equal({ pending: 1, lastProblem: 'the role does not allow it' });
    expect(trio.states()).to.deep.equal(['fallen_back']);
    board.resume('a', 'ann', '');
    expect(trio.states()).to.deep.equal(['steady']);
  });

  it('writes what waits before the end', async () => {
    const trio = await Trio.of();
    trio.replicas[0].board.abort('a', 'ann', '');
    const flushed = trio.replicas[0].sharing.flush(2_000);
    await trio.pass(200);
    expect(await flushed).to.equal(true);
    expect(trio.stored().hold?.by).to.equal('ann');
  });
});
