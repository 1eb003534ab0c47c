/**
 * Shares of the hash's space, as nginx's `split_clients` cuts it: in basis points, rounded down. In: basis points or a
 * per cent range. Out: thresholds that a hash is compared with by `<`, and the bucket of a hash for people.
 * Knows nothing of ids or rules.
 */
const HASH_MAX = 0xffffffff;
const ALL = 2 ** 32;

/**
 * The hashes below it are the first `bp` basis points: floor(bp * 0xffffffff / 10000). The product stays below 2^46, so the
 * arithmetic is exact. 10000 is all of the space: nginx's `*`, which also takes the hash that the formula leaves out.
 */
export function threshold(bp: number): number {
  if (bp >= 10_000) return ALL;
  const product = bp * HASH_MAX;
  return (product - (product % 10_000)) / 10_000;
}

/** Where `hash_range: from-to` (inclusive per cent, 0..99) begins, and the first hash after it. */
export function rangeThresholds(from: number, to: number): { readonly first: number; readonly end: number } {
  return { first: threshold(from * 100), end: threshold((to + 1) * 100) };
}

/**
 * The bucket of a hash: 0 to 9999 basis points. A hash in bucket b is below the threshold of each share greater than b, so
 * its id turns to new at b + 1 basis points.
 */
export function bucketBp(hash: number): number {
  let bucket = Math.min(9999, Math.floor((hash * 10_000) / HASH_MAX));
  while (threshold(bucket) > hash) bucket--;
  while (threshold(bucket + 1) <= hash) bucket++;
  return bucket;
}
