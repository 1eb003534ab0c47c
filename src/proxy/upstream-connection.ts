/**
 * One connection to a backend: bytes out, bytes in, who uses it just now. It reads into a buffer of its own that never
 * changes hands; whoever passes bytes of it on without copying must pause it until they have left. A backend that sends no
 * more may still listen: it is the user who ends the connection.
 */
import { type Socket, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { FailureKind } from '../fallback/outcome.ts';
import type { Faultable } from './contained.ts';

const READ_BUFFER_BYTES = 64 * 1024;

/** Whose failure it is: a process out of file descriptors or memory says nothing of a cluster. */
export type Blame = 'cluster' | 'ourselves';
const OWN_SHORTAGES: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** The request, or the tunnel, that a connection serves. */
export interface UpstreamUser extends Faultable {
  onConnected(): void;
  /** The connection never came to be, or broke. `message` names the cause for people. */
  onUpstreamFailed(kind: FailureKind, message: string, blame: Blame): void;
  /** Bytes buf[0..length). False: read no more until `resume()`. Over TLS what was received already still comes. */
  onUpstreamData(buf: Buffer, length: number): boolean;
  /** The backend sends no more. */
  onUpstreamEnd(): void;
  onUpstreamDrain(): void;
}

/** What is the same for all connections of a pool. */
export interface UpstreamTarget {
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: ConnectionOptions | null;
  /** A TLS session of the last connection, for resumption. */
  session: Buffer | null;
}

export class UpstreamConnection {
  readonly socket: Socket;
  readonly address: string;
  readonly secure: boolean;
  user: UpstreamUser | null = null;
  /** Who cares when it dies while nobody uses it. */
  onIdleLost: ((connection: UpstreamConnection) => void) | null = null;
  onClosed: (() => void) | null = null;
  connected = false;
  /** Requests served before the present one. */
  served = 0;
  /** When it became idle, and until when it may be used again. */
  idleSinceMs = 0;
  idleUntilMs = 0;
  /** Its user asked to wait. */
  #stopped = false;
  readonly #port: number;
  #tcpConnected = false;
  #ended = false;
  #failed = false;

  constructor(address: string, target: UpstreamTarget) {
    this.address = address;
    this.#port = target.port;
    this.secure = target.tls !== null;
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const onread = { buffer, callback: (length: number) => this.#read(buffer, length) };
    if (target.tls === null) {
      this.socket = tcpConnect({ host: address, port: target.port, noDelay: true, allowHalfOpen: true, onread });
      this.socket.on('connect', () => this.#ready());
    } else {
      const session = target.session === null ? {} : { session: target.session };
      // The type of tls.connect lacks these two, which its documentation has.
      const options: ConnectionOptions & { onread: typeof onread; allowHalfOpen: true } = {
        ...target.tls,
        ...session,
        host: address,
        port: target.port,
        allowHalfOpen: true,
        onread,
      };
      const secured: TLSSocket = tlsConnect(options, () => this.#ready());
      secured.setNoDelay(true);
      secured.on('connect', () => {
        this.#tcpConnected = true;
      });
      secured.on('session', (fresh: Buffer) => {
        target.session = fresh;
      });
      this.socket = secured;
    }
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error));
    this.socket.on('end', () => this.#end());
    this.socket.on('close', () => this.#closed());
    this.socket.on('drain', () => this.#tell((user) => user.onUpstreamDrain()));
  }

  /** Reading goes on after a pause. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.socket.resume();
  }

  /** No more is read and nothing is told to anybody. */
  destroy(): void {
    this.user = null;
    this.onIdleLost = null;
    this.socket.destroy();
  }

  #ready(): void {
    this.connected = true;
    this.#tcpConnected = true;
    this.#tell((user) => user.onConnected());
  }

  /** What the user throws goes to the user. It may have another, or none, by then. */
  #tell(event: (user: UpstreamUser) => void): void {
    const { user } = this;
    if (user === null) return;
    try {
      event(user);
    } catch (error) {
      user.onFault(error);
    }
  }

  #read(buffer: Buffer, length: number): boolean {
    const { user } = this;
    if (user !== null) {
      try {
        if (user.onUpstreamData(buffer, length)) return true;
      } catch (error) {
        user.onFault(error);
      }
      this.#stopped = true;
      return false;
    }
    // Nobody asked for anything: whatever this is, the connection cannot be trusted with a request.
    this.#lost();
    return false;
  }

  #end(): void {
    // Before TLS is up an error follows, and says more.
    if (!this.connected) return;
    this.#ended = true;
    if (this.user === null) return this.#lost();
    this.#tell((user) => user.onUpstreamEnd());
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failed) return;
    this.#failed = true;
    if (this.user === null) return this.#lost();
    const cause = `${error.code ?? error.message} ${this.#peer}`;
    const blame = OWN_SHORTAGES.has(error.code) ? 'ourselves' : 'cluster';
    if (this.connected) this.#tell((user) => user.onUpstreamFailed('reset', cause, blame));
    else if (this.#tcpConnected) this.#tell((user) => user.onUpstreamFailed('tls', `tls ${cause}`, blame));
    else this.#tell((user) => user.onUpstreamFailed('connect', `connect ${cause}`, blame));
  }

  #closed(): void {
    this.onClosed?.();
    this.onClosed = null;
    if (this.user === null) return this.#lost();
    if (this.#failed) return;
    if (this.connected && this.#ended) return;
    this.#failed = true;
    const kind = this.connected ? 'reset' : this.#tcpConnected ? 'tls' : 'connect';
    this.#tell((user) => user.onUpstreamFailed(kind, `connection closed ${this.#peer}`, 'cluster'));
  }

  #lost(): void {
    const tell = this.onIdleLost;
    this.onIdleLost = null;
    this.socket.destroy();
    tell?.(this);
  }

  get #peer(): string {
    return `${this.address.includes(':') ? `[${this.address}]` : this.address}:${this.#port}`;
  }
}
