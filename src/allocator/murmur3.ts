/**
 * MurmurHash3, x86 32 bit, seed 0, for teams whose feature flags bucket by it. In: a byte string. Out: an unsigned 32 bit
 * number. murmurhash3js reads one byte of each character, so it is right for byte strings and only for them: given text
 * it hashes U+0141 as it hashes `A` (https://github.com/pid/murmurHash3js/issues/3).
 */
import murmurhash3js from 'murmurhash3js';

/** 0..0xffffffff; the empty string hashes to 0. */
export function murmur3(bytes: string): number {
  return murmurhash3js.x86.hash32(bytes);
}
