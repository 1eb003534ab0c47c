/**
 * The body of an answer on its way to the client: framed by the backend in one way, to the client perhaps in another.
 * One object serves all answers of a client connection in turn. Small pieces leave from the scratch buffer together with
 * what stands before them; large ones leave from the backend's own read buffer, which then has to wait until they have.
 */
import type { Socket } from 'node:net';
import { BAD, ChunkedReader, DATA, DONE, NEED_MORE } from '../http1/chunked.ts';
import { BODY_CHUNKED, BODY_CLOSE, BODY_LENGTH, BODY_NONE } from '../http1/request-head.ts';
import { CHUNK_HEAD_BYTES, frameChunk, writeLastChunk } from './head-writer.ts';
import { copyBytes, type Scratch } from './scratch.ts';

/**
 * Pieces up to this are copied behind what is already in the scratch buffer. Not less than a TLS record (RFC 8446 section
 * 5.1): what TLS read must not be lent, for it decrypts into its buffer even after it was asked to wait.
 */
const COPY_BYTES = 16 * 1024;

/** `more`: go on reading. `wait`: pause the backend until `onFlushed` or the client's `drain`. */
export type RelayState = 'more' | 'wait' | 'done' | 'broken';

export class AnswerRelay {
  readonly #socket: Socket;
  readonly #flushed: () => void;
  readonly #chunks = new ChunkedReader();
  #from = BODY_NONE;
  /** Framed as chunks for the client. */
  #chunkedOut = false;
  #remaining = 0;
  /** Where the body ended in the buffer given last. */
  end = 0;
  /** Bytes of that buffer itself are still on their way: it must not be read into before `onFlushed`. */
  lent = false;

  /** `onFlushed` is called when bytes lent from a backend's buffer have left. */
  constructor(socket: Socket, onFlushed: () => void) {
    this.#socket = socket;
    this.#flushed = onFlushed;
  }

  /** `chunkedOut`: a client of HTTP/1.1 gets a body of unknown length in chunks; one of 1.0 until the end of connection. */
  begin(from: number, contentLength: number, out: 'chunked' | 'plain'): void {
    this.#from = from;
    this.#remaining = contentLength;
    this.#chunkedOut = out === 'chunked' && (from === BODY_CHUNKED || from === BODY_CLOSE);
    if (from === BODY_CHUNKED) this.#chunks.reset();
  }

  /** Under way, and only the end of the client's connection will tell it that the body is complete (HTTP/1.0). */
  get endsWithConnection(): boolean {
    return (this.#from === BODY_CHUNKED || this.#from === BODY_CLOSE) && !this.#chunkedOut;
  }

  /** True when nothing of the body is to come. */
  get complete(): boolean {
    return this.#from === BODY_NONE || (this.#from === BODY_LENGTH && this.#remaining === 0);
  }

  /** Passes buf[pos..end) on, behind the `ready` bytes that already wait in the scratch buffer. */
  push(buf: Buffer, pos: number, end: number, scratch: Scratch, ready: number): RelayState {
    this.lent = false;
    if (this.#from === BODY_CHUNKED) return this.#pushChunks(buf, pos, end, scratch, ready);
    let size = end - pos;
    if (this.#from === BODY_NONE) size = 0;
    else if (this.#from === BODY_LENGTH && size > this.#remaining) size = this.#remaining;
    this.end = pos + size;
    if (this.#from === BODY_LENGTH) this.#remaining -= size;
    const waits = this.#chunkedOut
      ? this.#sendChunk(buf, pos, size, scratch, ready)
      : this.#sendPlain(buf, pos, size, scratch, ready);
    if (this.complete) return 'done';
    return waits ? 'wait' : 'more';
  }

  /** The backend closed. `done`: that is how this body ends. */
  close(scratch: Scratch): RelayState {
    if (this.#from !== BODY_CLOSE) return 'broken';
    this.#from = BODY_NONE;
    if (this.#chunkedOut) scratch.send(this.#socket, writeLastChunk(scratch.buf, 0), 'lend');
    return 'done';
  }

  #sendPlain(buf: Buffer, pos: number, size: number, scratch: Scratch, ready: number): boolean {
    if (size <= COPY_BYTES) {
      const length = copyBytes(buf, pos, pos + size, scratch.buf, ready);
      return length > 0 && !scratch.send(this.#socket, length, 'lend');
    }
    this.#socket.cork();
    if (ready > 0) scratch.send(this.#socket, ready, 'copy');
    this.#socket.write(buf.subarray(pos, pos + size), this.#flushed);
    this.#socket.uncork();
    this.lent = this.#socket.writableLength > 0;
    return this.lent;
  }

  #sendChunk(buf: Buffer, pos: number, size: number, scratch: Scratch, ready: number): boolean {
    copyBytes(buf, pos, pos + size, scratch.buf, ready + CHUNK_HEAD_BYTES);
    const length = frameChunk(scratch.buf, ready, size);
    return length > 0 && !scratch.send(this.#socket, length, 'lend');
  }

  /** All data of this read become one chunk (or, for HTTP/1.0, one plain write). */
  #pushChunks(buf: Buffer, pos: number, end: number, scratch: Scratch, ready: number): RelayState {
    const chunks = this.#chunks;
    const start = this.#chunkedOut ? ready + CHUNK_HEAD_BYTES : ready;
    let length = start;
    let event = NEED_MORE;
    do {
      event = chunks.next(buf, pos, end);
      pos = chunks.pos;
      if (event === DATA) length = copyBytes(buf, chunks.dataStart, chunks.dataEnd, scratch.buf, length);
    } while (event === DATA);
    this.end = pos;
    if (this.#chunkedOut) {
      length = frameChunk(scratch.buf, ready, length - start);
      if (event === DONE) length = writeLastChunk(scratch.buf, length);
    }
    if (event === DONE) this.#from = BODY_NONE;
    const waits = length > 0 && !scratch.send(this.#socket, length, 'lend');
    if (event === BAD) return 'broken';
    if (event === DONE) return 'done';
    return waits ? 'wait' : 'more';
  }
}
