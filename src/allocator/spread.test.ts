import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { Spread } from './spread.ts';

const shares = fc.oneof(fc.constantFrom(1, 3_333, 5_000, 6_667, 9_999), fc.integer({ min: 1, max: 9_999 }));
const seeds = fc.integer();

describe('even spreading', () => {
  it('is never off by a whole request, after any number of requests', () => {
    fc.assert(
      fc.property(shares, seeds, (shareBp, seed) => {
        const spread = new Spread(seededRandom(seed));
        let news = 0;
        for (let n = 1; n <= 2_000; n++) {
          if (spread.next(shareBp)) news++;
          if (Math.abs(news * 10_000 - n * shareBp) >= 10_000) expect.fail(`${news} of ${n} at ${shareBp}`);
        }
      }),
    );
  });

  it('so that 10 000 requests are off by far less than 0.1 points', () => {
    for (const shareBp of [1, 2_000, 3_333, 7_777, 9_999]) {
      const spread = new Spread(seededRandom(7));
      let news = 0;
      for (let n = 0; n < 10_000; n++) if (spread.next(shareBp)) news++;
      expect(Math.abs(news - shareBp)).to.be.at.most(1);
    }
  });

  it('sends nothing to new at 0 and everything at 100 %', () => {
    const spread = new Spread(seededRandom(1));
    for (let n = 0; n < 1_000; n++) {
      expect(spread.next(0)).to.equal(false);
      expect(spread.next(10_000)).to.equal(true);
    }
  });

  it('gives clients with a rhythm their share of both sides', () => {
    for (const [shareBp, rhythm] of [
      [1_000, 10],
      [2_000, 5],
      [5_000, 2],
      [9_000, 10],
      [2_500, 8],
    ]) {
      const spread = new Spread(seededRandom(42));
      const news = new Array<number>(rhythm).fill(0);
      const rounds = 4_000;
      for (let n = 0; n < rounds * rhythm; n++) if (spread.next(shareBp)) news[n % rhythm]++;
      for (const count of news) expect(count / rounds).to.be.closeTo(shareBp / 10_000, 0.04);
    }
  });

  it('starts again with a changed share', () => {
    const spread = new Spread(() => 0);
    for (let n = 0; n < 3; n++) spread.next(100);
    expect(spread.next(5_000)).to.equal(true);
    expect(spread.next(5_000)).to.equal(false);
    expect(spread.next(100)).to.equal(true);
    expect(spread.next(100)).to.equal(false);
  });
});
