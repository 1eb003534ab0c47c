import { expect } from 'chai';
import fc from 'fast-check';
import { bucketBp, rangeThresholds, threshold } from './shares.ts';

const hashes = fc.oneof(
  fc.nat(0xffffffff),
  fc.nat(10_000).map((bp) => Math.min(threshold(bp), 0xffffffff)),
);

describe('shares of the hash space', () => {
  it('are cut as split_clients cuts them, without an error of rounding', () => {
    for (let bp = 0; bp < 10_000; bp++) {
      expect(threshold(bp)).to.equal(Number((BigInt(bp) * 0xffffffffn) / 10_000n));
    }
  });

  it('have nothing at 0 and everything at 100 %, the highest hash too', () => {
    expect(threshold(0)).to.equal(0);
    expect(0xffffffff < threshold(10_000)).to.equal(true);
  });

  it('divided into hash ranges leave no hash out and hold none twice', () => {
    expect(rangeThresholds(0, 99)).to.deep.equal({ first: 0, end: 2 ** 32 });
    for (let i = 0; i < 99; i++) expect(rangeThresholds(0, i).end).to.equal(rangeThresholds(i + 1, 99).first);
  });

  it('agree with the bucket: a hash is new from the bucket plus 0.01 % on', () => {
    fc.assert(
      fc.property(hashes, (hash) => {
        const bucket = bucketBp(hash);
        expect(bucket).to.be.within(0, 9_999);
        expect(hash < threshold(bucket)).to.equal(false);
        expect(hash < threshold(bucket + 1)).to.equal(true);
      }),
    );
  });
});
