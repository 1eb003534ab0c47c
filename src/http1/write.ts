/**
 * Writers of HTTP/1.1 text into a Buffer at an offset; each returns the position behind what it wrote.
 * A text that does not fit, or with a character beyond latin1, is an error of the program: cut to a byte, U+010A would
 * become a line feed. CR and LF are written as given: who puts a client's text into a line has checked it (isFieldText).
 */
import { CR, FIELD_BYTE, LF } from './bytes.ts';

const HEX_DIGITS = '0123456789abcdef';

/** Writes `text`, ASCII or latin1. Throws RangeError when it does not fit or is neither. */
export function writeAscii(buf: Buffer, pos: number, text: string): number {
  const length = text.length;
  if (pos + length > buf.length) throw new RangeError('the text does not fit into the buffer');
  let all = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    all |= code;
    buf[pos + i] = code;
  }
  if (all > 0xff) throw new RangeError('the text is not latin1');
  return pos + length;
}

/** Copies the bytes `from[start, end)`. Throws RangeError when they do not fit. */
export function writeBytes(buf: Buffer, pos: number, from: Buffer, start: number, end: number): number {
  if (pos + end - start > buf.length) throw new RangeError('the bytes do not fit into the buffer');
  return pos + from.copy(buf, pos, start, end);
}

/** Writes `name: value` and CRLF. The same errors as writeAscii. */
export function writeFieldLine(buf: Buffer, pos: number, name: string, value: string): number {
  const afterName = writeAscii(buf, writeAscii(buf, pos, name), ': ');
  return writeAscii(buf, writeAscii(buf, afterName, value), '\r\n');
}

/** Most bytes that writeChunkHead writes. */
export const MAX_CHUNK_HEAD_BYTES = 16;

/** Writes `size` (bytes, a whole number from 0 to 2^53 - 1) in hexadecimal and CRLF. RangeError when it does not fit. */
export function writeChunkHead(buf: Buffer, pos: number, size: number): number {
  let end = pos;
  let rest = size;
  do {
    end++;
    rest = Math.floor(rest / 16);
  } while (rest > 0);
  if (end + 2 > buf.length) throw new RangeError('the chunk size does not fit into the buffer');
  rest = size;
  for (let i = end - 1; i >= pos; i--) {
    buf[i] = HEX_DIGITS.charCodeAt(rest % 16);
    rest = Math.floor(rest / 16);
  }
  buf[end] = CR;
  buf[end + 1] = LF;
  return end + 2;
}

/** Behind the data of each chunk. */
export const CHUNK_END = '\r\n';
/** Ends a chunked body, without trailers. */
export const LAST_CHUNK = '0\r\n\r\n';

/** May stand as a field value as it is: tab, space, visible ASCII and latin1, no control. */
export function isFieldText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || FIELD_BYTE[code] === 0) return false;
  }
  return true;
}
