/**
 * The chunked transfer coding (RFC 9112 section 7.1), read piece by piece, for requests and responses.
 * In: a message's bytes in any cut. Out: where the data stands in them, and where the message ends.
 * Extensions and trailers are checked and dropped: whoever sends the body on frames it anew.
 * Usage: call `next` with the position it left in `pos` until it says NEED_MORE, DONE or BAD.
 */
import { BACKSLASH, COLON, CR, FIELD_BYTE, HEX_VALUE, LF, LOWER, QUOTE, SEMICOLON, TOKEN } from './bytes.ts';
import { isForbiddenTrailer, LONGEST_FORBIDDEN_NAME } from './trailer.ts';

export const NEED_MORE = 0;
/** `dataStart` to `dataEnd` of the buffer is data, at least one byte. */
export const DATA = 1;
/** The message ended at `pos`. */
export const DONE = 2;
/** The framing is broken at `pos`; `problem` says how. */
export const BAD = -1;

export const MAX_EXTENSION_BYTES = 4 * 1024;
/**
 * All extensions of a body may be this much and as many bytes again as there were data: a sender that makes us read
 * without end for nothing (CVE-2024-22019) is stopped, one that signs each chunk of a long upload is not.
 */
export const EXTENSION_ALLOWANCE_BYTES = 16 * 1024;
export const MAX_TRAILER_BYTES = 8 * 1024;
/** Leading zeros included. */
const MAX_SIZE_DIGITS = 16;

const S = {
  SIZE_FIRST: 0,
  SIZE: 1,
  EXTENSION: 2,
  QUOTED: 3,
  ESCAPED: 4,
  SIZE_LF: 5,
  DATA: 6,
  DATA_CR: 7,
  DATA_LF: 8,
  TRAILER_FIRST: 9,
  TRAILER_NAME: 10,
  TRAILER_VALUE: 11,
  TRAILER_LF: 12,
  LAST_LF: 13,
  DONE: 14,
  BAD: 15,
} as const;

export class ChunkedReader {
  pos = 0;
  dataStart = 0;
  dataEnd = 0;
  /** One sentence after BAD. */
  problem = '';
  private state: number = S.SIZE_FIRST;
  /** Of the chunk: its size while that is read, then the bytes still to come. */
  private remaining = 0;
  private digits = 0;
  private extensionBytes = 0;
  private allExtensionBytes = 0;
  private dataBytes = 0;
  private trailerBytes = 0;
  private nameLength = 0;
  /** The trailer's name in small letters, as far as it can matter. */
  private readonly name = new Uint8Array(LONGEST_FORBIDDEN_NAME + 1);

  /** Ready for the next body. */
  reset(): void {
    this.state = S.SIZE_FIRST;
    this.remaining = 0;
    this.digits = 0;
    this.extensionBytes = 0;
    this.allExtensionBytes = 0;
    this.dataBytes = 0;
    this.trailerBytes = 0;
    this.nameLength = 0;
    this.problem = '';
  }

  /** Reads on in `buf` from `start`, at most to `end`: NEED_MORE, DATA, DONE or BAD. Sets `pos` behind what was read. */
  next(buf: Uint8Array, start: number, end: number): number {
    let pos = start;
    while (pos < end && this.state < S.DONE) {
      if (this.state === S.DATA) {
        this.dataStart = pos;
        this.dataEnd = this.pos = Math.min(end, pos + this.remaining);
        this.dataBytes += this.dataEnd - pos;
        this.remaining -= this.dataEnd - pos;
        if (this.remaining === 0) this.state = S.DATA_CR;
        return DATA;
      }
      const problem = this.state < S.DATA ? this.sizeLine(buf[pos]) : this.lineEndOrTrailer(buf[pos]);
      if (problem !== '') {
        this.problem = problem;
        this.state = S.BAD;
        break;
      }
      pos++;
    }
    this.pos = pos;
    if (this.state === S.DONE) return DONE;
    return this.state === S.BAD ? BAD : NEED_MORE;
  }

