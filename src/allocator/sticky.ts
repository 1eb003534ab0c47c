/**
 * The cookie of sticky services: an opaque random id, never the target, so that it can pin nobody to a dead cluster.
 * In: a cookie's value. Out: whether it is one of ours. Who draws and sets it is the data plane's business.
 */
export const STICKY_COOKIE = 'migration_id';

/** 32 lower-case hex digits; anything else is replaced by a fresh id. */
export function isStickyId(value: string): boolean {
  return /^[0-9a-f]{32}$/.test(value);
}
