import { expect } from 'chai';
import fc from 'fast-check';
import { fourDigitsBelow, numberUpTo, ordinary, viaOf } from './patterns.ts';

/** What these patterns have of PCRE that JavaScript writes otherwise. */
function javaScript(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll('*+', '*').replaceAll('++', '+').replaceAll('\\z', '$'));
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

describe('the pattern of an ordinary request', () => {
  const pattern = javaScript(ordinary(['POST', 'PATCH'], 65_536, 'migration-proxy'));

  it('takes its methods with any body that is held, whatever answer is wanted, whoever else passed it on', () => {
    const keys = [
      'POST    ',
      'POST 0   ',
      'PATCH 65536  */* ',
      'POST 007  text/html, text/event ',
      'POST 5  */* 1.1 google',
      'POST 5   1.0 fred, 1.1 migration-proxy-2, 1.1 migration+proxy',
    ];
    for (const key of keys) expect(pattern.test(key), key).to.equal(true);
  });

  it('takes nothing else', () => {
    const others = {
      'another method': 'GET 5  */* ',
      'a method that begins alike': 'POSTER 5  */* ',
      'a body too large to be held': 'POST 65537  */* ',
      'a body in chunks': 'POST chunked  */* ',
      'an event stream': 'POST 5  text/html, Text/Event-Stream;q=0.9 ',
      'an Upgrade that is a number': 'POST  5 */* ',
      'an Upgrade beside a body': 'POST 5 websocket */* ',
      'a Via that names us': 'POST 5  */* 1.1 migration-proxy',
      'a Via that names us among others': 'POST 5   1.0 fred, 1.1 migration-proxy (x), 1.1 edge',
    };
    for (const [what, key] of Object.entries(others)) expect(pattern.test(key), what).to.equal(false);
  });

  it('takes nothing that is a loop', () => {
    const loop = javaScript(viaOf('migration-proxy'));
    const piece = fc.constantFrom('1.1', ' ', ',', '\t', 'migration-proxy', 'fred', '-', '(', ')');
    const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('').trim());
    fc.assert(
      fc.property(value, value, (accept, via) => {
        if (loop.test(via)) expect(pattern.test(`POST 5  ${accept} ${via}`)).to.equal(false);
      }),
    );
  });
});
