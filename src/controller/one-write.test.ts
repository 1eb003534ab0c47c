import { expect } from 'chai';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { type Landing, OneWrite } from './one-write.ts';

/** Something that is written again as soon as that may be; how each write ends is told by its number, null: it is not made. */
async function written(forMs: number, landingOf: (write: number) => Landing | null) {
  const time = new VirtualTime();
  const lines: string[] = [];
  const tell = (_fields: unknown, line: string) => void lines.push(line);
  let writes = 0;
  const writer = new OneWrite({
    values: { read: async () => {} },
    random: () => 0.5,
    setTimer: time.setTimer,
    log: { debug: tell, info: tell, warn: tell, error: tell },
    onFree: () => begin(),
  });
  const begin = (): void => {
    const landing = landingOf(writes + 1);
    if (landing === null) return;
    writes++;
    void writer.begin(
      async () => landing,
      () => {},
    );
  };
  begin();
  await time.pass(forMs);
  return { writes, lines, lastProblem: writer.lastProblem };
}

describe('controller/one-write', () => {
  it('races are lost quickly, and nobody has to hear of it', async () => {
    const { lines, writes } = await written(500, (write) => (write % 10 === 0 ? 'done' : 'stale'));
    expect(writes).to.be.above(40);
    expect(lines).to.deep.equal([]);
  });

  it('what is refused again and again is no race: it is asked less and less often, and said once', async () => {
    const { lastProblem, lines, writes } = await written(60_000, () => 'stale');
    expect(writes).to.be.below(40);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.contain('cannot be shared with the other replicas: every change is refused');
    expect(lastProblem).to.contain('is the object immutable');
  });

  it('once such a change is taken, all is well again', async () => {
    const landingOf = (write: number) => (write > 20 ? null : write < 20 ? 'stale' : 'done');
    const { lastProblem, lines } = await written(60_000, landingOf);
    expect(lastProblem).to.equal(null);
    expect(lines.at(-1)).to.equal('states of services are shared with the other replicas again');
  });
});
