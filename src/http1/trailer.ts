/**
 * Which fields may never stand in a trailer (RFC 9110 section 6.5.1): those that frame, route or authenticate a message
 * or say how its content is read. Trailers are dropped anyway; a sender of one of these is after something.
 */
import { startsWithLower } from './bytes.ts';
import { F, fieldId } from './field-names.ts';
import { HOP_BY_HOP } from './hop-by-hop.ts';

const FORBIDDEN = HOP_BY_HOP.slice();
for (const id of [
  F.HOST,
  F.CONTENT_LENGTH,
  F.CONTENT_TYPE,
  F.CONTENT_ENCODING,
  F.CONTENT_RANGE,
  F.EXPECT,
  F.VIA,
  F.COOKIE,
  F.SET_COOKIE,
  F.AUTHORIZATION,
  F.LOCATION,
  F.FORWARDED,
  F.X_REQUEST_ID,
]) {
  FORBIDDEN[id] = 1;
}
const FORBIDDEN_PREFIX = 'x-forwarded-';

/** Bytes; at least that of the longest name in F. */
export const LONGEST_FORBIDDEN_NAME = 32;

/** `name` holds the first bytes of a field name in small letters, at most LONGEST_FORBIDDEN_NAME + 1 of them. */
export function isForbiddenTrailer(name: Uint8Array, length: number): boolean {
  return FORBIDDEN[fieldId(name, 0, length)] === 1 || startsWithLower(name, 0, length, FORBIDDEN_PREFIX);
}
