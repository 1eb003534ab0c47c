/**
 * How long a body is: the values of Content-Length and Transfer-Encoding (RFC 9110 section 8.6, RFC 9112 section 6).
 * In: the bytes of one value. Out: a number, or why it cannot be trusted. Nothing here is lenient:
 * two readers that disagree on a length are what request smuggling is made of.
 */
import { COMMA, equalsLower, find, isToken, NINE, skipBlanks, trimBlanks, ZERO } from './bytes.ts';
import { REFUSAL, type Refusal } from './refusal.ts';

/** No body. */
export const BODY_NONE = 0;
/** As many bytes as Content-Length says, also when it says 0. */
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
/** A response's body that ends with the connection. */
export const BODY_CLOSE = 3;

export const LENGTH_MALFORMED = -1;
export const LENGTH_OVERFLOW = -2;

/** Bytes; LENGTH_MALFORMED unless 1*DIGIT; LENGTH_OVERFLOW beyond 2^53 - 1. Leading zeros are decimal (`010` is 10). */
export function readContentLength(buf: Uint8Array, start: number, end: number): number {
  if (start === end) return LENGTH_MALFORMED;
  let length = 0;
  for (let pos = start; pos < end; pos++) {
    const byte = buf[pos];
    if (byte < ZERO || byte > NINE) return LENGTH_MALFORMED;
    // once beyond the safe range it stays there: doubles round, but never back below 2^53
    if (length <= Number.MAX_SAFE_INTEGER) length = length * 10 + (byte - ZERO);
  }
  return length > Number.MAX_SAFE_INTEGER ? LENGTH_OVERFLOW : length;
}

/**
 * Null for exactly `chunked`, in any case. CODING_UNKNOWN for a clean list that only ends in chunked
 * (`gzip, chunked`), CODING for everything else.
 */
export function readTransferEncoding(buf: Uint8Array, start: number, end: number): Refusal | null {
  if (equalsLower(buf, start, end, 'chunked')) return null;
  for (let pos = start; pos < end; ) {
    const comma = find(buf, pos, end, COMMA);
    const codingStart = skipBlanks(buf, pos, comma);
    const codingEnd = trimBlanks(buf, codingStart, comma);
    const isChunked = equalsLower(buf, codingStart, codingEnd, 'chunked');
    if (comma === end) return isChunked ? REFUSAL.CODING_UNKNOWN : REFUSAL.CODING;
    if (isChunked || !isToken(buf, codingStart, codingEnd)) return REFUSAL.CODING;
    pos = comma + 1;
  }
  return REFUSAL.CODING;
}
