/**
 * The header fields that the proxy knows by name, as small numbers.
 * In: the bytes of a field name. Out: one of F, found by length and bytes without case.
 * What a field means is not known here; which ones are hop-by-hop stands in hop-by-hop.ts.
 */
import { equalsLower } from './bytes.ts';

/** Fields that the proxy itself looks at or rewrites; everything else is OTHER and copied as it came. */
export const F = {
  OTHER: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  UPGRADE: 5,
  EXPECT: 6,
  TE: 7,
  TRAILER: 8,
  KEEP_ALIVE: 9,
  PROXY_CONNECTION: 10,
  PROXY_AUTHORIZATION: 11,
  PROXY_AUTHENTICATE: 12,
  VIA: 13,
  COOKIE: 14,
  X_FORWARDED_FOR: 15,
  X_FORWARDED_PROTO: 16,
  X_FORWARDED_HOST: 17,
  X_FORWARDED_PORT: 18,
  X_REQUEST_ID: 19,
  LOCATION: 20,
  CONTENT_LOCATION: 21,
  REFRESH: 22,
  SET_COOKIE: 23,
  CONTENT_TYPE: 24,
  HTTP2_SETTINGS: 25,
  DATE: 26,
  SERVER: 27,
  X_MIGRATION_CLUSTER: 28,
  X_MIGRATION_REASON: 29,
  AUTHORIZATION: 30,
  FORWARDED: 31,
  CONTENT_ENCODING: 32,
  CONTENT_RANGE: 33,
} as const;

/** More than the largest number in F: the size of tables by field. */
export const FIELD_IDS = 34;

interface KnownName {
  readonly id: number;
  readonly lower: string;
}

/** Known names by their length. F's keys are the names themselves, with `_` for `-`. */
const BY_LENGTH: KnownName[][] = [];
for (const [key, id] of Object.entries(F)) {
  if (id === F.OTHER) continue;
  const lower = key.toLowerCase().replaceAll('_', '-');
  while (BY_LENGTH.length <= lower.length) BY_LENGTH.push([]);
  BY_LENGTH[lower.length].push({ id, lower });
}

/** One of F for the name in `bytes[start, end)`. */
export function fieldId(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= BY_LENGTH.length) return F.OTHER;
  const candidates = BY_LENGTH[length];
  for (let i = 0; i < candidates.length; i++) {
    if (equalsLower(bytes, start, end, candidates[i].lower)) return candidates[i].id;
  }
  return F.OTHER;
}
