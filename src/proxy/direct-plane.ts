/**
 * The built-in data plane: a listener, the connections of its clients, the pools of its backends, and the table that
 * routes between them. Configuration and run state change between two requests; nothing is ever restarted for them.
 */
import { randomFillSync } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { MAX_HEAD_BYTES } from '../http1/message-head.ts';
import { RequestHead } from '../http1/request-head.ts';
import { ResponseHead } from '../http1/response-head.ts';
import type { RunState } from '../migration/run-state.ts';
import type { RoutingTable } from '../routing/table.ts';
import type { DataPlane, DataPlaneObserver } from '../status/data-plane.ts';
import { ClientConnection } from './client-connection.ts';
import { Deadlines } from './deadlines.ts';
import { DEFAULT_LIMITS, type Limits, type PlaneContext } from './plane-context.ts';
import { RandomIds } from './request-id.ts';
import { type Lookup, Resolver, systemLookup } from './resolver.ts';
import { EMPTY_TABLE, routeTable } from './routed-table.ts';
import { Scratch } from './scratch.ts';

/** How late a time limit may fire. */
const TICK_MS = 20;
const SWEEP_MS = 1_000;
const DNS_REFRESH_MS = 5_000;
const DNS_FAILURE_MS = 1_000;
const MAX_SPARE_HEADS = 256;
/** At a drain, idle connections may send one more request for so long, and are told to close. */
const IDLE_DRAIN_MS = 1_000;

export interface DirectPlaneOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Our name in Via: requests that carry it have been here before. */
  readonly instance: string;
  readonly observer: DataPlaneObserver;
  /** A fault of ours that cost one connection, for the log; a warning of the process when nobody listens. */
  readonly onFault?: (error: unknown) => void;
  readonly limits?: Partial<Limits>;
  readonly lookup?: Lookup;
  readonly now?: () => number;
  readonly random?: () => number;
}

export class DirectPlane implements DataPlane {
  readonly #options: DirectPlaneOptions;
  readonly #server: Server;
  readonly #clients = new Set<ClientConnection>();
  readonly #plane: PlaneContext;
  readonly #resolver: Resolver;
  readonly #random: () => number;
  #sweeper: NodeJS.Timeout | null = null;

  constructor(options: DirectPlaneOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    const now = options.now ?? ((): number => performance.timeOrigin + performance.now());
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#resolver = new Resolver({
      now,
      lookup: options.lookup ?? systemLookup,
      refreshMs: DNS_REFRESH_MS,
      failureMs: DNS_FAILURE_MS,
    });
    const spareHeads: RequestHead[] = [];
    this.#plane = {
      now,
      limits,
      observer: options.observer,
      deadlines: new Deadlines(now),
      ids: new RandomIds((block) => randomFillSync(block)),
      scratch: new Scratch(Math.max(limits.maxHeadBytes, MAX_HEAD_BYTES)),
      instance: options.instance,
      responseHead: new ResponseHead(),
      takeHead: () => spareHeads.pop() ?? new RequestHead(limits.maxHeadBytes),
      giveHead: (head) => {
        if (spareHeads.length < MAX_SPARE_HEADS) spareHeads.push(head);
      },
      onFault: options.onFault ?? warnOfFault,
      table: EMPTY_TABLE,
      draining: false,
    };
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#clients.add(new ClientConnection(this.#plane, socket, this.#forget));
    });
    if (limits.maxConnections > 0) this.#server.maxConnections = limits.maxConnections;
    this.#server.on('drop', () => options.observer.refused('too_many_connections'));
  }

  /** Rejects with the system's error when the address cannot be had. */
  listen(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: 4096 }, () => {
        this.#server.off('error', reject);
        // Accepting fails when file descriptors run out, and goes on by itself when there are some again.
        this.#server.on('error', () => this.#options.observer.refused('accept_failed'));
        this.#plane.deadlines.start(TICK_MS);
        this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref();
        const bound = this.#server.address() as AddressInfo;
        resolve({ host: bound.address, port: bound.port });
      });
    });
  }

  apply(table: RoutingTable): void {
    const previous = this.#plane.table;
    const next = routeTable(table, previous, this.#resolver, this.#random);
    this.#plane.table = next;
    for (const [key, { pool }] of previous.pools) if (!next.pools.has(key)) pool.close();
    this.#resolver.retain(new Set([...next.pools.values()].map(({ pool }) => pool.host)));
  }

  setRunState(service: string, state: RunState): void {
    const routed = this.#plane.table.services.get(service);
    if (routed !== undefined) routed.live.run = state;
  }

  connections(): { readonly client: number; readonly old: number; readonly new: number } {
    const open = { client: this.#clients.size, old: 0, new: 0 };
    for (const { pool, clusters } of this.#plane.table.pools.values()) {
      for (const cluster of clusters) open[cluster] += pool.open;
    }
    return open;
  }

  /**
   * Takes no new connections, lets requests end, and cuts at the deadline what has not ended, tunnels and event streams
   * among it. Resolves when all is closed.
   */
  async drain(graceMs: number): Promise<void> {
    this.#plane.draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const idle = setTimeout(() => this.#endIdle(), Math.min(IDLE_DRAIN_MS, graceMs / 4));
    const cut = setTimeout(() => this.#destroyAll(), graceMs);
    await closed;
    clearTimeout(idle);
    clearTimeout(cut);
    this.#stop();
  }

  /** At once. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#destroyAll();
    await closed;
    this.#stop();
  }

  #stop(): void {
    this.#plane.deadlines.stop();
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    for (const { pool } of this.#plane.table.pools.values()) pool.close();
  }

  #sweep(): void {
    const nowMs = this.#plane.now();
    for (const { pool } of this.#plane.table.pools.values()) if (pool.idleCount > 0) pool.sweep(nowMs);
    if (this.#plane.draining) this.#endIdle();
  }

  #endIdle(): void {
    for (const client of this.#clients) client.endIfIdle();
  }

  #destroyAll(): void {
    for (const client of this.#clients) client.destroy();
  }

  readonly #forget = (client: ClientConnection): void => {
    this.#clients.delete(client);
  };
}

function warnOfFault(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(text, 'ProxyFault');
}
