import { expect } from 'chai';
import { utf8Bytes } from './bytes.ts';
import { murmur3 } from './murmur3.ts';

describe('MurmurHash3', () => {
  it('knows the public test vectors', () => {
    expect(murmur3('')).to.equal(0);
    expect(murmur3('hello')).to.equal(0x248bfa47);
    expect(murmur3('hello, world')).to.equal(0x149bbb7f);
    expect(murmur3('The quick brown fox jumps over the lazy dog')).to.equal(0x2e4ff723);
  });

  it('hashes UTF-8 bytes, so that ids outside ASCII do not collide', () => {
    expect(murmur3(utf8Bytes('Ł'))).to.equal(0x8722dac4);
    expect(murmur3(utf8Bytes('用户'))).to.equal(0xdb73a310);
    expect(murmur3(utf8Bytes('😀'))).to.equal(0xbeb42efa);
    expect(murmur3(utf8Bytes('A'))).to.equal(0x54dcf7ce);
  });
});
