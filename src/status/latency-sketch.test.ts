import { expect } from 'chai';
import fc from 'fast-check';
import { bucketOf, LATENCY_BUCKETS, quantile } from './latency-sketch.ts';

describe('the latency sketch', () => {
  it('has no quantile without data', () => {
    expect(quantile(new Float64Array(LATENCY_BUCKETS), 0.5)).to.equal(null);
  });

  it('is within 5 % of the true quantile from 0.05 ms to an hour', () => {
    const latencies = fc.array(fc.double({ min: 0.05, max: 3_600_000, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(latencies, fc.constantFrom(0.5, 0.95, 0.99), (list, q) => {
        const counts = new Float64Array(LATENCY_BUCKETS);
        for (const ms of list) counts[bucketOf(ms)]++;
        const truth = list.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(q * list.length)) - 1];
        expect(Math.abs(quantile(counts, q)! - truth) / truth).to.be.at.most(0.05);
      }),
    );
  });

  it('takes any number: negative, zero, NaN and a day', () => {
    for (const ms of [-1, 0, Number.NaN]) expect(bucketOf(ms)).to.equal(0);
    expect(bucketOf(86_400_000)).to.equal(LATENCY_BUCKETS - 1);
    expect(bucketOf(Number.POSITIVE_INFINITY)).to.equal(LATENCY_BUCKETS - 1);
  });
});
