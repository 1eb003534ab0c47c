import { expect } from 'chai';
import { addressesBy, inTurns } from './look-up-turns.ts';

type Found = string | Error;

/** A system that looks up whatever it is asked, and answers when the test says so. */
function setup(atOnce: number) {
  const timers = new Set<() => void>();
  const asked: { readonly name: string; readonly answer: (found: Found) => void }[] = [];
  const lookup = inTurns({
    setTimer: (work) => {
      timers.add(work);
      return () => timers.delete(work);
    },
    atOnce,
    lookup: (name, _options, answer) => {
      const tell = (found: Found): void =>
        found instanceof Error ? answer(found, []) : answer(null, [{ address: found, family: 4 }]);
      asked.push({ name, answer: tell });
    },
  });
  const all = addressesBy(lookup);
  const answers: string[] = [];
  const ask = (name: string): void =>
    void all(name).then(
      (addresses) => answers.push(`${name} ${addresses.join()}`),
      (error: Error) => answers.push(`${name} ${error.message}`),
    );
  const answer = async (name: string, found: Found): Promise<void> => {
    const [one] = asked.splice(
      asked.findIndex((each) => each.name === name),
      1,
    );
    one.answer(found);
    await new Promise(setImmediate);
  };
  const twoSecondsLater = (): void => {
    for (const work of [...timers]) {
      timers.delete(work);
      work();
    }
  };
  return { twoSecondsLater, ask, answer, answers, underWay: () => asked.map(({ name }) => name) };
}

const gone = new Error('ENOTFOUND');

describe('checks/look-up-turns', () => {
  it('names that never answer hold up nobody whose name is well', async () => {
    const { ask, answer, answers, underWay } = setup(4);
    ask('well');
    await answer('well', '10.0.0.1');
    for (let i = 0; i < 100; i++) ask(`dead${i}`);
    ask('well');
    expect(underWay()).to.deep.equal(['dead0', 'dead1', 'well']);
    await answer('well', '10.0.0.2');
    expect(answers).to.deep.equal(['well 10.0.0.1', 'well 10.0.0.2']);
  });

  it('names that failed hold up none that was never asked', async () => {
    const { ask, answer, underWay } = setup(4);
    for (const name of ['dead1', 'dead2']) {
      ask(name);
      await answer(name, gone);
    }
    ask('dead1');
    ask('dead2');
    ask('fresh');
    expect(underWay()).to.deep.equal(['dead1', 'fresh']);
    await answer('dead1', gone);
    expect(underWay()).to.deep.equal(['fresh', 'dead2']);
  });

  it('at a start, when all are unknown, those that do not answer soon make room for others', () => {
    const { ask, twoSecondsLater, underWay } = setup(8);
    for (let i = 0; i < 4; i++) ask(`dead${i}`);
    for (const name of ['a', 'b', 'c']) ask(name);
    expect(underWay()).to.have.length(4);
    twoSecondsLater();
    // Two of the eight are left to names that are well.
    expect(underWay().slice(4)).to.deep.equal(['a', 'b']);
  });

  it('a name is well again with its first answer, and not with one that took long', async () => {
    const { ask, answer, answers, twoSecondsLater, underWay } = setup(4);
    ask('slow');
    twoSecondsLater();
    await answer('slow', '10.0.0.1');
    ask('slow');
    ask('slow');
    expect(underWay()).to.deep.equal(['slow']);
    await answer('slow', '10.0.0.2');
    await answer('slow', gone);
    expect(answers).to.deep.equal(['slow 10.0.0.1', 'slow 10.0.0.2', 'slow ENOTFOUND']);
    ask('slow');
    await answer('slow', '10.0.0.3');
    ask('slow');
    ask('slow');
    expect(underWay()).to.deep.equal(['slow', 'slow']);
  });
});
