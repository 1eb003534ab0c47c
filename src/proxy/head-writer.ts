/**
 * Heads as they leave: what was not changed is copied as the bytes that came, in runs of neighbouring lines; only the
 * lines that the proxy owns are written anew. Nothing here decides anything.
 */
import type { Fields } from '../http1/fields.ts';
import { copyBytes, writeText } from './scratch.ts';

const CR = 0x0d;
const LF = 0x0a;

/** Marks of a line (`hop`): copied as it is, left out, or its value replaced. */
export const KEEP = 0;
export const DROP = 1;
export const REPLACE = 2;

/**
 * Copies every line marked KEEP, and those marked REPLACE with the next of `values`.
 * `linesEnd` is where the last line ends (its CRLF included).
 */
export function copyLines(
  fields: Fields,
  linesEnd: number,
  values: readonly string[] | null,
  dst: Buffer,
  pos: number,
): number {
  const { buf, count, hop, nameStart, nameEnd } = fields;
  let replaced = 0;
  let i = 0;
  while (i < count) {
    const mark = hop[i];
    const start = nameStart[i] as number;
    i += 1;
    if (mark === DROP) continue;
    if (mark === REPLACE) {
      pos = copyBytes(buf, start, nameEnd[i - 1] as number, dst, pos);
      pos = writeLine(': ', values?.[replaced++] ?? '', dst, pos);
      continue;
    }
    while (i < count && hop[i] === KEEP) i += 1;
    pos = copyBytes(buf, start, i < count ? (nameStart[i] as number) : linesEnd, dst, pos);
  }
  return pos;
}

export function writeLine(name: string, value: string, dst: Buffer, pos: number): number {
  pos = writeText(name, dst, pos);
  pos = writeText(value, dst, pos);
  return endLine(dst, pos);
}

export function endLine(dst: Buffer, pos: number): number {
  dst[pos] = CR;
  dst[pos + 1] = LF;
  return pos + 2;
}

const HEX = Buffer.from('0123456789abcdef', 'latin1');

/** Room that `frameChunk` needs in front of the data: up to eight digits and a CRLF. */
export const CHUNK_HEAD_BYTES = 10;

/**
 * Makes one chunk (RFC 9112 section 7.1) of the `size` bytes at pos + CHUNK_HEAD_BYTES, moved up to follow their head
 * directly. Returns the position behind it. A size of 0 writes nothing: an empty chunk would end the body.
 */
export function frameChunk(dst: Buffer, pos: number, size: number): number {
  if (size === 0) return pos;
  const data = pos + CHUNK_HEAD_BYTES;
  let digits = 1;
  for (let rest = size >>> 4; rest !== 0; rest >>>= 4) digits += 1;
  for (let i = digits - 1, rest = size; i >= 0; i--, rest >>>= 4) dst[pos + i] = HEX[rest & 15] as number;
  const start = endLine(dst, pos + digits);
  dst.copyWithin(start, data, data + size);
  return endLine(dst, start + size);
}

/** The last chunk and the empty trailer section. */
export function writeLastChunk(dst: Buffer, pos: number): number {
  return writeText('0\r\n\r\n', dst, pos);
}
