/**
 * The answer of one attempt, from the backend's first byte to its last: heads read, interim ones passed, the final one
 * rewritten, the body handed to the relay. What it means for the request (another attempt, the end) its exchange decides.
 */
import type { FailureKind } from '../fallback/outcome.ts';
import { F } from '../http1/fields.ts';
import { MAX_HEAD_BYTES } from '../http1/message-head.ts';
import { BODY_CHUNKED, BODY_CLOSE, BODY_LENGTH } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { type AnswerLines, writeAnswerHead, writeInterimHead } from './answer-head.ts';
import type { RelayState } from './answer-relay.ts';
import type { Client } from './client.ts';
import type { PlaneContext } from './plane-context.ts';
import type { RequestContext } from './request-context.ts';

/** The request that is answered. */
export interface Answered {
  /** The head of a final answer is here. True: another attempt takes its place, nothing of it goes out. */
  onAnswerHead(answer: Answer, whole: boolean): boolean;
  /** Were this answer of `status` to break off now, another attempt could take its place. */
  couldBeReplaced(status: number): boolean;
  /** Header lines of our own for it, and whether new_host is renamed in it. */
  answerLines(): { readonly own: string; readonly renames: boolean };
  /** Something of it has gone out, more is to come: within `timeLimit`. */
  onAnswerProgress(): void;
  /** It waits for the client to take what was written. */
  onAnswerBlocked(): void;
  /** It is complete. Returns whether its connection may read on. */
  onAnswerEnd(ending: 'clean' | 'more_than_asked'): boolean;
  /** 101 to a request that asked for it; its head has gone out. Returns whether to read on. */
  onSwitchedProtocols(buf: Buffer, pos: number, end: number): boolean;
  onAnswerBroken(kind: FailureKind, message: string): void;
}

export class Answer {
  status = 0;
  /** A byte of the backend has come. */
  received = false;
  /** Something of an answer, interim ones included, has gone to the client. */
  begun = false;
  /** The final head has gone out. */
  inBody = false;
  eventStream = false;
  /** The backend's side of it: may serve again, and how long it keeps idle. */
  reusable = false;
  keepAliveSec = -1;
  /** The client's connection ends with it. */
  closesClient = false;
  readonly #plane: PlaneContext;
  readonly #client: Client;
  readonly #context: RequestContext;
  readonly #request: Answered;
  #partial: Buffer | null = null;
  /** Of the heads of interim answers, which together may be as large as a head. */
  #interimBytes = 0;
  /** All of them left the connection as it was. */
  #soundInterim = true;
  /** A small answer, kept back until it is whole: room for all of it, and how much is there. */
  #kept: Buffer | null = null;
  #keptBytes = 0;

  constructor(plane: PlaneContext, client: Client, context: RequestContext, request: Answered) {
    this.#plane = plane;
    this.#client = client;
    this.#context = context;
    this.#request = request;
  }

  /** Another attempt begins. */
  reset(): void {
    this.received = false;
    this.#partial = null;
    this.#interimBytes = 0;
    this.#soundInterim = true;
    this.#kept = null;
  }

  /** Its head is here and good, the rest is awaited before anything goes out. */
  get isKeptBack(): boolean {
    return this.#kept !== null;
  }

