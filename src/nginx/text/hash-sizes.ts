/**
 * Sizes of nginx's hash tables for a content: a bucket holds the longest key, and there are several times as many buckets as keys,
 * since nginx looks for a size by trying (ngx_hash_init). Powers of two, so that a small edit changes nothing.
 */
import { type Token, token } from './token.ts';

export interface HashSize {
  readonly max: Token;
  readonly bucket: Token;
}

/** `keys`: how many the largest table has; `longest`: bytes of the longest key of any. */
export function hashSize(keys: number, longest: number): HashSize {
  // Above 10 000 nginx begins its search near the end (nginx 1.22.1): the first size that it tries then fits.
  const max = keys > 500 ? powerOfTwo(Math.max(16_384, keys * 4), 16_384) : 2048;
  return { max: token(String(max)), bucket: token(String(powerOfTwo(3 * (longest + 24), 256))) };
}

function powerOfTwo(atLeast: number, smallest: number): number {
  let size = smallest;
  while (size < atLeast) size *= 2;
  return size;
}
