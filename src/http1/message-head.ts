/**
 * What request and response heads share: version, field lines up to the empty line, framing, Connection.
 * In: one contiguous buffer that holds at least the bytes since the head began; each call reads them anew, so that no
 * state stands between two calls and one object can serve many connections. Out: facts, or a refusal.
 * A result depends on the bytes alone, never on how they were cut into pieces.
 */
import { CR, LF, NINE, ZERO } from './bytes.ts';
import { NEED_MORE, REFUSED, readFieldLine } from './field-line.ts';
import { F, FIELD_IDS } from './field-names.ts';
import { Fields, MAX_FIELDS } from './fields.ts';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  LENGTH_MALFORMED,
  LENGTH_OVERFLOW,
  readContentLength,
  readTransferEncoding,
} from './framing.ts';
import { OPTION_CLOSE, OPTION_KEEP_ALIVE, readConnection } from './hop-by-hop.ts';
import { REFUSAL, type Refusal } from './refusal.ts';

export const MAX_HEAD_BYTES = 32 * 1024;

const HTTP_VERSION = 'HTTP/#.#';

export abstract class MessageHead extends Fields {
  readonly maxHeadBytes: number;
  /** Minor version: 0 or 1. */
  minor = 1;
  /** BODY_NONE, BODY_LENGTH, BODY_CHUNKED; for responses also BODY_CLOSE. */
  body: number = BODY_NONE;
  /** Bytes; 0 without Content-Length. */
  contentLength = 0;
  /** The sender may go on with this connection after this message (RFC 9112 section 9.3). */
  keepAlive = false;
  /** OPTION bits of Connection. */
  protected options = 0;
  protected startLineRead = false;
  private readonly seen = new Uint8Array(FIELD_IDS);

  constructor(maxHeadBytes = MAX_HEAD_BYTES, maxFields = MAX_FIELDS) {
    super(maxFields);
    if (!Number.isInteger(maxHeadBytes) || maxHeadBytes < 1)
      throw new RangeError('maxHeadBytes is a whole number from 1');
    this.maxHeadBytes = maxHeadBytes;
  }

  override reset(): void {
    super.reset();
    this.minor = 1;
    this.body = BODY_NONE;
    this.contentLength = 0;
    this.keepAlive = false;
    this.options = 0;
    this.startLineRead = false;
    this.seen.fill(0);
  }

  /** Reads the start line: the position behind its CRLF, NEED_MORE or REFUSED. */
  protected abstract readStartLine(start: number, limit: number): number;
  /** Takes note of line `i`, one of the known fields that framing does not settle; why it is refused, or null. */
  protected abstract take(id: number, i: number): Refusal | null;

  /**
   * Reads a head from `start`: the position behind its empty line, NEED_MORE or REFUSED.
   * Nothing beyond maxHeadBytes is looked at.
   */
  protected readHead(buf: Buffer, start: number, end: number): number {
    this.reset();
    this.buf = buf;
    const limit = Math.min(end, start + this.maxHeadBytes);
    let pos = this.readStartLine(start, limit);
    if (pos > 0) {
      this.startLineRead = true;
      pos = this.readLines(pos, limit);
    }
    if (pos === NEED_MORE && limit - start === this.maxHeadBytes) {
      return this.refuse(this.startLineRead ? REFUSAL.HEAD_TOO_LARGE : REFUSAL.URI_TOO_LONG);
    }
    return pos;
  }

  private readLines(first: number, limit: number): number {
    const buf = this.buf;
    let pos = first;
    while (pos < limit) {
      if (buf[pos] === CR) return this.readLineEnd(pos, limit, REFUSAL.BARE_CR);
      pos = readFieldLine(this, pos, limit);
      if (pos <= 0) return pos;
      const i = this.count - 1;
      const id = this.id[i];
      if (id !== F.OTHER) {
        const refusal = this.takeFraming(id, i);
        if (refusal !== null) return this.refuse(refusal);
        this.seen[id] = 1;
      }
    }
    return NEED_MORE;
  }

  /** Reads CR LF; `otherwise` is why anything else is refused. */
  protected readLineEnd(pos: number, limit: number, otherwise: Refusal): number {
    if (pos === limit) return NEED_MORE;
    if (this.buf[pos] !== CR) return this.refuse(this.buf[pos] === LF ? REFUSAL.BARE_LF : otherwise);
    if (pos + 1 === limit) return NEED_MORE;
    return this.buf[pos + 1] === LF ? pos + 2 : this.refuse(REFUSAL.BARE_CR);
  }

  /** Reads `HTTP/1.0` or `HTTP/1.1` and sets `minor`; anything without that shape is refused as `malformed`. */
  protected readVersion(pos: number, limit: number, malformed: Refusal): number {
    const buf = this.buf;
    for (let i = 0; i < HTTP_VERSION.length; i++) {
      if (pos + i === limit) return NEED_MORE;
      const byte = buf[pos + i];
      const fits = i === 5 || i === 7 ? byte >= ZERO && byte <= NINE : byte === HTTP_VERSION.charCodeAt(i);
      if (!fits) return this.refuse(malformed);
    }
    const minor = buf[pos + 7] - ZERO;
    if (buf[pos + 5] !== ZERO + 1 || minor > 1) return this.refuse(REFUSAL.VERSION_NOT_SUPPORTED);
    this.minor = minor;
    return pos + HTTP_VERSION.length;
  }

  private takeFraming(id: number, i: number): Refusal | null {
    const seen = this.seen;
    if (id === F.CONTENT_LENGTH) {
      // a list or an equal repetition is refused as well: nginx does, and whoever is behind us may not read it as we do
      if (seen[F.CONTENT_LENGTH] === 1) return REFUSAL.LENGTH_REPEATED;
      if (seen[F.TRANSFER_ENCODING] === 1) return REFUSAL.LENGTH_AND_CODING;
      const length = readContentLength(this.buf, this.valueStart[i], this.valueEnd[i]);
      if (length === LENGTH_MALFORMED) return REFUSAL.LENGTH;
      if (length === LENGTH_OVERFLOW) return REFUSAL.LENGTH_OVERFLOW;
      this.contentLength = length;
      this.body = BODY_LENGTH;
      return null;
    }
    if (id === F.TRANSFER_ENCODING) {
      if (seen[F.TRANSFER_ENCODING] === 1) return REFUSAL.CODING_REPEATED;
      if (seen[F.CONTENT_LENGTH] === 1) return REFUSAL.LENGTH_AND_CODING;
      if (this.minor === 0) return REFUSAL.CODING_OLD_VERSION;
      this.body = BODY_CHUNKED;
      return readTransferEncoding(this.buf, this.valueStart[i], this.valueEnd[i]);
    }
    return this.take(id, i);
  }

  /** After the empty line: marks what Connection names and sets `keepAlive`. False when refused. */
  protected settleConnection(): boolean {
    if (this.seen[F.CONNECTION] === 1) {
      const options = readConnection(this);
      if (options < 0) {
        this.refusal = REFUSAL.CONNECTION;
        return false;
      }
      this.options = options;
    }
    this.keepAlive =
      (this.options & OPTION_CLOSE) === 0 && (this.minor === 1 || (this.options & OPTION_KEEP_ALIVE) !== 0);
    return true;
  }

  protected isSeen(id: number): boolean {
    return this.seen[id] === 1;
  }

  protected refuse(refusal: Refusal): number {
    this.refusal = refusal;
    return REFUSED;
  }
}
