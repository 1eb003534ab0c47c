import { expect } from 'chai';
import fc from 'fast-check';
import { utf8Bytes } from './bytes.ts';
import { makeSalt, murmur2 } from './murmur2.ts';

/** Computed by a second, independent transcription of ngx_murmur_hash2 (C arithmetic on 32 bit words). */
const GOLDEN: readonly [string, number][] = [
  ['', 0],
  ['a', 2456313694],
  ['ab', 446775395],
  ['abc', 324500635],
  ['abcd', 646393889],
  ['abcde', 1594468574],
  ['alice', 479601241],
  ['api-name01:alice', 55346633],
  ['api-name01:bob', 1694384593],
  ['probe:api-name01:alice', 3863284918],
  ['用户', 1595656720],
  ['x:пользователь-1', 452987049],
  ['😀', 3452565253],
];
const everyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));

describe('MurmurHash2 as nginx computes it', () => {
  const plain = makeSalt('');

  for (const [text, hash] of GOLDEN) {
    it(`of ${JSON.stringify(text)} is ${hash}`, () => {
      expect(murmur2(plain, utf8Bytes(text))).to.equal(hash);
    });
  }

  it('of every byte, of zero bytes and of 0xff bytes is that of the same C words', () => {
    expect(murmur2(plain, everyByte)).to.equal(2373126550);
    expect(murmur2(plain, '\0\0\0\0')).to.equal(3026825932);
    expect(murmur2(plain, '\xff'.repeat(7))).to.equal(3970108560);
  });

  it('of a salt and a key is that of their bytes in one string', () => {
    const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, (salt, key) => {
        expect(murmur2(makeSalt(salt), key)).to.equal(murmur2(plain, salt + key));
      }),
    );
  });
});
