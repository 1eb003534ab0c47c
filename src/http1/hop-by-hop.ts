/**
 * What belongs to one connection only (RFC 9110 section 7.6.1) and is never passed on.
 * In: the lines of a head. Out: marks on those lines, and what Connection says about the connection itself.
 * It does not decide whether the connection is kept: that needs the version and the framing.
 */
import { COMMA, equalsLower, find, sameLower, skipBlanks, startsWithLower, trimBlanks } from './bytes.ts';
import { F, FIELD_IDS } from './field-names.ts';
import type { Fields } from './fields.ts';

function fieldSet(...ids: number[]): Uint8Array {
  const set = new Uint8Array(FIELD_IDS);
  for (const id of ids) set[id] = 1;
  return set;
}

/** 1 for the fields that are hop-by-hop whether or not Connection names them. */
export const HOP_BY_HOP = fieldSet(
  F.CONNECTION,
  F.KEEP_ALIVE,
  F.PROXY_CONNECTION,
  F.PROXY_AUTHORIZATION,
  F.PROXY_AUTHENTICATE,
  F.TE,
  F.TRAILER,
  F.TRANSFER_ENCODING,
  F.UPGRADE,
  F.HTTP2_SETTINGS,
);

/**
 * Fields that Connection cannot take away: a client could otherwise strip the framing, the routing or what a proxy
 * before us vouches for. Content-* and X-Forwarded-* are added by prefix.
 */
const PROTECTED = fieldSet(F.HOST, F.CONTENT_LENGTH, F.VIA, F.COOKIE, F.SET_COOKIE, F.X_REQUEST_ID, F.FORWARDED);

/** Bits of what readConnection returns. */
export const OPTION_CLOSE = 1;
export const OPTION_KEEP_ALIVE = 2;
export const OPTION_UPGRADE = 4;

/**
 * Reads all Connection lines: marks the lines they name, returns the OPTION bits found.
 * -1 when they name more fields than a head may have lines: marking costs names times lines.
 */
export function readConnection(fields: Fields): number {
  const buf = fields.buf;
  let options = 0;
  let named = 0;
  for (let i = 0; i < fields.count; i++) {
    if (fields.id[i] !== F.CONNECTION) continue;
    const lineEnd = fields.valueEnd[i];
    for (let pos = fields.valueStart[i]; pos < lineEnd; ) {
      const comma = find(buf, pos, lineEnd, COMMA);
      const start = skipBlanks(buf, pos, comma);
      const end = trimBlanks(buf, start, comma);
      const option = optionOf(buf, start, end);
      options |= option;
      if (option === 0 && end > start) {
        if (++named > fields.maxFields) return -1;
        markNamed(fields, start, end);
      }
      pos = comma + 1;
    }
  }
  return options;
}

function optionOf(buf: Buffer, start: number, end: number): number {
  if (equalsLower(buf, start, end, 'close')) return OPTION_CLOSE;
  if (equalsLower(buf, start, end, 'keep-alive')) return OPTION_KEEP_ALIVE;
  if (equalsLower(buf, start, end, 'upgrade')) return OPTION_UPGRADE;
  return 0;
}

function markNamed(fields: Fields, start: number, end: number): void {
  const buf = fields.buf;
  for (let i = 0; i < fields.count; i++) {
    if (!sameLower(buf, start, end, fields.nameStart[i], fields.nameEnd[i])) continue;
    if (PROTECTED[fields.id[i]] === 1) return;
    if (startsWithLower(buf, start, end, 'content-') || startsWithLower(buf, start, end, 'x-forwarded-')) return;
    fields.hop[i] = 1;
  }
}
