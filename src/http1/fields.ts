/**
 * The field lines of one HTTP/1.1 head, as byte ranges in the buffer they arrived in (RFC 9112 section 5).
 * One object serves many heads in turn: parsing fills the arrays and allocates nothing; strings are made when asked for.
 * The ranges are good as long as the bytes stay where they were: who moves or overwrites them parses again.
 */
import { EQUALS, equalsLower, equalsText, find, SEMICOLON, skipBlanks, trimBlanks } from './bytes.ts';
import { F } from './field-names.ts';
import { REFUSAL, type Refusal } from './refusal.ts';

export { F } from './field-names.ts';

/** Default for the most lines of a head. */
export const MAX_FIELDS = 100;

export class Fields {
  buf: Buffer = Buffer.alloc(0);
  count = 0;
  /** Why the last head was refused; means nothing otherwise. */
  refusal: Refusal = REFUSAL.NAME;
  readonly maxFields: number;
  /** One of F for each line. */
  readonly id: Uint8Array;
  readonly nameStart: Uint32Array;
  readonly nameEnd: Uint32Array;
  /** Value without the white space around it. */
  readonly valueStart: Uint32Array;
  readonly valueEnd: Uint32Array;
  /**
   * 1: hop-by-hop, or named by Connection: not forwarded (RFC 9110 section 7.6.1). Transfer-Encoding is always marked,
   * since the sender writes the framing itself; Content-Length never, unless the message may not have one (204, 1xx).
   */
  readonly hop: Uint8Array;

  constructor(maxFields = MAX_FIELDS) {
    if (!Number.isInteger(maxFields) || maxFields < 1) throw new RangeError('maxFields is a whole number from 1');
    this.maxFields = maxFields;
    this.id = new Uint8Array(maxFields);
    this.nameStart = new Uint32Array(maxFields);
    this.nameEnd = new Uint32Array(maxFields);
    this.valueStart = new Uint32Array(maxFields);
    this.valueEnd = new Uint32Array(maxFields);
    this.hop = new Uint8Array(maxFields);
  }

  /** Forgets the lines. */
  reset(): void {
    this.count = 0;
  }

  has(id: number): boolean {
    return this.indexOf(id) >= 0;
  }

  /** Index of the first line with that F, -1 when there is none. */
  indexOf(id: number): number {
    for (let i = 0; i < this.count; i++) if (this.id[i] === id) return i;
    return -1;
  }

  /** Name of line `i` as sent, latin1. */
  name(i: number): string {
    return this.buf.toString('latin1', this.nameStart[i], this.nameEnd[i]);
  }

  /** Value of line `i`, latin1. */
  value(i: number): string {
    return this.buf.toString('latin1', this.valueStart[i], this.valueEnd[i]);
  }

  /**
   * All lines of the small-letter `name`, latin1, joined by `, `; empty ones too, as nginx's `$http_` variables do.
   * '' when absent. A name with `_` never matches: servers behind us differ on whether X_A is X-A.
   */
  header(name: string): string {
    if (name.includes('_')) return '';
    let joined = '';
    let found = false;
    for (let i = 0; i < this.count; i++) {
      if (!equalsLower(this.buf, this.nameStart[i], this.nameEnd[i], name)) continue;
      joined = found ? `${joined}, ${this.value(i)}` : this.value(i);
      found = true;
    }
    return joined;
  }

  /**
   * Value of the first cookie called `name` (with case) over all Cookie lines, latin1, '' when absent.
   * Split as RFC 6265 section 5.4 writes them; quotes are part of the value.
   */
  cookie(name: string): string {
    const buf = this.buf;
    for (let i = 0; i < this.count; i++) {
      if (this.id[i] !== F.COOKIE) continue;
      const lineEnd = this.valueEnd[i];
      for (let start = this.valueStart[i]; start < lineEnd; ) {
        const end = find(buf, start, lineEnd, SEMICOLON);
        const equals = find(buf, start, end, EQUALS);
        const nameStart = skipBlanks(buf, start, equals);
        if (equals < end && equalsText(buf, nameStart, trimBlanks(buf, nameStart, equals), name)) {
          const valueStart = skipBlanks(buf, equals + 1, end);
          return buf.toString('latin1', valueStart, trimBlanks(buf, valueStart, end));
        }
        start = end + 1;
      }
    }
    return '';
  }
}
