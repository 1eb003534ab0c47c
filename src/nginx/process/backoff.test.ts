import { expect } from 'chai';
import { nextWait } from './backoff.ts';

describe('waiting before a restart', () => {
  it('doubles from a tenth of a second to ten, and starts anew after a minute of life', () => {
    const waits: number[] = [];
    for (let wait: number | null = null; waits.length < 9; waits.push(wait)) wait = nextWait(wait, 0);
    expect(waits).to.deep.equal([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    expect(nextWait(10_000, 59_999)).to.equal(10_000);
    expect(nextWait(10_000, 60_000)).to.equal(100);
  });
});
