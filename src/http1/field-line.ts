/**
 * One field line of a head: `name ":" OWS value OWS CRLF` (RFC 9112 section 5), and nothing laxer.
 * In: the position where a line begins. Out: the position behind it with the line recorded, or why it is refused.
 * What the line means is not known here.
 */
import { COLON, CR, FIELD_BYTE, isBlank, LF, skipBlanks, TOKEN, trimBlanks } from './bytes.ts';
import { fieldId } from './field-names.ts';
import type { Fields } from './fields.ts';
import { HOP_BY_HOP } from './hop-by-hop.ts';
import { REFUSAL, type Refusal } from './refusal.ts';

/** More bytes are needed. Never a position: before a field line stands a start line. */
export const NEED_MORE = 0;
/** Not acceptable; `refusal` says why. */
export const REFUSED = -1;

/**
 * Records the line that begins at `lineStart` (not the empty line) as the next of `fields`.
 * Returns the next line's position, NEED_MORE, or REFUSED as soon as the bytes up to `limit` show it.
 */
export function readFieldLine(fields: Fields, lineStart: number, limit: number): number {
  const buf = fields.buf;
  const i = fields.count;
  if (i === fields.maxFields) return refuse(fields, REFUSAL.TOO_MANY_LINES);

  let pos = lineStart;
  while (pos < limit && TOKEN[buf[pos]] === 1) pos++;
  if (pos === limit) return NEED_MORE;
  if (buf[pos] !== COLON || pos === lineStart) return refuse(fields, nameFault(buf[pos], pos === lineStart));
  const nameEnd = pos;

  const valueStart = skipBlanks(buf, pos + 1, limit);
  pos = valueStart;
  while (pos < limit && FIELD_BYTE[buf[pos]] === 1) pos++;
  if (pos === limit) return NEED_MORE;
  if (buf[pos] !== CR) return refuse(fields, buf[pos] === LF ? REFUSAL.BARE_LF : REFUSAL.VALUE);
  if (pos + 1 === limit) return NEED_MORE;
  if (buf[pos + 1] !== LF) return refuse(fields, REFUSAL.BARE_CR);

  const id = fieldId(buf, lineStart, nameEnd);
  fields.id[i] = id;
  fields.hop[i] = HOP_BY_HOP[id];
  fields.nameStart[i] = lineStart;
  fields.nameEnd[i] = nameEnd;
  fields.valueStart[i] = valueStart;
  fields.valueEnd[i] = trimBlanks(buf, valueStart, pos);
  fields.count = i + 1;
  return pos + 2;
}

/** Why a line whose name ended at `byte` is refused. */
function nameFault(byte: number, atLineStart: boolean): Refusal {
  if (byte === LF) return REFUSAL.BARE_LF;
  if (!atLineStart) return REFUSAL.NAME;
  if (isBlank(byte)) return REFUSAL.FOLDED;
  return byte === COLON ? REFUSAL.EMPTY_NAME : REFUSAL.NAME;
}

function refuse(fields: Fields, refusal: Refusal): number {
  fields.refusal = refusal;
  return REFUSED;
}
