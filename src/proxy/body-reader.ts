/**
 * Takes a request's body out of the bytes of its connection: as long as Content-Length says, or out of its chunks. What one
 * read brought is one piece, however many chunks it was cut into: else a sender of one-byte chunks buys a write a byte.
 */
import { BAD, ChunkedReader, DATA, DONE } from '../http1/chunked.ts';
import { BODY_CHUNKED, BODY_LENGTH, type RequestHead } from '../http1/request-head.ts';

export interface BodySink {
  onBodyPiece(piece: Buffer): void;
  onBodyEnd(): void;
  onBodyMalformed(): void;
}

export class BodyReader {
  /** More of the body is to come. */
  open = false;
  readonly #sink: BodySink;
  #chunks: ChunkedReader | null = null;
  #chunked = false;
  #left = 0;

  constructor(sink: BodySink) {
    this.#sink = sink;
  }

  begin(head: RequestHead): void {
    this.#chunked = head.body === BODY_CHUNKED;
    this.#left = head.body === BODY_LENGTH ? head.contentLength : 0;
    this.open = this.#chunked || this.#left > 0;
    if (!this.#chunked) return;
    this.#chunks ??= new ChunkedReader();
    this.#chunks.reset();
  }

  /** Reads from `pos` on; returns where the body ended, or the buffer's end. The data of chunks is moved together in `buf`. */
  feed(buf: Buffer, pos: number): number {
    if (this.#chunked) return this.#feedChunks(buf, pos);
    const size = Math.min(this.#left, buf.length - pos);
    this.#left -= size;
    if (size > 0) this.#sink.onBodyPiece(buf.subarray(pos, pos + size));
    if (this.#left === 0) this.#end();
    return pos + size;
  }

  #feedChunks(buf: Buffer, from: number): number {
    const chunks = this.#chunks as ChunkedReader;
    let start = -1;
    let end = -1;
    let event = chunks.next(buf, from, buf.length);
    for (; event === DATA; event = chunks.next(buf, chunks.pos, buf.length)) {
      const { dataStart, dataEnd } = chunks;
      if (start === -1) start = end = dataStart;
      if (end !== dataStart) buf.copyWithin(end, dataStart, dataEnd);
      end += dataEnd - dataStart;
    }
    if (end > start) this.#sink.onBodyPiece(buf.subarray(start, end));
    if (event === DONE) {
      this.#end();
      return chunks.pos;
    }
    if (event === BAD) {
      this.open = false;
      this.#sink.onBodyMalformed();
    }
    return buf.length;
  }

  #end(): void {
    this.open = false;
    this.#sink.onBodyEnd();
  }
}