  /** Bytes buf[0..length) of the backend. Returns whether to read on. */
  onData(buf: Buffer, length: number): boolean {
    this.received = true;
    if (this.inBody) return this.#relayed(this.#client.relay.push(buf, 0, length, this.#plane.scratch, 0), length);
    if (this.#kept !== null) return this.#keepMore(this.#kept, buf, length);
    if (this.#partial === null) return this.#readHead(buf, length);
    const whole = Buffer.concat([this.#partial, buf.subarray(0, length)]);
    this.#partial = null;
    return this.#readHead(whole, whole.length);
  }

  /** The backend sends no more. False: that is not how this answer ends. */
  onEnd(): boolean {
    if (!this.inBody || this.#client.relay.close(this.#plane.scratch) !== 'done') return false;
    this.#request.onAnswerEnd('clean');
    return true;
  }

  #readHead(buf: Buffer, length: number): boolean {
    const head = this.#plane.responseHead;
    let pos = 0;
    for (;;) {
      const size = head.parse(buf, pos, length, this.#context.head.isHead);
      if (size === 0) {
        // The read buffer is about to be filled again.
        this.#partial = Buffer.from(buf.subarray(pos, length));
        return true;
      }
      if (size < 0) {
        this.#request.onAnswerBroken('invalid_response', head.problem);
        return false;
      }
      pos += size;
      if (head.status >= 200) {
        if (this.#isKeptBack(head, length - pos)) return this.#keep(head, buf, pos - size, pos, length);
        return this.#begin(head, buf, pos, length);
      }
      if (head.status === 101) return this.#switchProtocols(head, buf, pos, length);
      this.#interimBytes += size;
      if (this.#interimBytes > MAX_HEAD_BYTES) {
        // Each costs us a write, and nothing else would end them before the time limit does.
        this.#request.onAnswerBroken('invalid_response', 'interim answers without end');
        return false;
      }
      if (!head.keepAlive) this.#soundInterim = false;
      this.#passInterim(head, pos);
    }
  }

  /**
   * An answer of known, small length that is not whole yet waits until it is, while another attempt could still replace it:
   * what breaks off in the middle is then no loss to the client.
   */
  #isKeptBack(head: ResponseHead, received: number): boolean {
    return (
      head.body === BODY_LENGTH &&
      head.contentLength > received &&
      head.contentLength <= this.#plane.limits.replayBytes &&
      this.#request.couldBeReplaced(head.status)
    );
  }

  #keep(head: ResponseHead, buf: Buffer, start: number, bodyStart: number, end: number): boolean {
    this.#kept = Buffer.allocUnsafe(bodyStart - start + head.contentLength);
    this.#keptBytes = buf.copy(this.#kept, 0, start, end);
    this.#request.onAnswerProgress();
    return true;
  }

  #keepMore(kept: Buffer, buf: Buffer, length: number): boolean {
    const taken = buf.copy(kept, this.#keptBytes, 0, length);
    this.#keptBytes += taken;
    if (this.#keptBytes < kept.length) {
      this.#request.onAnswerProgress();
      return true;
    }
    this.#kept = null;
    const whole = taken === length ? kept : Buffer.concat([kept, buf.subarray(taken, length)]);
    return this.#readHead(whole, whole.length);
  }

  /** 100 only to those who asked for it (RFC 9110 section 10.1.1); none to HTTP/1.0. */
  #passInterim(head: ResponseHead, headEnd: number): void {
    const request = this.#context.head;
    if (request.minor === 0 || (head.status === 100 && !request.expectContinue)) return;
    // Hints for a client that does not read what it has: a flood of them would fill our memory.
    if (this.#client.socket.writableNeedDrain) return;
    this.begun = true;
    const { scratch } = this.#plane;
    scratch.send(this.#client.socket, writeInterimHead(head, headEnd - 2, scratch.buf), 'lend');
  }

  #switchProtocols(head: ResponseHead, buf: Buffer, pos: number, length: number): boolean {
    if (!this.#context.head.upgrade || !this.#client.body.complete) {
      this.#request.onAnswerBroken('invalid_response', '101 that nobody asked for');
      return false;
    }
    this.status = 101;
    const { scratch } = this.#plane;
    const lines: AnswerLines = { ...this.#lines(head, false), connection: 'upgrade' };
    scratch.send(this.#client.socket, writeAnswerHead(head, pos - 2, lines, scratch.buf), 'lend');
    return this.#request.onSwitchedProtocols(buf, pos, length);
  }

  #begin(head: ResponseHead, buf: Buffer, pos: number, length: number): boolean {
    const request = this.#context.head;
    const client = this.#client;
    const { scratch, draining } = this.#plane;
    this.status = head.status;
    this.eventStream = head.eventStream;
    this.keepAliveSec = head.keepAliveTimeoutSec;
    this.reusable = head.keepAlive && head.body !== BODY_CLOSE && this.#soundInterim;
    const whole = head.body === BODY_LENGTH && head.contentLength === length - pos;
    if (this.#request.onAnswerHead(this, whole)) return true;
    const unframed = head.body === BODY_CHUNKED || head.body === BODY_CLOSE;
    const untilClose = unframed && request.minor === 0;
    this.closesClient = untilClose || !request.keepAlive || draining || !client.body.complete;
    this.begun = true;
    this.inBody = true;
    client.relay.begin(head.body, head.contentLength, request.minor === 0 ? 'plain' : 'chunked');
    const ready = writeAnswerHead(head, pos - 2, this.#lines(head, unframed), scratch.buf);
    return this.#relayed(client.relay.push(buf, pos, length, scratch, ready), length);
  }

  #lines(head: ResponseHead, unframed: boolean): AnswerLines {
    const oldClient = this.#context.head.minor === 0;
    const { own, renames } = this.#request.answerLines();
    return {
      requestId: this.#context.id,
      renaming: renames && namesHosts(head) ? this.#context.renaming() : null,
      own,
      exposed: this.#context.service.migration.exposeDecision,
      framing: unframed ? (oldClient ? 'until_close' : 'chunked') : 'as_sent',
      connection: this.closesClient ? 'close' : oldClient ? 'keep-alive' : 'default',
    };
  }

  #relayed(state: RelayState, length: number): boolean {
    switch (state) {
      case 'more':
        this.#request.onAnswerProgress();
        return true;
      case 'wait':
        this.#request.onAnswerBlocked();
        return false;
      case 'broken':
        this.#request.onAnswerBroken('invalid_response', 'broken chunk');
        return false;
      case 'done':
        return this.#request.onAnswerEnd(this.#client.relay.end < length ? 'more_than_asked' : 'clean');
    }
  }
}

function namesHosts(head: ResponseHead): boolean {
  const { id, count } = head;
  for (let i = 0; i < count; i++) if (id[i] >= F.LOCATION && id[i] <= F.SET_COOKIE) return true;
  return false;
}
