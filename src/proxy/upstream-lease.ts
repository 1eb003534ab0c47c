/**
 * The connection that a request holds for one attempt: a kept one or a new one to the address whose turn it is; given back,
 * set aside until its buffer is free, or ended. Remembers which addresses of the cluster were tried.
 */
import type { Socket } from 'node:net';
import { contained } from './contained.ts';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.ts';
import type { UpstreamPool } from './upstream-pool.ts';

export class UpstreamLease {
  connection: UpstreamConnection | null = null;
  readonly #user: UpstreamUser;
  #pool: UpstreamPool | null = null;
  #triedAddress: string | null = null;
  #addressesTried = 0;
  /** Counts openings: an address that comes late must not open a connection for a later attempt. */
  #openings = 0;

  constructor(user: UpstreamUser) {
    this.#user = user;
  }

  /** Another cluster is asked from now on. */
  forget(): void {
    this.#triedAddress = null;
    this.#addressesTried = 0;
  }

  /** A kept connection that was idle for less than maxIdleMs; null when there is none. */
  take(pool: UpstreamPool, maxIdleMs: number, nowMs: number): UpstreamConnection | null {
    this.#pool = pool;
    this.connection = pool.take(this.#user, maxIdleMs, nowMs);
    return this.connection;
  }

  /** A new connection; `onConnected` or `onUpstreamFailed` of the user follows, unless `drop` comes first. */
  open(pool: UpstreamPool): void {
    this.#pool = pool;
    this.#openings += 1;
    const known = pool.addresses();
    if (known !== null) return this.#connect(pool, known);
    const opening = this.#openings;
    pool.resolve().then(
      contained(this.#user, (addresses: readonly string[]) => {
        if (this.#openings === opening) this.#connect(pool, addresses);
      }),
      contained(this.#user, (error: Error) => {
        if (this.#openings === opening) this.#user.onUpstreamFailed('dns', error.message, 'cluster');
      }),
    );
  }

  /** One address was tried, and there is another. */
  get hasOtherAddress(): boolean {
    if (this.#addressesTried !== 1) return false;
    const addresses = this.#pool?.addresses() ?? [];
    return addresses.length > 1;
  }

  /** Back to its pool. `keepAliveSec`: what the backend promised, -1 for nothing. */
  give(keepAliveSec: number, nowMs: number): void {
    const connection = this.#let();
    if (connection !== null) this.#pool?.give(connection, keepAliveSec, nowMs);
  }

  /** Back to its pool once `socket` has sent what is lent from the connection's buffer. */
  giveWhenSent(socket: Socket, keepAliveSec: number, now: () => number): void {
    const connection = this.#let();
    const pool = this.#pool;
    if (connection === null || pool === null) return;
    connection.user = null;
    socket.write('', () => pool.give(connection, keepAliveSec, now()));
  }

  /** Ends it, and whatever was being opened. */
  drop(): void {
    this.#openings += 1;
    this.#let()?.destroy();
  }

  /** Somebody else goes on with it. */
  handOver(): UpstreamConnection {
    return this.#let() as UpstreamConnection;
  }

  #let(): UpstreamConnection | null {
    const { connection } = this;
    this.connection = null;
    return connection;
  }

  #connect(pool: UpstreamPool, addresses: readonly string[]): void {
    const address = pool.nextAddress(addresses, this.#triedAddress) ?? addresses[0];
    this.#triedAddress = address;
    this.#addressesTried += 1;
    this.connection = pool.connect(address, this.#user);
  }
}
