/**
 * A request's head: bytes in, what a proxy must know or a refusal out (RFC 9112 sections 2 to 6, 9.3).
 * Stricter than the RFC where two servers may read the same bytes differently; docs/http.md lists all of it.
 * It does not know services, clusters or limits on bodies, and writes nothing.
 */
import { Authority } from './authority.ts';
import {
  CR,
  equalsLower,
  equalsText,
  find,
  HASH,
  LF,
  LOWER,
  PATH_BYTE,
  QUESTION,
  SLASH,
  SP,
  STAR,
  startsWithLower,
  TARGET_BYTE,
  TOKEN,
} from './bytes.ts';
import { NEED_MORE, REFUSED } from './field-line.ts';
import { F } from './field-names.ts';
import { MAX_FIELDS } from './fields.ts';
import { BODY_CHUNKED } from './framing.ts';
import { OPTION_UPGRADE } from './hop-by-hop.ts';
import { MAX_HEAD_BYTES, MessageHead } from './message-head.ts';
import { REFUSAL, type Refusal } from './refusal.ts';
import { upgradeProtocols } from './upgrade.ts';

export { BODY_CHUNKED, BODY_CLOSE, BODY_LENGTH, BODY_NONE } from './framing.ts';
export type { Refusal } from './refusal.ts';

const MAX_METHOD_BYTES = 32;
/** Empty lines that may stand before a request (RFC 9112 section 2.2): old clients send one after a body. */
const MAX_EMPTY_LINES = 2;

