/**
 * A response's head as an origin sends it: bytes in, facts or a problem out (RFC 9112 sections 4 and 6.3).
 * An origin gets no more leniency in its framing than a client: what it means must be certain before it is sent on.
 * It does not know whether a status is a failure; that is the fallback's business.
 */
import {
  COMMA,
  FIELD_BYTE,
  find,
  isBlank,
  NINE,
  SEMICOLON,
  SP,
  skipBlanks,
  startsWithLower,
  trimBlanks,
  ZERO,
} from './bytes.ts';
import { NEED_MORE } from './field-line.ts';
import { F } from './field-names.ts';
import { BODY_CHUNKED, BODY_CLOSE, BODY_LENGTH, BODY_NONE, readContentLength } from './framing.ts';
import { MessageHead } from './message-head.ts';
import { REFUSAL, type Refusal } from './refusal.ts';

const EVENT_STREAM = 'text/event-stream';

export class ResponseHead extends MessageHead {
  /**
   * 100 to 999. Those from 600 on are outside of RFC 9110 section 15, but in use inside companies; they pass as they
   * did before the proxy came.
   */
  status = 0;
  /** The reason phrase, possibly empty. */
  reasonStart = 0;
  reasonEnd = 0;
  /** Seconds the origin promises to keep the idle connection (Keep-Alive: timeout=), -1 when it says nothing. */
  keepAliveTimeoutSec = -1;
  /** Content-Type is text/event-stream. */
  eventStream = false;

  /** Why the last head was refused, one sentence. */
  get problem(): string {
    return this.refusal.detail;
  }

  /**
   * Reads the head that begins at `start`; `answersHead` says that the request was HEAD (no body, whatever the framing).
   * Returns its bytes, the empty line included; 0 when more is needed: then call again from the same start of the head;
   * -1 when it cannot be trusted: then see `problem`.
   */
  parse(buf: Buffer, start: number, end: number, answersHead: boolean): number {
    const pos = this.readHead(buf, start, end);
    if (pos <= 0) return pos;
    if (!this.settleConnection()) return this.refuse(this.refusal);
    this.settleBody(answersHead);
    return pos - start;
  }

  override reset(): void {
    super.reset();
    this.status = 0;
    this.keepAliveTimeoutSec = -1;
    this.eventStream = false;
  }

  protected override readStartLine(start: number, limit: number): number {
    let pos = this.readVersion(start, limit, REFUSAL.STATUS_LINE);
    if (pos > 0) pos = this.readStatus(pos, limit);
    if (pos > 0) pos = this.readReason(pos, limit);
    return pos;
  }

  /** Reads a space and three digits. */
  private readStatus(start: number, limit: number): number {
    const buf = this.buf;
    let status = 0;
    for (let i = 0; i < 4; i++) {
      if (start + i === limit) return NEED_MORE;
      const byte = buf[start + i];
      const fits = i === 0 ? byte === SP : byte >= (i === 1 ? ZERO + 1 : ZERO) && byte <= NINE;
      if (!fits) return this.refuse(REFUSAL.STATUS_LINE);
      if (i > 0) status = status * 10 + (byte - ZERO);
    }
    this.status = status;
    return start + 4;
  }

  /** Reads a space, the reason and the line end. The space may be missing with the reason: many servers leave it out. */
  private readReason(start: number, limit: number): number {
    const buf = this.buf;
    if (start === limit) return NEED_MORE;
    let pos = buf[start] === SP ? start + 1 : start;
    this.reasonStart = pos;
    if (pos > start) while (pos < limit && FIELD_BYTE[buf[pos]] === 1) pos++;
    this.reasonEnd = pos;
    return this.readLineEnd(pos, limit, pos > start ? REFUSAL.REASON : REFUSAL.STATUS_LINE);
  }

  protected override take(id: number, i: number): Refusal | null {
    const { buf } = this;
    const start = this.valueStart[i];
    const end = this.valueEnd[i];
    if (id === F.KEEP_ALIVE) {
      const timeoutSec = readTimeout(buf, start, end);
      if (timeoutSec >= 0) this.keepAliveTimeoutSec = timeoutSec;
    } else if (id === F.CONTENT_TYPE && startsWithLower(buf, start, end, EVENT_STREAM)) {
      const next = start + EVENT_STREAM.length;
      this.eventStream = next === end || isBlank(buf[next]) || buf[next] === SEMICOLON;
    }
    return null;
  }

  /** RFC 9112 section 6.3. */
  private settleBody(answersHead: boolean): void {
    const { status } = this;
    const lengthForbidden = status < 200 || status === 204;
    if (lengthForbidden && this.body === BODY_LENGTH) {
      // RFC 9110 section 8.6: not to be sent on; and who announces bytes here may well send them
      this.hop[this.indexOf(F.CONTENT_LENGTH)] = 1;
    }
    if (lengthForbidden && (this.body === BODY_CHUNKED || this.contentLength > 0)) this.keepAlive = false;
    if (answersHead || lengthForbidden || status === 304) {
      this.body = BODY_NONE;
    } else if (this.body === BODY_NONE) {
      this.body = BODY_CLOSE;
      this.keepAlive = false;
    }
  }
}

/** Seconds of `timeout=N` in a Keep-Alive value, -1 without. */
function readTimeout(buf: Buffer, start: number, end: number): number {
  const name = 'timeout=';
  for (let pos = start; pos < end; ) {
    const comma = find(buf, pos, end, COMMA);
    const first = skipBlanks(buf, pos, comma);
    if (startsWithLower(buf, first, comma, name)) {
      return Math.max(-1, readContentLength(buf, first + name.length, trimBlanks(buf, first, comma)));
    }
    pos = comma + 1;
  }
  return -1;
}
