/**
 * One client's connection: request heads out of its bytes, one request after the other however they are pipelined,
 * bodies unframed, time limits for heads, bodies and idling, and an orderly goodbye.
 */
import type { Socket } from 'node:net';
import { type IpAddress, parseIp } from '../allocator/ip.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { AnswerRelay } from './answer-relay.ts';
import { BodyReader, type BodySink } from './body-reader.ts';
import { Deadline, type Expiring } from './deadlines.ts';
import {
  BAD_PATH,
  BAD_REQUEST,
  type ErrorAnswer,
  type ErrorContext,
  errorAnswer,
  NO_SUCH_HOST,
  REQUEST_TIMEOUT,
} from './error-answer.ts';
import { Exchange } from './exchange.ts';
import type { PlaneContext } from './plane-context.ts';
import { RequestBody } from './request-body.ts';
import type { RequestContext } from './request-context.ts';
import type { Tunnel } from './tunnel.ts';

/** Pipelined bytes that may wait while a request is under way. */
const MAX_PENDING_BYTES = 64 * 1024;
const UNKNOWN_PEER: IpAddress = parseIp('0.0.0.0') as IpAddress;

export class ClientConnection implements BodySink, Expiring {
  readonly socket: Socket;
  readonly peer: IpAddress;
  readonly relay: AnswerRelay;
  readonly body = new RequestBody();
  readonly #plane: PlaneContext;
  readonly #onClosed: (connection: ClientConnection) => void;
  readonly #deadline = new Deadline(this);
  #head: RequestHead | null = null;
  #exchange: Exchange | null = null;
  #tunnel: Tunnel | null = null;
  #pending: Buffer | null = null;
  /** How much of #pending was looked at in vain: it is parsed again only when it has doubled or may be complete. */
  #parsedBytes = 0;
  readonly #reader = new BodyReader(this);
  /** Whoever takes the body, or a tunnel, takes no more just now. */
  #bodyWaits = false;
  #paused = false;
  /** The answer waits for the client to take it: the time limit is that of sending. */
  #sending = false;
  #closing = false;
  #reading = false;

