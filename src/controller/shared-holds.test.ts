import { expect } from 'chai';
import { service, takeAway } from './replica-world.test.ts';
import { Trio } from './trio.test.ts';

describe('controller/shared-states: what a person holds, resumes or takes away', () => {
  it('what is shared stays so when all of it is taken away: a hold, a fall and a way back are put there again', async () => {
    const trio = await Trio.of(['a', 'b', 'c', 'd']);
    await trio.firstShare();
    trio.fail(1, 'b');
    trio.replicas[2].board.abort('c', 'ann', 'checkout fails');
    await trio.pass(200);
    const before = ['a', 'b', 'c', 'd'].map((name) => trio.states(name));
    takeAway(trio.store);
    await trio.pass(1_000);
    expect(['a', 'b', 'c', 'd'].map((name) => trio.states(name))).to.deep.equal(before);
    expect(trio.admitted()).to.deep.equal([1000, 1000, 1000]);
    expect([...trio.store.values.keys()].sort()).to.deep.equal(['a', 'b', 'c']);
    expect(trio.stored('c').hold?.by).to.equal('ann');
    trio.replicas[0].board.resume('c', 'ann', 'done');
    await trio.pass(200);
    expect(trio.states('c')).to.deep.equal(['steady', 'steady', 'steady']);
    const { writes } = trio.replicas[0].client;
    await trio.pass(5_000);
    expect(trio.replicas[0].client.writes, 'and then it is quiet').to.be.at.most(writes + 3);
  });

  it('what is shared is taken away while nobody hears of it: whoever is back first puts there what it knows', async () => {
    const trio = await Trio.of(['a', 'b']);
    trio.replicas[2].board.abort('a', 'ann', 'checkout fails');
    trio.fail(1, 'b');
    await trio.pass(200);
    for (const { client } of trio.replicas) client.cut();
    await trio.pass(5_000);
    takeAway(trio.store);
    for (const { client } of trio.replicas) client.mend();
    await trio.pass(1_000);
    expect(trio.holders()).to.deep.equal(['ann', 'ann', 'ann']);
    expect(trio.states('b')).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
    expect([...trio.store.values.keys()].sort()).to.deep.equal(['a', 'b']);
  });

  it('a hold acts at once, and is shared when it can be', async () => {
    const trio = await Trio.of();
    await trio.cut(0);
    const { board, sharing } = trio.replicas[0];
    board.abort('a', 'ann', 'deploy');
    expect(trio.holders()).to.deep.equal(['ann', undefined, undefined]);
    expect(await sharing.isShared('a', 2_000), 'known at once').to.equal(false);
    expect(sharing.facts().pending).to.equal(1);
    await trio.mend(0);
    expect(await sharing.isShared('a', 2_000)).to.equal(true);
    expect(trio.holders()).to.deep.equal(['ann', 'ann', 'ann']);
    trio.replicas[2].board.resume('a', 'bob', '');
    await trio.pass(100);
    expect(trio.states()).to.deep.equal(['steady', 'steady', 'steady']);
  });

  it('a hold outlives trips that did not know of it, whichever is written first', async () => {
    // A network that fell silent may deliver a write long after anybody waits for it.
    for (const delayMs of [800, 60_000]) {
      for (const slow of [0, 1]) {
        const trio = await Trio.of();
        trio.replicas[slow].client.weather = { delayMs, lost: 0 };
        trio.fail(0);
        trio.replicas[1].board.abort('a', 'ann', '');
        await trio.pass(delayMs + 4_000);
        expect(trio.holders(), `slow ${slow} by ${delayMs}`).to.deep.equal(['ann', 'ann', 'ann']);
        expect(trio.stored().hold?.by).to.equal('ann');
      }
    }
  });

  it('a trip at once after a resume is not taken for one that did not know of the hold', async () => {
    const trio = await Trio.of();
    for (const again of [0, 1]) {
      trio.replicas[0].board.abort('a', 'ann', '');
      await trio.pass(100);
      trio.resume(1);
      trio.fail(1);
      await trio.pass(5_000);
      expect(trio.states(), `time ${again}`).to.deep.equal(['fallen_back', 'fallen_back', 'fallen_back']);
      expect(trio.holders()).to.deep.equal([undefined, undefined, undefined]);
      trio.resume(2);
      await trio.pass(1_000);
      expect(trio.states()).to.deep.equal(['steady', 'steady', 'steady']);
      expect(trio.stored(), 'untouched').to.equal(undefined);
    }
  });

  it('a resume lifts the hold that it knew, not one that somebody placed meanwhile', async () => {
    const trio = await Trio.of();
    trio.replicas[0].board.abort('a', 'ann', '');
    await trio.pass(100);
    await trio.cut(0);
    trio.resume(0);
    expect(trio.states()[0]).to.equal('steady');
    await trio.mend(0);
    expect(trio.states()).to.deep.equal(['steady', 'steady', 'steady']);

    trio.replicas[0].board.abort('a', 'ann', '');
    await trio.pass(100);
    await trio.cut(0);
    trio.resume(0);
    trio.replicas[1].board.abort('a', 'bob', 'mine');
    await trio.pass(100);
    await trio.mend(0);
    expect(trio.holders()).to.deep.equal(['bob', 'bob', 'bob']);
  });

  it('what a person did out of touch counts afterwards, whatever else happened', async () => {
    const resumed = await Trio.of();
    await resumed.firstShare();
    await resumed.cut(0);
    resumed.resume(0);
    resumed.succeed(1, 10, false);
    await resumed.pass(100);
    await resumed.mend(0);
    expect(resumed.states()).to.deep.equal(['steady', 'steady', 'steady']);

    const aborted = await Trio.of();
    await aborted.cut(0);
    aborted.replicas[0].board.abort('a', 'ann', '');
    aborted.fail(1);
    await aborted.pass(100);
    await aborted.mend(0);
    expect(aborted.holders()).to.deep.equal(['ann', 'ann', 'ann']);
  });

  it('checks that failed here before somebody resumed are no reason to fall back at once', async () => {
    const trio = await Trio.of();
    trio.fail(0);
    await trio.pass(100);
    for (let i = 0; i < 4; i++) trio.replicas[1].board.check('a', 'new', 'refused');
    trio.resume(2);
    await trio.pass(100);
    trio.fail(1, 'a', 1);
    expect(trio.states()).to.deep.equal(['steady', 'steady', 'steady']);
  });

  it('a hold is obeyed whatever new cluster it was placed at', async () => {
    const trio = await Trio.of();
    trio.replicas[0].board.apply([service('a', 81)]);
    trio.replicas[0].board.abort('a', 'ann', '');
    await trio.pass(100);
    expect(trio.holders()).to.deep.equal(['ann', 'ann', 'ann']);
    for (const { board } of trio.replicas) board.apply([service('a', 81)]);
    await trio.pass(100);
    expect(trio.holders()).to.deep.equal(['ann', 'ann', 'ann']);
  });
});
