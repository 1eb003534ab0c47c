/**
 * One client's connection: request heads out of its bytes, one request after the other however they are pipelined,
 * bodies unframed, time limits for heads, bodies and idling, and an orderly goodbye.
 */
import type { Socket } from 'node:net';
import { type IpAddress, parseIp } from '../allocator/ip.ts';
import { AnswerRelay } from './answer-relay.ts';
import { BodyReader, type BodySink } from './body-reader.ts';
import type { Client, TunnelEnd } from './client.ts';
import { ClientPace } from './client-pace.ts';
import { contained } from './contained.ts';
import type { Expiring } from './deadlines.ts';
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
import { HeadIntake } from './head-intake.ts';
import { peerAddress } from './peer-address.ts';
import type { PlaneContext } from './plane-context.ts';
import { RequestBody } from './request-body.ts';
import type { RequestContext } from './request-context.ts';

/** Pipelined bytes that may wait while a request is under way. */
const MAX_PENDING_BYTES = 64 * 1024;
const UNKNOWN_PEER: IpAddress = parseIp('0.0.0.0') as IpAddress;

export class ClientConnection implements Client, BodySink, Expiring {
  readonly socket: Socket;
  readonly peer: IpAddress;
  readonly relay: AnswerRelay;
  readonly pace: ClientPace;
  readonly body = new RequestBody();
  readonly #plane: PlaneContext;
  readonly #onClosed: (connection: ClientConnection) => void;
  #exchange: Exchange | null = null;
  #tunnel: TunnelEnd | null = null;
  readonly #intake: HeadIntake;
  readonly #reader = new BodyReader(this);
  #closing = false;
  #reading = false;

