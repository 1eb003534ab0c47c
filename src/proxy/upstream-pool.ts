/**
 * Kept connections to one backend under one TLS identity. A connection or TLS session is used again only for the same
 * backend, protocol, TLS name and TLS policy: a pool is exactly that tuple, shared by all services that agree on it.
 */

import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { ClusterTarget } from '../migration/model.ts';
import type { Resolver } from './resolver.ts';
import { UpstreamConnection, type UpstreamTarget, type UpstreamUser } from './upstream-connection.ts';

/** Idle connections are given up after this, unless the backend's Keep-Alive says sooner. */
const IDLE_MS = 60_000;
/** Given up this much before the backend would. */
const IDLE_MARGIN_MS = 1_000;
const MAX_IDLE = 512;
/** A request that may not be sent twice takes only a connection that was idle for less. */
export const FRESH_IDLE_MS = 3_000;

export function poolKey(target: ClusterTarget): string {
  const tls = target.protocol === 'https' ? [tlsName(target), target.tls.ca, target.tls.insecureSkipVerify] : null;
  return JSON.stringify([target.address, target.port, tls]);
}

function tlsName(target: ClusterTarget): string {
  return target.tls.serverName ?? target.host;
}

export class UpstreamPool implements UpstreamTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: ConnectionOptions | null;
  session: Buffer | null = null;
  /** Open connections, in use or idle. */
  open = 0;
  readonly #resolver: Resolver;
  #idle: UpstreamConnection[] = [];
  #turn = 0;
  #closed = false;

  constructor(target: ClusterTarget, resolver: Resolver) {
    this.host = target.address;
    this.port = target.port;
    this.tls = target.protocol === 'https' ? tlsOptions(target) : null;
    this.#resolver = resolver;
  }

  /** An idle connection for `user`, the most recently used first; null: there is none young enough. */
  take(user: UpstreamUser, maxIdleMs: number, nowMs: number): UpstreamConnection | null {
    const idle = this.#idle;
    while (idle.length > 0) {
      const connection = idle[idle.length - 1] as UpstreamConnection;
      if (nowMs < connection.idleUntilMs) {
        if (nowMs - connection.idleSinceMs >= maxIdleMs) return null;
        idle.length -= 1;
        connection.onIdleLost = null;
        connection.user = user;
        return connection;
      }
      idle.length -= 1;
      connection.destroy();
    }
    return null;
  }

  /**
   * Keeps a connection whose answer is complete, and lets it read: only so it is seen to close.
   * `keepAliveSec`: the backend's Keep-Alive timeout, -1 without one.
   */
  give(connection: UpstreamConnection, keepAliveSec: number, nowMs: number): void {
    const keepMs = keepAliveSec < 0 ? IDLE_MS : Math.min(IDLE_MS, keepAliveSec * 1000 - IDLE_MARGIN_MS);
    if (this.#closed || keepMs <= 0 || this.#idle.length >= MAX_IDLE || connection.socket.destroyed) {
      return connection.destroy();
    }
    connection.user = null;
    connection.served += 1;
    connection.idleSinceMs = nowMs;
    connection.idleUntilMs = nowMs + keepMs;
    connection.onIdleLost = this.#forget;
    this.#idle.push(connection);
    connection.resume();
  }

  /** Addresses of the backend if they are known now; null: ask `resolve`. */
  addresses(): readonly string[] | null {
    return this.#resolver.known(this.host);
  }

  resolve(): Promise<readonly string[]> {
    return this.#resolver.resolve(this.host);
  }

  /** The address whose turn it is, one that is not `tried` where there is another; null when all there are was tried. */
  nextAddress(addresses: readonly string[], tried: string | null): string | null {
    for (let i = 0; i < addresses.length; i++) {
      this.#turn = (this.#turn + 1) % addresses.length;
      const address = addresses[this.#turn] as string;
      if (address !== tried) return address;
    }
    return null;
  }

  connect(address: string, user: UpstreamUser): UpstreamConnection {
    const connection = new UpstreamConnection(address, this);
    connection.user = user;
    this.open += 1;
    connection.onClosed = this.#oneLess;
    return connection;
  }

  /** Drops what is too old, and connections to addresses that the name no longer has. */
  sweep(nowMs: number): void {
    const addresses = this.#resolver.known(this.host);
    this.#idle = this.#idle.filter((connection) => {
      const keep = nowMs < connection.idleUntilMs && (addresses === null || addresses.includes(connection.address));
      if (!keep) connection.destroy();
      return keep;
    });
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  /** No service uses it any more: idle connections go now, busy ones when they are done. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle) connection.destroy();
    this.#idle = [];
  }

  readonly #forget = (connection: UpstreamConnection): void => {
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  };

  readonly #oneLess = (): void => {
    this.open -= 1;
  };
}

function tlsOptions(target: ClusterTarget): ConnectionOptions {
  const name = tlsName(target);
  return {
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(target.tls.ca === null ? {} : { ca: target.tls.ca }),
    rejectUnauthorized: !target.tls.insecureSkipVerify,
    ALPNProtocols: ['http/1.1'],
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  };
}
