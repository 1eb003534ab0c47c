/**
 * The lines of outcome.log. In: bytes that end with a line feed. Out: each line as numbers and one shared object, told to a
 * sink; a full line as its text, which `full-line.ts` takes apart. A busy proxy writes 50 000 brief lines a second, so these are read
 * without making anything. Whatever does not fit exactly is garbage (a disk that was full cuts lines in the middle, and the
 * next one is glued to the rest); reading goes on behind the next line feed.
 */
import { type Decided, DecidedTable, FNV_BASIS, FNV_PRIME } from './decided.ts';

export interface LineSink {
  /**
   * One attempt, answered, complete. `at`: position of the line in `buf`. `endMs`: epoch ms of the machine's clock when the
   * request ended; `durationMs`: of the whole request.
   */
  brief(at: number, endMs: number, connection: number, decided: Decided, status: number, durationMs: number): void;
  /** A line that goes on after that: its text without the line feed. */
  full(at: number, text: string): void;
  garbage(at: number): void;
}

const LF = 0x0a;
const TAB = 0x09;
const DOT = 0x2e;
const ZERO = 0x30;
/** Seconds since 1970 have ten digits from 2001 to 2286: a time glued to another is found out. */
const SECONDS_DIGITS = 10;

export class OutcomeLines {
  readonly #decided = new DecidedTable();
  #pos = 0;

  /** Tells the lines of buf[start..end); buf[end - 1] must be a line feed. */
  read(buf: Buffer, start: number, end: number, sink: LineSink): void {
    this.#pos = start;
    while (this.#pos < end) {
      const at = this.#pos;
      if (!this.#line(buf, at, sink)) {
        this.#pos = buf.indexOf(LF, at) + 1;
        sink.garbage(at);
      }
    }
  }

  /** `$msec TAB $connection TAB $service TAB $decision TAB $status TAB $request_time`, LF or a TAB and more. False: it is none. */
  #line(buf: Buffer, at: number, sink: LineSink): boolean {
    let pos = at;
    const seconds = this.#digits(buf, pos);
    pos += SECONDS_DIGITS;
    if (this.#pos !== pos || buf[pos] !== DOT) return false;
    const milliseconds = this.#digits(buf, pos + 1);
    pos += 4;
    if (this.#pos !== pos || buf[pos] !== TAB) return false;
    const connection = this.#digits(buf, pos + 1);
    if (this.#pos === pos + 1 || buf[this.#pos] !== TAB) return false;
    const decidedAt = this.#pos + 1;

    let hash = FNV_BASIS;
    let tabs = 0;
    for (pos = decidedAt; ; pos++) {
      const byte = buf[pos];
      if (byte === LF) return false;
      if (byte === TAB && ++tabs === 2) break;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    const decidedEnd = pos;

    const status = this.#digits(buf, pos + 1);
    pos += 4;
    if (this.#pos !== pos || buf[pos] !== TAB) return false;
    const wholeSeconds = this.#digits(buf, pos + 1);
    if (this.#pos === pos + 1 || buf[this.#pos] !== DOT) return false;
    pos = this.#pos + 1;
    const thousandths = this.#digits(buf, pos);
    if (this.#pos !== pos + 3) return false;
    if (buf[pos + 3] === TAB) {
      const lineEnd = buf.indexOf(LF, pos);
      this.#pos = lineEnd + 1;
      sink.full(at, buf.toString('latin1', at, lineEnd));
      return true;
    }
    if (buf[pos + 3] !== LF) return false;
    const decided = this.#decided.get(buf, decidedAt, decidedEnd, hash ^ (hash >>> 15));
    if (decided === null) return false;
    this.#pos = pos + 4;
    sink.brief(at, seconds * 1_000 + milliseconds, connection, decided, status, wholeSeconds * 1_000 + thousandths);
    return true;
  }

  /** The number whose digits begin at `pos`; where they end is left in #pos. */
  #digits(buf: Buffer, pos: number): number {
    let value = 0;
    for (; ; pos++) {
      const digit = buf[pos] - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    this.#pos = pos;
    return value;
  }
}
