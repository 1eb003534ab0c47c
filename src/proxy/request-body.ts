/**
 * A request's body on its way to a backend: pieces are held until the request can no longer be sent again, framed as the
 * request framed them, and written with the head where they are there already.
 */
import { BODY_CHUNKED, BODY_NONE } from '../http1/request-head.ts';
import { CHUNK_HEAD_BYTES, frameChunk, writeLastChunk } from './head-writer.ts';
import { copyBytes, type Scratch } from './scratch.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** Bodies up to this leave in one write with their head. */
const SMALL_BODY_BYTES = 16 * 1024;

export class RequestBody {
  #framing = BODY_NONE;
  #capBytes = 0;
  #pieces: Buffer[] | null = null;
  /** Bytes in #pieces. */
  heldBytes = 0;
  /** The whole body has arrived from the client. */
  complete = true;
  /** Everything that arrived is still here. */
  held = true;

  reset(framing: number, capBytes: number): void {
    this.#framing = framing;
    this.#capBytes = capBytes;
    this.#pieces = null;
    this.heldBytes = 0;
    this.complete = framing === BODY_NONE;
    this.held = true;
  }

  /** Keeps a piece for the attempt that is to come. */
  hold(piece: Buffer): void {
    if (this.#pieces === null) this.#pieces = [piece];
    else this.#pieces.push(piece);
    this.heldBytes += piece.length;
  }

  /** More than the cap waits: the client should be paused. */
  get full(): boolean {
    return this.heldBytes >= this.#capBytes;
  }

  /** The pieces have left and will not be needed again. */
  release(): void {
    if (this.#framing === BODY_NONE) return;
    this.#pieces = null;
    this.heldBytes = 0;
    this.held = false;
  }

  /**
   * Writes the head in scratch[0..pos) and all that is held behind it, once, to a connection. False: wait for `drain`.
   * What arrived before there was a connection may be more than the cap: it is not held any longer than that.
   */
  sendWithHead(connection: UpstreamConnection, scratch: Scratch, pos: number): boolean {
    const more = this.#writeWithHead(connection, scratch, pos);
    if (this.heldBytes > this.#capBytes) this.release();
    return more;
  }

  #writeWithHead(connection: UpstreamConnection, scratch: Scratch, pos: number): boolean {
    const copies = connection.secure ? 'copy' : 'lend';
    if (this.heldBytes <= SMALL_BODY_BYTES) {
      pos = this.#append(scratch.buf, pos);
      return scratch.send(connection.socket, pos, copies);
    }
    connection.socket.cork();
    let more = scratch.send(connection.socket, pos, 'copy');
    for (const piece of this.#pieces ?? []) more = this.#write(connection, piece);
    if (this.complete) more = this.#writeEnd(connection) && more;
    connection.socket.uncork();
    return more;
  }

  /** A further piece, after the head has left. `replayable`: it may have to be sent again. False: wait for `drain`. */
  sendPiece(connection: UpstreamConnection, piece: Buffer, keep: 'keep' | 'forget'): boolean {
    if (keep === 'keep' && this.held && this.heldBytes + piece.length <= this.#capBytes) this.hold(piece);
    else this.release();
    return this.#write(connection, piece);
  }

  sendEnd(connection: UpstreamConnection): boolean {
    return this.#writeEnd(connection);
  }

  #append(dst: Buffer, pos: number): number {
    const chunked = this.#framing === BODY_CHUNKED;
    if (this.#pieces !== null) {
      const room = chunked ? pos + CHUNK_HEAD_BYTES : pos;
      let end = room;
      for (const piece of this.#pieces) end = copyBytes(piece, 0, piece.length, dst, end);
      pos = chunked ? frameChunk(dst, pos, end - room) : end;
    }
    return chunked && this.complete ? writeLastChunk(dst, pos) : pos;
  }

  #write(connection: UpstreamConnection, piece: Buffer): boolean {
    if (this.#framing !== BODY_CHUNKED) return connection.socket.write(piece);
    const framed = Buffer.allocUnsafe(piece.length + CHUNK_HEAD_BYTES + 2);
    piece.copy(framed, CHUNK_HEAD_BYTES);
    return connection.socket.write(framed.subarray(0, frameChunk(framed, 0, piece.length)));
  }

  #writeEnd(connection: UpstreamConnection): boolean {
    return this.#framing === BODY_CHUNKED ? connection.socket.write('0\r\n\r\n', 'latin1') : true;
  }
}
