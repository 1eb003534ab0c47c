/**
 * The one buffer in which heads and small bodies are put together before they are written: no allocation a request.
 * A write that the kernel did not take at once still owns the bytes; then the buffer is left to it and a new one begun.
 */
import type { Socket } from 'node:net';

/** Room for one read of a body with its framing, and for what we add to any head. */
const BODY_BYTES = 128 * 1024;
/** What a head may grow by: names that are said again (Host, X-Forwarded-Host), and renamed ones. */
const HEAD_GROWTH = 4;

export class Scratch {
  buf: Buffer;
  readonly #bytes: number;

  /** `maxHeadBytes`: of the largest head that is ever written. */
  constructor(maxHeadBytes: number) {
    this.#bytes = BODY_BYTES + HEAD_GROWTH * maxHeadBytes;
    this.buf = Buffer.allocUnsafeSlow(this.#bytes);
  }

  /**
   * Writes buf[0..length). False: the socket asks to wait for `drain`. Throws where more was put together than there is room
   * for: a head that was cut short would make the next answer on that connection a part of it.
   */
  send(socket: Socket, length: number, copies: 'copy' | 'lend'): boolean {
    if (length > this.buf.length) throw new RangeError(`${length} bytes, and room for ${this.buf.length}`);
    // Behind others it would wait for sure: a slow reader of small events must not keep one whole buffer for each.
    if (copies === 'copy' || socket.writableLength > 0) return socket.write(Buffer.from(this.buf.subarray(0, length)));
    const more = socket.write(this.buf.subarray(0, length));
    if (socket.writableLength > 0) this.buf = Buffer.allocUnsafeSlow(this.#bytes);
    return more;
  }
}

/** Copies src[start..end) and returns the position behind it. Short runs are cheaper byte by byte (no call into C++). */
export function copyBytes(src: Buffer, start: number, end: number, dst: Buffer, pos: number): number {
  if (end - start > 48) {
    src.copy(dst, pos, start, end);
    return pos + end - start;
  }
  for (let i = start; i < end; i++) dst[pos++] = src[i] as number;
  return pos;
}

/** Writes a byte string (one character a byte). */
export function writeText(text: string, dst: Buffer, pos: number): number {
  if (text.length > 32) return pos + dst.write(text, pos, 'latin1');
  for (let i = 0; i < text.length; i++) dst[pos++] = text.charCodeAt(i);
  return pos;
}