  constructor(plane: PlaneContext, socket: Socket, onClosed: (connection: ClientConnection) => void) {
    this.#plane = plane;
    this.socket = socket;
    this.#onClosed = onClosed;
    this.#intake = new HeadIntake(plane);
    this.pace = new ClientPace(plane, socket, this.#reader, this);
    const drained = contained(this, () => this.#drained());
    this.relay = new AnswerRelay(socket, drained);
    socket.on('data', contained(this, this.#onData));
    socket.on('end', contained(this, this.#onEnd));
    socket.on('drain', drained);
    socket.on('finish', this.#onFinish);
    socket.on('error', () => undefined); // `close` follows and is what counts
    socket.on('close', contained(this, this.#onClose));
    const peer = peerAddress(socket.remoteAddress);
    this.peer = peer ?? UNKNOWN_PEER;
    if (peer === null) socket.destroy();
    else this.pace.forHead();
  }

  /** No request under way and none begun. */
  get idle(): boolean {
    return this.#exchange === null && this.#tunnel === null && this.#intake.size === 0;
  }

  // --- flow -----------------------------------------------------------------------------------------------------------

  #settleFlow(): void {
    const ahead = this.#intake.size > MAX_PENDING_BYTES;
    this.pace.holdAhead(ahead && (this.#exchange !== null || this.socket.writableNeedDrain) ? 'full' : 'room');
  }

  #drained(): void {
    this.pace.drained();
    if (this.#exchange !== null) return this.#exchange.onClientDrained();
    if (this.#closing) return;
    this.#readRequests();
    this.#settleFlow();
  }

  // --- bytes in -------------------------------------------------------------------------------------------------------

  readonly #onData = (chunk: Buffer): void => {
    if (this.#closing) return;
    if (this.#tunnel !== null) return this.#tunnel.onClientData(chunk);
    if (this.#reader.open) {
      this.pace.forBody();
      const end = this.#reader.feed(chunk, 0);
      if (end < chunk.length && !this.#closing) this.#intake.add(end === 0 ? chunk : chunk.subarray(end));
    } else this.#intake.add(chunk);
    if (this.#exchange === null) this.#readRequests();
    this.#settleFlow();
  };

  /** Serves what waits, one request at a time; not entered again from within. No further one while answers pile up. */
  #readRequests(): void {
    if (this.#reading) return;
    this.#reading = true;
    while (this.#intake.size > 0 && this.#exchange === null && this.#tunnel === null && !this.#closing) {
      if (this.socket.writableNeedDrain) {
        this.pace.forDrain();
        break;
      }
      if (!this.#readHead()) break;
    }
    this.#reading = false;
  }

  /** False: more bytes are needed. */
  #readHead(): boolean {
    const plane = this.#plane;
    const intake = this.#intake;
    const first = intake.fresh;
    const size = intake.read();
    if (size === 0) {
      // The limit for a head runs from its first byte, not from one piece to the next.
      if (first) this.pace.forHead();
      return false;
    }
    const { head } = intake;
    const buf = intake.take() as Buffer;
    if (size < 0) {
      plane.observer.refused(head.refusal.code);
      this.#refuseUnrouted(head.refusal, '');
      return true;
    }
    this.pace.stop();
    this.#begin(head, buf, size);
    return true;
  }

  #begin(head: HeadIntake['head'], buf: Buffer, size: number): void {
    const plane = this.#plane;
    this.body.reset(head.body, plane.limits.replayBytes);
    this.#reader.begin(head);
    if (!this.#reader.open) this.body.complete = true;
    const service = plane.table.find(head.host, head);
    if (typeof service === 'string') {
      const error = service === 'bad_path' ? BAD_PATH : NO_SUCH_HOST;
      plane.observer.refused(error.code);
      if (this.#reader.open || !head.keepAlive || plane.draining) return this.#refuseUnrouted(error, head.method);
      if (size < buf.length) this.#intake.add(buf.subarray(size));
      return this.#write(error, '', { service: null, requestId: plane.ids.next(), method: head.method }, 'keep-alive');
    }
    const exchange = new Exchange(plane, this, service, head, size);
    this.#exchange = exchange;
    let pos = size;
    if (this.#reader.open) {
      this.pace.forBody();
      pos = this.#reader.feed(buf, pos);
    }
    if (this.#closing) return;
    if (pos < buf.length) this.#intake.add(buf.subarray(pos));
    exchange.start();
  }

  onBodyPiece(piece: Buffer): void {
    this.#exchange?.onBodyPiece(piece);
  }

  onBodyEnd(): void {
    this.pace.stop();
    this.#exchange?.onBodyEnd();
  }

  onBodyMalformed(): void {
    this.#exchange?.onBodyBroken(BAD_REQUEST);
  }

  // --- endings --------------------------------------------------------------------------------------------------------

  /** The request under way is answered. */
  exchangeDone(connection: 'keep' | 'close'): void {
    this.#exchange = null;
    this.pace.forgetBody();
    this.#intake.release();
    if (connection === 'close') {
      this.socket.end();
      return this.#linger();
    }
    this.pace.forNextRequest();
    this.#readRequests();
    this.#settleFlow();
  }

  /** An answer of our own to the request under way; with `close` it is the connection's last. */
  answer(
    error: ErrorAnswer,
    lines: string,
    { service, id, head }: RequestContext,
    connection: 'close' | 'keep-alive',
  ): void {
    this.#write(error, lines, { service: service.name, requestId: id, method: head.method }, connection);
  }

  #refuseUnrouted(error: ErrorAnswer, method: string): void {
    this.#write(error, '', { service: null, requestId: this.#plane.ids.next(), method }, 'close');
  }

  #write(error: ErrorAnswer, lines: string, names: ErrorContext, connection: 'close' | 'keep-alive'): void {
    this.socket.write(errorAnswer(error, lines, names, connection));
    this.exchangeDone(connection === 'close' ? 'close' : 'keep');
  }

  startTunnel(tunnel: TunnelEnd): void {
    this.#tunnel = tunnel;
    this.#exchange = null;
    this.#intake.release();
    this.pace.stop();
    const early = this.#intake.take();
    this.pace.forgetBody();
    this.#settleFlow();
    if (early !== null) tunnel.onClientData(early);
  }

  /** At once, without goodbye: where an ordinary end would pass for that of an answer, with a reset. */
  destroy(): void {
    const { socket } = this;
    // A reset during the kernel's own shutdown fails (EINVAL) and leaks the descriptor (Node 24.21).
    const isEnding = socket.writableEnded && socket.writableLength === 0;
    if (!isEnding && (this.relay.endsWithConnection || socket.writableLength > 0)) socket.resetAndDestroy();
    else socket.destroy();
  }

  /** Ends a connection on which nothing happens. */
  endIfIdle(): void {
    if (this.idle && !this.#closing) this.exchangeDone('close');
  }

  /** Reads on until the answer has left and a while longer, or our reset might destroy it (RFC 9112 section 9.6). */
  #linger(): void {
    this.#closing = true;
    this.#reader.open = false;
    this.#intake.take();
    this.#settleFlow();
    this.pace.forGoodbye();
  }

  readonly #onFinish = (): void => {
    if (this.#closing) this.pace.forGoodbye();
  };

  onDeadline(): void {
    const plane = this.#plane;
    if (this.#closing || this.pace.sending) return this.destroy();
    if (this.#exchange !== null) {
      if (this.#reader.open) this.#exchange.onBodyBroken(REQUEST_TIMEOUT);
      else this.destroy();
    } else if (this.#intake.size > 0) {
      plane.observer.refused(REQUEST_TIMEOUT.code);
      this.#refuseUnrouted(REQUEST_TIMEOUT, '');
    } else this.exchangeDone('close');
  }

  /** A client that ends while it waits for an answer has gone: nginx and we take it so. */
  readonly #onEnd = (): void => {
    if (this.#tunnel !== null) return this.#tunnel.onClientEnd();
    if (this.#exchange !== null) this.destroy();
    else if (!this.#closing) this.exchangeDone('close');
  };

  readonly #onClose = (): void => {
    this.pace.stop();
    this.#closing = true;
    this.#onClosed(this);
    this.#exchange?.onClientGone();
    this.#exchange = null;
    this.#tunnel?.onClientClosed();
  };

  /** What state anything is in is not known: the connection goes, and `close` frees what it holds. */
  onFault(error: unknown): void {
    this.#closing = true;
    this.#plane.onFault(error);
    this.destroy();
  }
}
