/**
 * After a switch of protocols (RFC 9110 section 7.8): bytes both ways as they come, each side waiting for the other to
 * take them, half-closes passed on, idle for at most stream_idle_timeout. Nothing of what passes is looked at.
 */
import type { Client, TunnelEnd } from './client.ts';
import { Deadline, type Expiring } from './deadlines.ts';
import type { PlaneContext } from './plane-context.ts';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.ts';

export class Tunnel implements TunnelEnd, UpstreamUser, Expiring {
  readonly #plane: PlaneContext;
  readonly #client: Client;
  readonly #upstream: UpstreamConnection;
  readonly #idleMs: number;
  readonly #deadline = new Deadline(this);
  #clientEnded = false;
  #upstreamEnded = false;

  constructor(plane: PlaneContext, client: Client, upstream: UpstreamConnection, idleMs: number) {
    this.#plane = plane;
    this.#client = client;
    this.#upstream = upstream;
    this.#idleMs = idleMs;
  }

  /** Takes both connections over. buf[pos..end) came behind the head of the 101. Returns whether to read on. */
  begin(buf: Buffer, pos: number, end: number): boolean {
    this.#upstream.user = this;
    this.#touch();
    const reads = pos === end || this.#toClient(buf, pos, end);
    this.#client.startTunnel(this);
    return reads;
  }

  onConnected(): void {
    // Connected long ago.
  }

  onUpstreamData(buf: Buffer, length: number): boolean {
    this.#touch();
    return this.#toClient(buf, 0, length);
  }

  onClientData(chunk: Buffer): void {
    this.#touch();
    if (!this.#upstream.socket.write(chunk)) this.#client.pace.pause();
  }

  onUpstreamDrain(): void {
    this.#client.pace.resume();
  }

  onUpstreamEnd(): void {
    this.#upstreamEnded = true;
    this.#client.socket.end();
  }

  onClientEnd(): void {
    this.#clientEnded = true;
    this.#upstream.socket.end();
  }

  /** Where both have said all, what is still on its way to the backend gets there. */
  onClientClosed(): void {
    const { socket } = this.#upstream;
    if (this.#clientEnded && this.#upstreamEnded && !socket.destroyed) socket.once('close', () => this.close());
    else this.close();
  }

  onUpstreamFailed(): void {
    this.close();
  }

  onDeadline(): void {
    this.close();
  }

  onFault(error: unknown): void {
    this.#plane.onFault(error);
    this.close();
  }

  /** Ends both sides at once. */
  close(): void {
    this.#plane.deadlines.disarm(this.#deadline);
    this.#upstream.destroy();
    this.#client.destroy();
  }

  /**
   * The bytes are in the backend's read buffer: it reads on when they have left. TLS decrypts the records that are there
   * already into that buffer even then (Node 24), so its bytes are copied.
   */
  #toClient(buf: Buffer, start: number, end: number): boolean {
    const { socket } = this.#client;
    const bytes = buf.subarray(start, end);
    socket.write(this.#upstream.secure ? Buffer.from(bytes) : bytes, this.#resumeUpstream);
    return socket.writableLength === 0;
  }

  readonly #resumeUpstream = (): void => {
    if (this.#client.socket.writableLength === 0) this.#upstream.resume();
  };

  #touch(): void {
    this.#plane.deadlines.arm(this.#deadline, this.#idleMs, this.#plane.now());
  }
}