/** Methods that are known by name get one shared string. */
const KNOWN_METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'];
const REPLAYABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export class RequestHead extends MessageHead {
  /** With case: `get` is another method than `GET`. */
  method = '';
  /** GET, HEAD, OPTIONS, PUT, DELETE: may be sent a second time. */
  replayable = false;
  isHead = false;
  /** The origin-form target to send on; for the absolute form what stands behind the authority, empty for none. */
  targetStart = 0;
  targetEnd = 0;
  /** End of the path within the target: before `?`. */
  pathEnd = 0;
  /** The target came in absolute form: its authority counts, not that of Host. */
  absolute = false;
  /** Small letters, without port, brackets and trailing dot. */
  host = '';
  /** 0 when absent. */
  port = 0;
  /** The authority as sent: what goes on as Host. */
  authorityStart = 0;
  authorityEnd = 0;
  /** The client waits for 100 before it sends its body. False where there is no body to wait for. */
  expectContinue = false;
  /** Asks for another protocol than h2c, and has no body; upgradeValue lists what may be sent on as Upgrade. */
  upgrade = false;
  /** Index of the first Upgrade line, -1 unless `upgrade`. */
  upgradeIndex = -1;
  upgradeValue = '';
  private readonly authority = new Authority();
  private expectsContinue = false;

  /** Most bytes of a head (with its empty line), most field lines. */
  constructor(maxHeadBytes = MAX_HEAD_BYTES, maxFields = MAX_FIELDS) {
    super(maxHeadBytes, maxFields);
  }

  /**
   * Reads the head that begins at `start`. Returns its bytes, the empty line (and empty lines before it) included;
   * 0 when more is needed: then call again from the same start of the head; -1 when refused: then see `refusal`.
   */
  parse(buf: Buffer, start: number, end: number): number {
    const pos = this.readHead(buf, start, end);
    if (pos <= 0) return pos;
    const refusal = this.settle();
    return refusal === null ? pos - start : this.refuse(refusal);
  }

  /** The target's path as sent, latin1, without the query; `*` for `OPTIONS *`. */
  path(): string {
    return this.pathEnd === this.targetStart ? '/' : this.buf.toString('latin1', this.targetStart, this.pathEnd);
  }

  override reset(): void {
    super.reset();
    this.absolute = false;
    this.port = 0;
    this.expectContinue = false;
    this.expectsContinue = false;
    this.upgrade = false;
    this.upgradeIndex = -1;
    this.upgradeValue = '';
  }

  protected override readStartLine(start: number, limit: number): number {
    const first = this.skipEmptyLines(start, limit);
    if (first === REFUSED) return REFUSED;
    let pos = this.readMethod(first, limit);
    if (pos > 0) pos = this.readTarget(pos, limit);
    if (pos > 0) pos = this.readVersion(pos, limit, REFUSAL.VERSION);
    if (pos > 0) pos = this.readLineEnd(pos, limit, REFUSAL.VERSION);
    return pos;
  }

  /** Position behind the empty lines (0 is one); REFUSED when there are too many or a CR or LF stands alone. */
  private skipEmptyLines(start: number, limit: number): number {
    const buf = this.buf;
    let pos = start;
    while (pos < limit && (buf[pos] === CR || buf[pos] === LF)) {
      if (buf[pos] === LF) return this.refuse(REFUSAL.BARE_LF);
      if (pos + 1 === limit) return limit;
      if (buf[pos + 1] !== LF) return this.refuse(REFUSAL.BARE_CR);
      pos += 2;
      if (pos - start > 2 * MAX_EMPTY_LINES) return this.refuse(REFUSAL.EMPTY_LINES);
    }
    return pos;
  }

  private readMethod(start: number, limit: number): number {
    const buf = this.buf;
    let pos = start;
    while (pos < limit && TOKEN[buf[pos]] === 1) {
      if (++pos - start > MAX_METHOD_BYTES) return this.refuse(REFUSAL.METHOD_LENGTH);
    }
    if (pos === limit) return NEED_MORE;
    if (buf[pos] !== SP || pos === start) return this.refuse(REFUSAL.METHOD);
    this.method = methodName(buf, start, pos);
    if (this.method === 'CONNECT' || this.method === 'TRACE') return this.refuse(REFUSAL.METHOD_NOT_ALLOWED);
    this.replayable = REPLAYABLE_METHODS.has(this.method);
    this.isHead = this.method === 'HEAD';
    return pos + 1;
  }

  /** Reads the target and the space behind it. */
  private readTarget(start: number, limit: number): number {
    const buf = this.buf;
    if (start === limit) return NEED_MORE;
    // as early as it shows: TLS hellos, authority form, a missing slash
    const first = LOWER[buf[start]];
    if (first !== SLASH && first !== STAR && first !== 0x68 /* h */) return this.refuse(REFUSAL.TARGET);
    let pos = start;
    while (pos < limit && PATH_BYTE[buf[pos]] === 1) pos++;
    const pathEnd = pos;
    while (pos < limit && TARGET_BYTE[buf[pos]] === 1) pos++;
    if (pos === limit) return NEED_MORE;
    if (buf[pos] !== SP) return this.refuse(targetFault(buf[pos]));
    this.targetStart = start;
    this.targetEnd = pos;
    this.pathEnd = pathEnd;
    const refusal = this.readForm(first);
    return refusal === null ? pos + 1 : this.refuse(refusal);
  }

  /** Origin form as it is, `*` for OPTIONS alone, or absolute form, which is cut to its path (RFC 9112 section 3.2). */
  private readForm(first: number): Refusal | null {
    if (first === SLASH) return null;
    const { buf, targetStart, targetEnd } = this;
    if (first === STAR) {
      return targetEnd - targetStart === 1 && this.method === 'OPTIONS' ? null : REFUSAL.TARGET;
    }
    // https too: an ingress before us may have ended the TLS
    const scheme = startsWithLower(buf, targetStart, targetEnd, 'https://') ? 8 : 7;
    if (scheme === 7 && !startsWithLower(buf, targetStart, targetEnd, 'http://')) return REFUSAL.TARGET;
    const start = targetStart + scheme;
    const end = Math.min(find(buf, start, targetEnd, SLASH), find(buf, start, targetEnd, QUESTION));
    if (!this.takeAuthority(start, end)) return REFUSAL.TARGET_AUTHORITY;
    // `http://host?x` would have to go on as `/?x`, which are not bytes of this head
    if (end < targetEnd && buf[end] === QUESTION) return REFUSAL.TARGET_QUERY;
    this.absolute = true;
    this.targetStart = end;
    return null;
  }

  /** Makes the bytes the authority of this request; false when they are none. */
  private takeAuthority(start: number, end: number): boolean {
    const { authority, buf } = this;
    if (!authority.read(buf, start, end)) return false;
    this.authorityStart = start;
    this.authorityEnd = end;
    this.port = authority.port;
    // mostly the host of the last request: keeping that string keeps its hash for the routing table
    if (!equalsLower(buf, authority.hostStart, authority.hostEnd, this.host)) {
      this.host = buf.toString('latin1', authority.hostStart, authority.hostEnd).toLowerCase();
    }
    return true;
  }

  protected override take(id: number, i: number): Refusal | null {
    const start = this.valueStart[i];
    const end = this.valueEnd[i];
    if (id === F.HOST) {
      if (this.isSeen(F.HOST)) return REFUSAL.HOST_REPEATED;
      // RFC 9112 section 3.2.2: beside an absolute target Host is ignored, but it still must be one
      const good = this.absolute ? this.authority.read(this.buf, start, end) : this.takeAuthority(start, end);
      return good ? null : REFUSAL.HOST;
    }
    if (id === F.EXPECT) {
      if (this.isSeen(F.EXPECT) || !equalsLower(this.buf, start, end, '100-continue')) return REFUSAL.EXPECTATION;
      this.expectsContinue = true;
    }
    return null;
  }

  /** What only the whole head tells. */
  private settle(): Refusal | null {
    if (!this.isSeen(F.HOST) && !(this.absolute && this.minor === 0)) return REFUSAL.HOST_MISSING;
    if (!this.settleConnection()) return this.refusal;
    const hasBody = this.body === BODY_CHUNKED || this.contentLength > 0;
    // RFC 9110 section 10.1.1: an HTTP/1.0 client would not understand the 100
    this.expectContinue = this.expectsContinue && this.minor === 1 && hasBody;
    // Ignored with a body, as RFC 9110 section 7.8 allows: a switch in the middle of it would have no right place.
    if ((this.options & OPTION_UPGRADE) !== 0 && this.isSeen(F.UPGRADE) && this.minor === 1 && !hasBody) {
      this.upgradeValue = upgradeProtocols(this);
      this.upgrade = this.upgradeValue !== '';
      if (this.upgrade) this.upgradeIndex = this.indexOf(F.UPGRADE);
    }
    return null;
  }
}

function methodName(buf: Buffer, start: number, end: number): string {
  for (const known of KNOWN_METHODS) if (equalsText(buf, start, end, known)) return known;
  return buf.toString('latin1', start, end);
}

/** Why a target that ended at `byte` is refused. */
function targetFault(byte: number): Refusal {
  if (byte === HASH) return REFUSAL.TARGET_FRAGMENT;
  // `GET /` and a line end: HTTP/0.9
  return byte === CR || byte === LF ? REFUSAL.VERSION : REFUSAL.TARGET_BYTE;
}
