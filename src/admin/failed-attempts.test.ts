import { expect } from 'chai';
import { FailedAttempts } from './failed-attempts.ts';

function afterFailures(count: number, address = '10.0.0.1'): FailedAttempts {
  const failed = new FailedAttempts();
  for (let i = 0; i < count; i++) failed.add(address, 0);
  return failed;
}

describe('wrong tokens from one peer', () => {
  it('are free for the first twenty, then cost three seconds each', () => {
    expect(afterFailures(19).waitMs('10.0.0.1', 0)).to.equal(0);
    expect(afterFailures(20).waitMs('10.0.0.1', 0)).to.equal(3_000);
    expect(afterFailures(20).waitMs('10.0.0.1', 3_000)).to.equal(0);
    expect(afterFailures(20).waitMs('10.0.0.1', 3_600_000)).to.equal(0);
  });

  it('do not lock out another peer', () => {
    expect(afterFailures(30).waitMs('10.0.0.2', 0)).to.equal(0);
  });

  it('count together for the addresses of one IPv6 host, and for an address in both notations', () => {
    expect(afterFailures(20, '2001:db8:0:1::1').waitMs('2001:db8:0:1:2:3:4:5', 0)).to.equal(3_000);
    expect(afterFailures(20, '2001:db8:0:1::1').waitMs('2001:db8:0:2::1', 0)).to.equal(0);
    expect(afterFailures(20, '::ffff:10.0.0.1').waitMs('10.0.0.1', 0)).to.equal(3_000);
    expect(afterFailures(20, '::ffff:10.0.0.1').waitMs('::ffff:10.0.0.2', 0)).to.equal(0);
  });

  it('are remembered of a bounded number of peers', () => {
    const failed = afterFailures(20);
    for (let i = 0; i < 1_024; i++) failed.add(`10.1.${i >> 8}.${i & 255}`, 0);
    expect(failed.waitMs('10.0.0.1', 0)).to.equal(0);
  });
});
