/**
 * Byte classes of HTTP/1.1 as tables of 256, and comparisons of byte ranges with ASCII text.
 * In: bytes and positions. Out: yes or no. Knows nothing of messages; no regular expressions, nothing is allocated.
 */
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const PERCENT = 0x25;
export const STAR = 0x2a;
export const COMMA = 0x2c;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;
export const BRACKET_OPEN = 0x5b;
export const BACKSLASH = 0x5c;
export const BRACKET_CLOSE = 0x5d;

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 1 for each byte of `ascii`, and for each byte from `from` to 0x7e and from 0x80 on that is not in `except`. */
function classOf(ascii: string, from = 0x100, except = ''): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = from; byte < 256; byte++) table[byte] = byte === 0x7f ? 0 : 1;
  for (let i = 0; i < ascii.length; i++) table[ascii.charCodeAt(i)] = 1;
  for (let i = 0; i < except.length; i++) table[except.charCodeAt(i)] = 0;
  return table;
}

/** tchar, RFC 9110 section 5.6.2: field names and methods. */
export const TOKEN = classOf(`!#$%&'*+-.^_\`|~${ALPHANUMERIC}`);
/** Field values and reason phrases, RFC 9110 section 5.5: tab, space, visible ASCII and obs-text; no control, no DEL. */
export const FIELD_BYTE = classOf('\t', SP);
/**
 * Request targets. Wider than RFC 3986: bytes from 0x80 on and the likes of `"<>\^{|}` pass, as they do in nginx,
 * because clients in use before the proxy came send raw UTF-8 paths. Controls, space and the fragment's `#` do not.
 */
export const TARGET_BYTE = classOf('', SP + 1, '#');
/** The same without `?`: a target's path. */
export const PATH_BYTE = classOf('', SP + 1, '#?');
/** unreserved and sub-delims of RFC 3986: what a registered name is made of, apart from percent-encoding. */
export const HOST_BYTE = classOf(`-._~!$&'()*+,;=${ALPHANUMERIC}`);

/** A hexadecimal digit's value, 255 for any other byte. */
export const HEX_VALUE = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX_VALUE['0123456789abcdef'.charCodeAt(i)] = i;
  HEX_VALUE['0123456789ABCDEF'.charCodeAt(i)] = i;
}

/** The byte, ASCII capitals as small letters. */
export const LOWER = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) LOWER[byte] = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;

export function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}

/** One tchar or more. */
export function isToken(bytes: Uint8Array, start: number, end: number): boolean {
  for (let pos = start; pos < end; pos++) if (TOKEN[bytes[pos]] === 0) return false;
  return end > start;
}

/** The bytes from `start` begin with `lower` (small ASCII), compared without case. */
export function startsWithLower(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  const length = lower.length;
  if (end - start < length) return false;
  for (let i = 0; i < length; i++) if (LOWER[bytes[start + i]] !== lower.charCodeAt(i)) return false;
  return true;
}

/** The bytes are `lower` (small ASCII), compared without case. */
export function equalsLower(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  return end - start === lower.length && startsWithLower(bytes, start, end, lower);
}

/** The bytes are `text` (latin1), compared with case. */
export function equalsText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  const length = text.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** The two ranges of one buffer are equal without case. */
export function sameLower(
  bytes: Uint8Array,
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let i = end - start - 1; i >= 0; i--) if (LOWER[bytes[start + i]] !== LOWER[bytes[otherStart + i]]) return false;
  return true;
}

/** First position from `start` that is no space or tab, at most `end`. */
export function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  while (pos < end && isBlank(bytes[pos])) pos++;
  return pos;
}

/** Last position down to `start` with no space or tab before it. */
export function trimBlanks(bytes: Uint8Array, start: number, end: number): number {
  let pos = end;
  while (pos > start && isBlank(bytes[pos - 1])) pos--;
  return pos;
}

/** Position of the first `byte` from `start`, `end` when there is none. */
export function find(bytes: Uint8Array, start: number, end: number, byte: number): number {
  let pos = start;
  while (pos < end && bytes[pos] !== byte) pos++;
  return pos;
}
