/**
 * One client's connection: request heads out of its bytes, one request after the other however they are pipelined,
 * bodies unframed, time limits for heads, bodies and idling, and an orderly goodbye.
 */
import type { Socket } from 'node:net';
import { type IpAddress, parseIp } from '../allocator/ip.ts';
import { BAD, ChunkedReader, DATA, DONE } from '../http1/chunked.ts';
import { BODY_CHUNKED, BODY_LENGTH, type RequestHead } from '../http1/request-head.ts';
import { AnswerRelay } from './answer-relay.ts';
import { Deadline, type Expiring } from './deadlines.ts';
import { BAD_PATH, BAD_REQUEST, type ErrorAnswer, errorAnswer, NO_SUCH_HOST, REQUEST_TIMEOUT } from './error-answer.ts';
import { Exchange } from './exchange.ts';
import type { PlaneContext } from './plane-context.ts';
import { RequestBody } from './request-body.ts';
import type { Tunnel } from './tunnel.ts';

/** Pipelined bytes that may wait while a request is under way. */
const MAX_PENDING_BYTES = 64 * 1024;
/** After a last answer the client may take it and go; then the connection is ended. */
const LINGER_MS = 2_000;
const UNKNOWN_PEER: IpAddress = parseIp('0.0.0.0') as IpAddress;

export class ClientConnection implements Expiring {
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
  #chunks: ChunkedReader | null = null;
  /** Bytes of the body to come; -1 while it is chunked. */
  #bodyLeft = 0;
  #bodyOpen = false;
  #paused = false;
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
    socket.on('error', () => undefined); // `close` follows and is what counts
    socket.on('close', () => this.#onClose());
  }

  /** No request under way and none begun. */
  get idle(): boolean {
    return this.#exchange === null && this.#tunnel === null && this.#pending === null;
  }

