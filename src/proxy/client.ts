/**
 * What a request, its answer and a tunnel may ask of the client's connection, and what it tells them: the seam that keeps
 * them from knowing how the connection works.
 */
import type { Socket } from 'node:net';
import type { IpAddress } from '../allocator/ip.ts';
import type { AnswerRelay } from './answer-relay.ts';
import type { ClientPace } from './client-pace.ts';
import type { ErrorAnswer } from './error-answer.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestContext } from './request-context.ts';

export interface Client {
  readonly socket: Socket;
  readonly peer: IpAddress;
  readonly relay: AnswerRelay;
  readonly pace: ClientPace;
  /** Of the request under way. */
  readonly body: RequestBody;
  /** The request under way is answered. */
  exchangeDone(connection: 'keep' | 'close'): void;
  /** An answer of our own to it. */
  answer(error: ErrorAnswer, lines: string, of: RequestContext, connection: 'close' | 'keep-alive'): void;
  /** The request under way becomes a tunnel. */
  startTunnel(tunnel: TunnelEnd): void;
  /** At once, without goodbye. */
  destroy(): void;
  /** Something threw: this connection pays, nobody else. */
  onFault(error: unknown): void;
}

/** The client's end of a tunnel. */
export interface TunnelEnd {
  onClientData(chunk: Buffer): void;
  onClientEnd(): void;
  onClientClosed(): void;
}
