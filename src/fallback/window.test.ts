import { expect } from 'chai';
import fc from 'fast-check';
import { FailureWindow } from './window.ts';

describe('fallback/window', () => {
  it('forgets a sample after the window, at most one slice early', () => {
    const window = new FailureWindow(1000);
    window.recordNewFailed(5000);
    window.roll(5949);
    expect(window.newFailed).to.equal(1);
    window.roll(6001);
    expect(window.newFailed).to.equal(0);
  });

  it('is empty after an idle hour, and after an idle century', () => {
    for (const gapMs of [3_600_000, 3.2e12]) {
      const window = new FailureWindow(10_000);
      for (let i = 0; i < 100; i++) window.recordNewFailed(1_000_000 + i * 90);
      window.recordNewOk(1_010_000 + gapMs);
      expect(window.newTotal).to.equal(1);
      expect(window.newFailed).to.equal(0);
    }
  });

  it('takes a time that goes back as the last one', () => {
    const window = new FailureWindow(1000);
    window.recordNewOk(10_000);
    window.recordNewOk(3);
    expect(window.newOk).to.equal(2);
  });

  it('forgets new alone when a phase ends', () => {
    const window = new FailureWindow(1000);
    window.recordNewOk(1);
    window.recordNewSoft(1);
    window.recordOldSoft(1);
    window.recordOld(1);
    window.clearNew();
    window.roll(2);
    expect([window.newTotal, window.oldTotal, window.oldSoft]).to.deep.equal([0, 2, 1]);
  });

  it('counts what a plain list of times counts, give or take a slice', () => {
    const gaps = fc.array(fc.double({ min: 0, max: 3000, noNaN: true }), { maxLength: 200 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 20, max: 2000 }), (steps, windowMs) => {
        const window = new FailureWindow(windowMs);
        const times: number[] = [];
        let nowMs = 1.7e12;
        for (const gap of steps) {
          nowMs += gap;
          window.recordNewOk(nowMs);
          times.push(nowMs);
          const surely = times.filter((at) => nowMs - at < windowMs * 0.94).length;
          const atMost = times.filter((at) => nowMs - at <= windowMs).length;
          expect(window.newOk).to.be.within(surely, atMost);
        }
      }),
    );
  });
});
