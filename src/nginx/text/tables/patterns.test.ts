import { expect } from 'chai';
import fc from 'fast-check';
import { fourDigitsBelow, numberUpTo } from './patterns.ts';

/** What these patterns have of PCRE that JavaScript writes otherwise. */
function javaScript(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll('*+', '*').replace(/\\z$/, '$'));
}

describe('patterns of numbers', () => {
  it('take the numbers up to a limit', () => {
    for (const most of [0, 1, 9, 10, 11, 100, 101, 65_536]) {
      const pattern = javaScript(numberUpTo(most));
      for (const number of [0, 1, 5, 9, 10, 11, 12, 99, 100, 101, 102, 999, 65_535, 65_536, 65_537, 99_999, 655_360]) {
        expect(pattern.test(String(number)), `${number} up to ${most}`).to.equal(number <= most);
      }
    }
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(1_000_000), (most, number) => {
        expect(javaScript(numberUpTo(most)).test(`00${number}`)).to.equal(number <= most);
      }),
    );
  });

  it('take the places below a bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9_999 }), fc.nat(9_999), (bound, place) => {
        const digits = String(place).padStart(4, '0');
        expect(javaScript(fourDigitsBelow(bound)).test(digits)).to.equal(place < bound);
      }),
    );
    expect(javaScript(fourDigitsBelow(9_999)).test('')).to.equal(false);
  });
});
