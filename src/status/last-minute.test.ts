import { expect } from 'chai';
import fc from 'fast-check';
import { LastMinute } from './last-minute.ts';

describe('counts of the last minute', () => {
  it('forgets an event between 55 and 60 seconds later, and not before', () => {
    const minute = new LastMinute(1);
    minute.add(0, 1_000_000);
    expect(minute.sum(0, 1_054_999)).to.equal(1);
    expect(minute.sum(0, 1_060_000)).to.equal(0);
  });

  it('is empty after an idle hour that ends on the same row', () => {
    const minute = new LastMinute(2);
    minute.add(0, 0);
    minute.add(1, 3_600_000);
    expect(minute.sum(0, 3_600_000)).to.equal(0);
    expect(minute.sum(1, 3_600_000)).to.equal(1);
  });

  it('keeps its counts when an event of an hour ago is told', () => {
    const minute = new LastMinute(1);
    minute.add(0, 3_600_000);
    minute.add(0, 0);
    expect(minute.sum(0, 3_600_000)).to.equal(1);
  });

  it('counts what a plain list of events counts', () => {
    const events = fc.array(fc.record({ gapMs: fc.nat(20_000), column: fc.nat(2) }), { maxLength: 200 });
    fc.assert(
      fc.property(events, fc.nat(90_000), (list, waitMs) => {
        const minute = new LastMinute(3);
        const seen: { column: number; atMs: number }[] = [];
        let nowMs = 0;
        for (const { gapMs, column } of list) {
          nowMs += gapMs;
          minute.add(column, nowMs);
          seen.push({ column, atMs: nowMs });
        }
        nowMs += waitMs;
        const into = new Float64Array(2);
        minute.sumInto(into, 1, nowMs);
        const oldest = (Math.floor(nowMs / 5_000) - 11) * 5_000;
        const expected = [0, 1, 2].map((column) => seen.filter((e) => e.column === column && e.atMs >= oldest).length);
        expect([minute.sum(0, nowMs), into[0], into[1]]).to.deep.equal(expected);
      }),
    );
  });
});