  /** One byte of `chunk-size [ chunk-ext ] CRLF`: what is wrong with it, or ''. */
  private sizeLine(byte: number): string {
    switch (this.state) {
      case S.SIZE_FIRST:
      case S.SIZE:
        return this.sizeByte(byte);
      case S.SIZE_LF:
        if (byte !== LF) return 'A CR stands without its LF in a chunk size line.';
        this.digits = 0;
        this.state = this.remaining === 0 ? S.TRAILER_FIRST : S.DATA;
        return '';
      default:
        return this.extensionByte(byte);
    }
  }

  private sizeByte(byte: number): string {
    const value = HEX_VALUE[byte];
    if (value < 16) {
      const size = this.remaining * 16 + value;
      if (++this.digits > MAX_SIZE_DIGITS || size > Number.MAX_SAFE_INTEGER) return 'A chunk size is too large.';
      this.remaining = size;
      this.state = S.SIZE;
      return '';
    }
    if (this.state === S.SIZE_FIRST) return 'A chunk size is no hexadecimal number.';
    if (byte === CR) {
      this.state = S.SIZE_LF;
      return '';
    }
    // no blank before the semicolon, though RFC 9112 lets a reader skip one: servers differ on it
    if (byte !== SEMICOLON) return 'A chunk size is no hexadecimal number.';
    this.extensionBytes = 0;
    this.state = S.EXTENSION;
    return '';
  }

  /** Quotes are followed only so far that a line end within them, where readers part ways, is refused. */
  private extensionByte(byte: number): string {
    if (byte === CR && this.state === S.EXTENSION) {
      this.state = S.SIZE_LF;
      return '';
    }
    if (FIELD_BYTE[byte] === 0) return 'A chunk extension holds a control character or an open quote.';
    this.allExtensionBytes++;
    if (++this.extensionBytes > MAX_EXTENSION_BYTES) return 'A chunk extension is too long.';
    if (this.allExtensionBytes > EXTENSION_ALLOWANCE_BYTES + this.dataBytes)
      return 'The chunk extensions are too long.';
    if (this.state === S.ESCAPED) this.state = S.QUOTED;
    else if (byte === QUOTE) this.state = this.state === S.QUOTED ? S.EXTENSION : S.QUOTED;
    else if (byte === BACKSLASH && this.state === S.QUOTED) this.state = S.ESCAPED;
    return '';
  }

  /** One byte of the CRLF after data, of the trailers or of the last CRLF: what is wrong with it, or ''. */
  private lineEndOrTrailer(byte: number): string {
    switch (this.state) {
      case S.DATA_CR:
        this.state = S.DATA_LF;
        return byte === CR ? '' : 'A chunk is longer than its size.';
      case S.DATA_LF:
        this.state = S.SIZE_FIRST;
        return byte === LF ? '' : 'A CR stands without its LF after a chunk.';
      case S.LAST_LF:
        this.state = S.DONE;
        return byte === LF ? '' : 'A CR stands without its LF after the trailers.';
      default:
        if (++this.trailerBytes > MAX_TRAILER_BYTES) return 'The trailers are too large.';
        return this.trailerByte(byte);
    }
  }

  private trailerByte(byte: number): string {
    if (this.state === S.TRAILER_LF) {
      this.state = S.TRAILER_FIRST;
      return byte === LF ? '' : 'A CR stands without its LF in the trailers.';
    }
    if (this.state === S.TRAILER_VALUE) {
      if (byte === CR) this.state = S.TRAILER_LF;
      else if (FIELD_BYTE[byte] === 0) return 'A trailer value holds a control character.';
      return '';
    }
    if (TOKEN[byte] === 1) {
      if (this.state === S.TRAILER_FIRST) this.nameLength = 0;
      this.state = S.TRAILER_NAME;
      // one byte beyond the longest forbidden name is enough to tell it from all of them
      if (this.nameLength < this.name.length) this.name[this.nameLength++] = LOWER[byte];
      return '';
    }
    if (this.state === S.TRAILER_FIRST && byte === CR) {
      this.state = S.LAST_LF;
      return '';
    }
    if (this.state === S.TRAILER_FIRST || byte !== COLON) return 'A trailer is malformed.';
    this.state = S.TRAILER_VALUE;
    return isForbiddenTrailer(this.name, this.nameLength) ? 'A trailer is not allowed to be one.' : '';
  }
}
