/**
 * The protocols an Upgrade header offers (RFC 9110 section 7.8), as they may be sent on.
 * In: the lines of a head. Out: a clean list. h2c is left out, in every case and draft version: a connection that turned
 * into cleartext HTTP/2 would carry requests past every rule. What is no protocol name is left out too.
 */
import { COMMA, find, isToken, SLASH, skipBlanks, startsWithLower, trimBlanks } from './bytes.ts';
import { F } from './field-names.ts';
import type { Fields } from './fields.ts';

/** The protocols of all Upgrade lines in their order, latin1, joined by `, `; '' when none is left. */
export function upgradeProtocols(fields: Fields): string {
  const buf = fields.buf;
  let protocols = '';
  for (let i = 0; i < fields.count; i++) {
    if (fields.id[i] !== F.UPGRADE) continue;
    const lineEnd = fields.valueEnd[i];
    for (let pos = fields.valueStart[i]; pos < lineEnd; ) {
      const comma = find(buf, pos, lineEnd, COMMA);
      const start = skipBlanks(buf, pos, comma);
      const end = trimBlanks(buf, start, comma);
      if (isProtocol(buf, start, end) && !startsWithLower(buf, start, end, 'h2c')) {
        const protocol = buf.toString('latin1', start, end);
        protocols = protocols === '' ? protocol : `${protocols}, ${protocol}`;
      }
      pos = comma + 1;
    }
  }
  return protocols;
}

/** token [ "/" token ] */
function isProtocol(buf: Uint8Array, start: number, end: number): boolean {
  const slash = find(buf, start, end, SLASH);
  return isToken(buf, start, slash) && (slash === end || isToken(buf, slash + 1, end));
}