  constructor(plane: PlaneContext, socket: Socket, onClosed: (connection: ClientConnection) => void) {
    this.#plane = plane;
    this.socket = socket;
    this.#onClosed = onClosed;
    this.peer = parseIp(socket.remoteAddress ?? '') ?? UNKNOWN_PEER;
    this.relay = new AnswerRelay(socket, () => this.#drained());
    this.#arm(plane.limits.headTimeoutMs);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#drained());
    socket.on('finish', () => this.#onFinish());
    socket.on('error', () => undefined); // `close` follows and is what counts
    socket.on('close', () => this.#onClose());
  }

  /** No request under way and none begun. */
  get idle(): boolean {
    return this.#exchange === null && this.#tunnel === null && this.#pending === null;
  }

  // --- flow -----------------------------------------------------------------------------------------------------------

  /** No more of the body, or of the tunnel, until `resume`. */
  pause(): void {
    if (this.#bodyWaits) return;
    this.#bodyWaits = true;
    this.#settleFlow();
    if (this.#reader.open && !this.#sending) this.#plane.deadlines.disarm(this.#deadline);
  }

  resume(): void {
    if (!this.#bodyWaits) return;
    this.#bodyWaits = false;
    this.#settleFlow();
    if (this.#reader.open && !this.#sending) this.#arm(this.#plane.limits.bodyTimeoutMs);
  }

  /** Reads on unless the body waits, or requests sent in advance do and are too many. */
  #settleFlow(): void {
    const ahead = this.#pending !== null && this.#pending.length > MAX_PENDING_BYTES;
    const paused = this.#bodyWaits || (ahead && (this.#exchange !== null || this.socket.writableNeedDrain));
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.socket.pause();
    else this.socket.resume();
  }

  /** The answer waits for the client to take it. */
  waitForDrain(): void {
    this.#sending = true;
    this.#arm(this.#plane.limits.sendTimeoutMs);
  }

  #drained(): void {
    if (this.#sending) {
      this.#sending = false;
      if (this.#reader.open && !this.#bodyWaits) this.#arm(this.#plane.limits.bodyTimeoutMs);
      else this.#plane.deadlines.disarm(this.#deadline);
    }
    if (this.#exchange !== null) return this.#exchange.onClientDrained();
    if (this.#pending === null || this.#closing) return;
    this.#readRequests();
    this.#settleFlow();
  }

  // --- bytes in -------------------------------------------------------------------------------------------------------

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    if (this.#tunnel !== null) return this.#tunnel.onClientData(chunk);
    if (this.#reader.open) {
      this.#arm(this.#plane.limits.bodyTimeoutMs);
      const end = this.#reader.feed(chunk, 0);
      if (end < chunk.length && !this.#closing) this.#stash(end === 0 ? chunk : chunk.subarray(end));
    } else this.#stash(chunk);
    if (this.#exchange === null) this.#readRequests();
    this.#settleFlow();
  }

  #stash(bytes: Buffer): void {
    this.#pending = this.#pending === null ? bytes : Buffer.concat([this.#pending, bytes]);
  }

  /** Serves what waits, one request at a time; not entered again from within. No further one while answers pile up. */
  #readRequests(): void {
    if (this.#reading) return;
    this.#reading = true;
    while (this.#pending !== null && this.#exchange === null && this.#tunnel === null && !this.#closing) {
      if (this.socket.writableNeedDrain) {
        this.waitForDrain();
        break;
      }
      if (!this.#readHead(this.#pending)) break;
    }
    this.#reading = false;
  }

  /** False: more bytes are needed. */
  #readHead(buf: Buffer): boolean {
    const plane = this.#plane;
    if (this.#parsedBytes > 0 && buf.length < 2 * this.#parsedBytes) {
      if (buf.indexOf('\r\n\r\n', Math.max(0, this.#parsedBytes - 3), 'latin1') === -1) return false;
    }
    this.#head ??= plane.takeHead();
    const head = this.#head;
    const size = head.parse(buf, 0, buf.length);
    if (size === 0) {
      // The limit for a head runs from its first byte, not from one piece to the next.
      if (this.#parsedBytes === 0) this.#arm(plane.limits.headTimeoutMs);
      this.#parsedBytes = buf.length;
      return false;
    }
    this.#parsedBytes = 0;
    this.#pending = null;
    if (size < 0) {
      plane.observer.refused(head.refusal.code);
      this.#refuseUnrouted(head.refusal, '');
      return true;
    }
    plane.deadlines.disarm(this.#deadline);
    this.#begin(head, buf, size);
    return true;
  }

  #begin(head: RequestHead, buf: Buffer, size: number): void {
    const plane = this.#plane;
    this.body.reset(head.body, plane.limits.replayBytes);
    this.#reader.begin(head);
    if (!this.#reader.open) this.body.complete = true;
    const service = plane.table.find(head.host, head);
    if (typeof service === 'string') {
      const error = service === 'bad_path' ? BAD_PATH : NO_SUCH_HOST;
      plane.observer.refused(error.code);
      if (this.#reader.open || !head.keepAlive || plane.draining) return this.#refuseUnrouted(error, head.method);
      if (size < buf.length) this.#stash(buf.subarray(size));
      return this.#write(error, '', { service: null, requestId: plane.ids.next(), method: head.method }, 'keep-alive');
    }
    const exchange = new Exchange(plane, this, service, head, size);
    this.#exchange = exchange;
    let pos = size;
    if (this.#reader.open) {
      this.#arm(plane.limits.bodyTimeoutMs);
      pos = this.#reader.feed(buf, pos);
    }
    if (this.#closing) return;
    if (pos < buf.length) this.#stash(buf.subarray(pos));
    exchange.start();
  }

  onBodyPiece(piece: Buffer): void {
    this.#exchange?.onBodyPiece(piece);
  }

  onBodyEnd(): void {
    this.#plane.deadlines.disarm(this.#deadline);
    this.#exchange?.onBodyEnd();
  }

  onBodyMalformed(): void {
    this.#exchange?.onBodyBroken(BAD_REQUEST);
  }

  // --- endings --------------------------------------------------------------------------------------------------------

  /** The request under way is answered. */
  exchangeDone(connection: 'keep' | 'close'): void {
    this.#exchange = null;
    this.#sending = false;
    if (this.#head !== null) this.#plane.giveHead(this.#head);
    this.#head = null;
    if (connection === 'close') {
      this.socket.end();
      return this.#linger();
    }
    this.#arm(this.#plane.limits.keepAliveMs);
    this.#bodyWaits = false;
    if (this.#pending !== null) this.#readRequests();
    this.#settleFlow();
  }

  /** An answer of our own; the connection stays. */
  answer(error: ErrorAnswer, lines: string, of: RequestContext): void {
    this.#write(error, lines, namesOf(of), 'keep-alive');
  }

  /** An answer of our own, and the connection's last. */
  refuse(error: ErrorAnswer, lines: string, of: RequestContext): void {
    this.#write(error, lines, namesOf(of), 'close');
  }

  #refuseUnrouted(error: ErrorAnswer, method: string): void {
    this.#write(error, '', { service: null, requestId: this.#plane.ids.next(), method }, 'close');
  }

  #write(error: ErrorAnswer, lines: string, names: ErrorContext, connection: 'close' | 'keep-alive'): void {
    this.socket.write(errorAnswer(error, lines, names, connection));
    this.exchangeDone(connection === 'close' ? 'close' : 'keep');
  }

  startTunnel(tunnel: Tunnel): void {
    this.#tunnel = tunnel;
    this.#exchange = null;
    if (this.#head !== null) this.#plane.giveHead(this.#head);
    this.#head = null;
    this.#plane.deadlines.disarm(this.#deadline);
    const early = this.#pending;
    this.#pending = null;
    this.#bodyWaits = false;
    this.#settleFlow();
    if (early !== null) tunnel.onClientData(early);
  }

  /** At once, without goodbye. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Ends a connection on which nothing happens. */
  endIfIdle(): void {
    if (this.idle && !this.#closing) this.exchangeDone('close');
  }

  /** Reads on until the answer has left and a while longer, or our reset might destroy it (RFC 9112 section 9.6). */
  #linger(): void {
    const { lingerMs, sendTimeoutMs } = this.#plane.limits;
    this.#closing = true;
    this.#reader.open = false;
    this.#pending = null;
    this.#bodyWaits = false;
    this.#settleFlow();
    this.#arm(this.socket.writableFinished ? lingerMs : sendTimeoutMs);
  }

  #onFinish(): void {
    if (this.#closing) this.#arm(this.#plane.limits.lingerMs);
  }

  onDeadline(): void {
    const plane = this.#plane;
    if (this.#closing || this.#sending) return this.destroy();
    if (this.#exchange !== null) {
      if (this.#reader.open) this.#exchange.onBodyBroken(REQUEST_TIMEOUT);
      else this.destroy();
    } else if (this.#pending !== null) {
      plane.observer.refused(REQUEST_TIMEOUT.code);
      this.#refuseUnrouted(REQUEST_TIMEOUT, '');
    } else this.exchangeDone('close');
  }

  /** A client that ends while it waits for an answer has gone: nginx and we take it so. */
  #onEnd(): void {
    if (this.#tunnel !== null) return this.#tunnel.onClientEnd();
    if (this.#closing || this.#exchange === null) this.socket.end();
    else this.destroy();
  }

  #onClose(): void {
    this.#plane.deadlines.disarm(this.#deadline);
    this.#closing = true;
    this.#exchange?.onClientGone();
    this.#exchange = null;
    this.#tunnel?.close();
    this.#onClosed(this);
  }

  #arm(durationMs: number): void {
    this.#plane.deadlines.arm(this.#deadline, durationMs, this.#plane.now());
  }
}

function namesOf({ service, id, head }: RequestContext): ErrorContext {
  return { service: service.name, requestId: id, method: head.method };
}
