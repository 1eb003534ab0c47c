/** What is kept between cases is lent to one at a time, only where it fits, and is never forgotten. */
import { expect } from 'chai';
import { type Living, Pool } from './pool.ts';

class One implements Living {
  isWell = true;
  isStopped = false;
  isFit(): boolean {
    return this.isWell;
  }
  async stop(): Promise<void> {
    this.isStopped = true;
  }
}

const SETUP = { limits: {}, names: {} };
const setupOf = (keepAliveMs: number): typeof SETUP => ({ ...SETUP, limits: { keepAliveMs } });
const poolOfNew = (): Pool<One> => new Pool(async () => new One());

describe('pool of living planes', () => {
  it('lends the one that was given back, to the same setup alone, and to one case at a time', async () => {
    const pool = poolOfNew();
    const first = await pool.take(SETUP);
    expect(await pool.take(SETUP), 'while a case has it').to.not.equal(first);
    await pool.giveBack(first);
    expect(await pool.take(setupOf(100))).to.not.equal(first);
    expect(await pool.take({ ...SETUP })).to.equal(first);
  });

  it('ends one that a case has spoilt', async () => {
    const pool = poolOfNew();
    const spoilt = await pool.take(SETUP);
    spoilt.isWell = false;
    await pool.giveBack(spoilt);
    expect(spoilt.isStopped).to.equal(true);
    expect(await pool.take(SETUP)).to.not.equal(spoilt);
  });

  it('keeps the three that were used last', async () => {
    const pool = poolOfNew();
    const all: One[] = [];
    for (const ms of [1, 2, 3, 4]) all.push(await pool.take(setupOf(ms)));
    for (const one of all) await pool.giveBack(one);
    expect(all.map(({ isStopped }) => isStopped)).to.deep.equal([true, false, false, false]);
  });

  it('ends all at its close, those too that a case still has', async () => {
    const pool = poolOfNew();
    const [lent, idle] = [await pool.take(SETUP), await pool.take(SETUP)];
    await pool.giveBack(idle);
    await pool.close();
    expect([lent.isStopped, idle.isStopped]).to.deep.equal([true, true]);
  });
});
