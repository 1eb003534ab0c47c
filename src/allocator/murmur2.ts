/**
 * MurmurHash2, 32 bit, over byte strings: bit for bit nginx's ngx_murmur_hash2 (src/core/ngx_murmurhash.c, seed 0 xor
 * length), which `split_clients` uses. In: a salt made once and a key. Out: an unsigned 32 bit number.
 * The salt's blocks are mixed at load and the key is read in place, so that hashing a request's id builds no string.
 */
const M = 0x5bd1e995;

/** The bytes that stand before every key, with their whole four-byte blocks already mixed. */
export interface Salt {
  /** The salt itself, as a byte string. */
  readonly bytes: string;
  readonly blocks: Int32Array;
  /** The 0 to 3 bytes after the last whole block, little-endian, and how many they are. */
  readonly tail: number;
  readonly tailLength: number;
}

/** Prepares a salt; `bytes` is a byte string, '' for none. */
export function makeSalt(bytes: string): Salt {
  const blocks = new Int32Array(bytes.length >>> 2);
  for (let i = 0; i < blocks.length; i++) blocks[i] = mix(block(bytes, i * 4));
  const tailLength = bytes.length & 3;
  let tail = 0;
  for (let i = 0; i < tailLength; i++) tail |= byte(bytes, bytes.length - tailLength + i) << (8 * i);
  return Object.freeze({ bytes, blocks, tail, tailLength });
}

/** The hash of the salt's bytes followed by the key's: 0..0xffffffff. The empty string hashes to 0. */
export function murmur2(salt: Salt, key: string): number {
  const length = key.length;
  const blocks = salt.blocks;
  let h = salt.bytes.length + length;
  for (let i = 0; i < blocks.length; i++) h = Math.imul(h, M) ^ blocks[i];

  // The salt's tail and the key's first bytes share a block.
  let k = salt.tail;
  let filled = salt.tailLength;
  let at = 0;
  if (filled !== 0) {
    while (filled < 4 && at < length) k |= byte(key, at++) << (8 * filled++);
    if (filled === 4) {
      h = Math.imul(h, M) ^ mix(k);
      k = 0;
      filled = 0;
    }
  }
  if (filled === 0) {
    for (; at + 4 <= length; at += 4) h = Math.imul(h, M) ^ mix(block(key, at));
    while (at < length) k |= byte(key, at++) << (8 * filled++);
  }
  if (filled !== 0) h = Math.imul(h ^ k, M);

  h = Math.imul(h ^ (h >>> 13), M);
  return (h ^ (h >>> 15)) >>> 0;
}

function byte(bytes: string, at: number): number {
  return bytes.charCodeAt(at) & 0xff;
}

function block(bytes: string, at: number): number {
  return byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
}

function mix(k: number): number {
  const product = Math.imul(k, M);
  return Math.imul(product ^ (product >>> 24), M);
}