  // --- flow -----------------------------------------------------------------------------------------------------------

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
    if (this.#bodyOpen) this.#plane.deadlines.disarm(this.#deadline);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
    if (this.#bodyOpen) this.#arm(this.#plane.limits.bodyTimeoutMs);
  }

  /** The answer waits for the client to take it. */
  waitForDrain(): void {
    this.#arm(this.#plane.limits.sendTimeoutMs);
  }

  #drained(): void {
    if (this.#exchange === null) return;
    if (!this.#bodyOpen) this.#plane.deadlines.disarm(this.#deadline);
    this.#exchange.onClientDrained();
  }

  // --- bytes in -------------------------------------------------------------------------------------------------------

  #onData(chunk: Buffer): void {
    if (this.#closing) return;
    if (this.#tunnel !== null) return this.#tunnel.onClientData(chunk);
    if (this.#bodyOpen) {
      this.#arm(this.#plane.limits.bodyTimeoutMs);
      const end = this.#feedBody(chunk, 0);
      if (end < chunk.length && !this.#closing) this.#stash(end === 0 ? chunk : chunk.subarray(end));
    } else this.#stash(chunk);
    if (this.#exchange === null) this.#readRequests();
    else if (this.#pending !== null && this.#pending.length > MAX_PENDING_BYTES) this.pause();
  }

  #stash(bytes: Buffer): void {
    this.#pending = this.#pending === null ? bytes : Buffer.concat([this.#pending, bytes]);
  }

  /** Serves what waits, one request at a time; not entered again from within. */
  #readRequests(): void {
    if (this.#reading) return;
    this.#reading = true;
    while (this.#pending !== null && this.#exchange === null && this.#tunnel === null && !this.#closing) {
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
      this.refuse(head.refusal, '', null, plane.ids.next(), '');
      return true;
    }
    plane.deadlines.disarm(this.#deadline);
    this.#begin(head, buf, size);
    return true;
  }

  #begin(head: RequestHead, buf: Buffer, size: number): void {
    const plane = this.#plane;
    this.body.reset(head.body, plane.limits.replayBytes);
    this.#bodyOpen = head.body !== 0 && !(head.body === BODY_LENGTH && head.contentLength === 0);
    if (!this.#bodyOpen) this.body.complete = true;
    this.#bodyLeft = head.body === BODY_LENGTH ? head.contentLength : -1;
    if (head.body === BODY_CHUNKED) {
      this.#chunks ??= new ChunkedReader();
      this.#chunks.reset();
    }
    const service = plane.table.find(head.host, head.path());
    if (typeof service === 'string') {
      const error = service === 'bad_path' ? BAD_PATH : NO_SUCH_HOST;
      plane.observer.refused(error.code);
      if (this.#bodyOpen || !head.keepAlive || plane.draining)
        this.refuse(error, '', null, plane.ids.next(), head.method);
      else {
        if (size < buf.length) this.#stash(buf.subarray(size));
        this.answer(error, '', null, plane.ids.next(), head.method);
      }
      return;
    }
    const exchange = new Exchange(plane, this, service, head, size);
    this.#exchange = exchange;
    let pos = size;
    if (this.#bodyOpen) {
      this.#arm(plane.limits.bodyTimeoutMs);
      pos = this.#feedBody(buf, pos);
    }
    if (this.#closing) return;
    if (pos < buf.length) this.#stash(buf.subarray(pos));
    exchange.start();
  }

  /** Gives the request its body; returns where the body ended, or the buffer's end. */
  #feedBody(buf: Buffer, pos: number): number {
    if (this.#bodyLeft >= 0) {
      const size = Math.min(this.#bodyLeft, buf.length - pos);
      this.#bodyLeft -= size;
      if (size > 0) this.#exchange?.onBodyPiece(buf.subarray(pos, pos + size));
      if (this.#bodyLeft === 0) this.#endBody();
      return pos + size;
    }
    const chunks = this.#chunks as ChunkedReader;
    for (;;) {
      const event = chunks.next(buf, pos, buf.length);
      pos = chunks.pos;
      if (event === DATA) this.#exchange?.onBodyPiece(buf.subarray(chunks.dataStart, chunks.dataEnd));
      else if (event === DONE) {
        this.#endBody();
        return pos;
      } else if (event === BAD) {
        this.#bodyOpen = false;
        this.#exchange?.onBodyBroken(BAD_REQUEST);
        return buf.length;
      } else return buf.length;
    }
  }

  #endBody(): void {
    this.#bodyOpen = false;
    this.#plane.deadlines.disarm(this.#deadline);
    this.#exchange?.onBodyEnd();
  }

  // --- endings --------------------------------------------------------------------------------------------------------

  /** The request under way is answered. */
  exchangeDone(connection: 'keep' | 'close'): void {
    this.#exchange = null;
    if (this.#head !== null) this.#plane.giveHead(this.#head);
    this.#head = null;
    if (connection === 'close') {
      this.socket.end();
      return this.#linger();
    }
    this.#arm(this.#plane.limits.keepAliveMs);
    this.resume();
    if (this.#pending !== null) this.#readRequests();
  }

  /** An answer of our own; the connection stays. */
  answer(error: ErrorAnswer, lines: string, service: string | null, requestId: string, method: string): void {
    this.socket.write(errorAnswer(error, { service, requestId, method, lines, connection: 'keep-alive' }));
    this.exchangeDone('keep');
  }

  /** An answer of our own, and the connection's last. */
  refuse(error: ErrorAnswer, lines: string, service: string | null, requestId: string, method: string): void {
    this.socket.write(errorAnswer(error, { service, requestId, method, lines, connection: 'close' }));
    this.exchangeDone('close');
  }

  startTunnel(tunnel: Tunnel): void {
    this.#tunnel = tunnel;
    this.#exchange = null;
    if (this.#head !== null) this.#plane.giveHead(this.#head);
    this.#head = null;
    this.#plane.deadlines.disarm(this.#deadline);
    const early = this.#pending;
    this.#pending = null;
    this.resume();
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

  /** Reads on for a while, or the client might never see the answer for our reset (RFC 9112 section 9.6). */
  #linger(): void {
    this.#closing = true;
    this.#bodyOpen = false;
    this.#pending = null;
    this.#paused = false;
    this.socket.resume();
    this.#arm(LINGER_MS);
  }

  onDeadline(): void {
    const plane = this.#plane;
    if (this.#closing || this.#tunnel !== null) return this.destroy();
    if (this.#exchange !== null) {
      if (this.#bodyOpen) this.#exchange.onBodyBroken(REQUEST_TIMEOUT);
      else this.destroy();
    } else if (this.#pending !== null) {
      plane.observer.refused(REQUEST_TIMEOUT.code);
      this.refuse(REQUEST_TIMEOUT, '', null, plane.ids.next(), '');
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
