import { expect } from 'chai';
import { type Company, inLanes, type LanesOptions } from './lanes.ts';

interface Toy {
  readonly name: string;
  readonly seconds: number;
  readonly company: Company;
}

const toy = (name: string, seconds: number, company: Company = 'many'): Toy => ({ name, seconds, company });

/** What ran beside what, in the order of beginnings; time is the toys' own. */
async function ran(all: readonly Toy[], lanes: number): Promise<string[]> {
  const told: string[] = [];
  const running: { name: string; endsAt: number; end: () => void }[] = [];
  let now = 0;
  const run: LanesOptions<Toy>['run'] = ({ name, seconds }) => {
    told.push([name, ...running.map((one) => one.name)].join(' beside '));
    return new Promise((end) => running.push({ name, endsAt: now + seconds, end }));
  };
  let hasEnded = false;
  const whole = inLanes(all, { lanes, secondsOf: ({ seconds }) => seconds, run }).then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    await new Promise((resolve) => setImmediate(resolve));
    const next = running.sort((a, b) => a.endsAt - b.endsAt).shift();
    if (next === undefined) continue;
    now = next.endsAt;
    next.end();
  }
  await whole;
  return told;
}

describe('the lanes of a test run', () => {
  it('take the next suite as soon as they are free', async () => {
    const all = [toy('a', 9), toy('b', 2), toy('c', 3), toy('d', 1)];
    expect(await ran(all, 2)).to.deep.equal(['a', 'b beside a', 'c beside a', 'd beside a']);
  });

  it('keep short suites to run beside those that bear one other', async () => {
    const all = [toy('A', 3, 'one'), toy('a', 9), toy('b', 2), toy('B', 2, 'one'), toy('c', 5), toy('d', 1)];
    expect(await ran(all, 3)).to.deep.equal(['a', 'c beside a', 'A', 'd beside A', 'b beside A', 'B beside b']);
  });

  it('leave nothing beside those that are alone', async () => {
    const all = [toy('A', 30, 'none'), toy('a', 9), toy('B', 2, 'one'), toy('b', 5), toy('C', 1, 'none')];
    expect(await ran(all, 3)).to.deep.equal(['a', 'b beside a', 'B', 'A', 'C']);
  });

  it('are one, where nothing may run beside anything', async () => {
    const all = [toy('A', 3, 'one'), toy('a', 9), toy('b', 1)];
    expect(await ran(all, 1)).to.deep.equal(['a', 'b', 'A']);
  });

  it('may have nothing to do', async () => {
    expect(await ran([], 4)).to.deep.equal([]);
  });
});
