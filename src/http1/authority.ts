/**
 * `host [":" port]` as it stands in Host and in an absolute target (RFC 9110 section 7.2, RFC 3986 section 3.2).
 * In: a byte range. Out: the host's range and the port, or no. User information, white space, paths, broken IPv6 and
 * ports beyond 65535 are no authority. Which service a host belongs to is not known here.
 */
import { BRACKET_CLOSE, BRACKET_OPEN, COLON, DOT, find, HEX_VALUE, HOST_BYTE, NINE, PERCENT, ZERO } from './bytes.ts';

const NO_HEX = 255;

/** Reused for one authority after another; the results hold until the next `read`. */
export class Authority {
  /** Range of the host: without port, without brackets, and without the root's trailing dot (nginx drops it as well). */
  hostStart = 0;
  hostEnd = 0;
  /** 0 when absent. */
  port = 0;

  /** False when the bytes are no authority, or an empty one. */
  read(buf: Uint8Array, start: number, end: number): boolean {
    let hostEnd: number;
    if (start < end && buf[start] === BRACKET_OPEN) {
      this.hostStart = start + 1;
      this.hostEnd = find(buf, start, end, BRACKET_CLOSE);
      if (this.hostEnd === end || !isIpv6(buf, this.hostStart, this.hostEnd)) return false;
      hostEnd = this.hostEnd + 1;
    } else {
      hostEnd = nameEnd(buf, start, end);
      if (hostEnd < 0) return false;
      this.hostStart = start;
      this.hostEnd = hostEnd > start && buf[hostEnd - 1] === DOT ? hostEnd - 1 : hostEnd;
      if (this.hostEnd === start) return false;
    }
    if (hostEnd < end && buf[hostEnd] !== COLON) return false;
    this.port = hostEnd < end ? readPort(buf, hostEnd + 1, end) : 0;
    return this.port >= 0;
  }
}

/** Position of the first byte that belongs to no registered name; -1 for `..` or broken percent-encoding. */
function nameEnd(buf: Uint8Array, start: number, end: number): number {
  let pos = start;
  while (pos < end) {
    const byte = buf[pos];
    if (byte === PERCENT) {
      if (end - pos < 3 || HEX_VALUE[buf[pos + 1]] === NO_HEX || HEX_VALUE[buf[pos + 2]] === NO_HEX) return -1;
      pos += 3;
      continue;
    }
    if (HOST_BYTE[byte] === 0) return pos;
    if (byte === DOT && pos > start && buf[pos - 1] === DOT) return -1;
    pos++;
  }
  return pos;
}

/** 0 for no digits (RFC 3986 allows `host:`), -1 for anything but at most five digits up to 65535. */
function readPort(buf: Uint8Array, start: number, end: number): number {
  if (end - start > 5) return -1;
  const port = readDecimal(buf, start, end);
  return port > 65535 ? -1 : port;
}

/** -1 when a byte is no digit; 0 for none. */
function readDecimal(buf: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let pos = start; pos < end; pos++) {
    if (buf[pos] < ZERO || buf[pos] > NINE) return -1;
    value = value * 10 + (buf[pos] - ZERO);
  }
  return value;
}

/** RFC 4291 section 2.2, all three forms; no zone. */
function isIpv6(buf: Uint8Array, start: number, end: number): boolean {
  let groups = 0;
  let digits = 0;
  let compressed = false;
  let pos = start;
  while (pos < end) {
    const byte = buf[pos];
    if (HEX_VALUE[byte] !== NO_HEX) {
      if (++digits > 4) return false;
      pos++;
    } else if (byte === COLON && pos + 1 < end && buf[pos + 1] === COLON) {
      if (compressed) return false;
      compressed = true;
      if (digits > 0) groups++;
      digits = 0;
      pos += 2;
    } else if (byte === COLON) {
      if (digits === 0 || pos + 1 === end) return false;
      groups++;
      digits = 0;
      pos++;
    } else {
      // only the last 32 bits may be dotted
      if (byte !== DOT || !isIpv4(buf, pos - digits, end)) return false;
      groups += 2;
      digits = 0;
      pos = end;
    }
  }
  if (digits > 0) groups++;
  return compressed ? groups <= 7 : groups === 8;
}

function isIpv4(buf: Uint8Array, start: number, end: number): boolean {
  let octets = 0;
  for (let pos = start; pos <= end; octets++) {
    const dot = find(buf, pos, end, DOT);
    if (dot === pos || dot - pos > 3 || (buf[pos] === ZERO && dot - pos > 1)) return false;
    const octet = readDecimal(buf, pos, dot);
    if (octet < 0 || octet > 255) return false;
    pos = dot + 1;
  }
  return octets === 4;
}
