/**
 * What all connections of one direct data plane share: clock, ids, limits, buffers, and whom to tell.
 */
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { DataPlaneObserver } from '../status/data-plane.ts';
import type { Deadlines } from './deadlines.ts';
import type { RandomIds } from './request-id.ts';
import type { RoutedTable } from './routed-table.ts';
import type { Scratch } from './scratch.ts';

/** All configurable; the defaults stand beside `run`'s flags. */
export interface Limits {
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly keepAliveMs: number;
  /** A client that takes no byte of its answer for so long is given up. */
  readonly sendTimeoutMs: number;
  /** After a last answer has left, the client may read it and go for so long. */
  readonly lingerMs: number;
  readonly maxHeadBytes: number;
  /** Of a request's body, for another attempt. */
  readonly replayBytes: number;
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: Limits = {
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  keepAliveMs: 75_000,
  sendTimeoutMs: 60_000,
  lingerMs: 2_000,
  maxHeadBytes: 32 * 1024,
  replayBytes: 64 * 1024,
  maxConnections: 10_000,
};

export interface PlaneContext {
  readonly now: () => number;
  readonly limits: Limits;
  readonly observer: DataPlaneObserver;
  readonly deadlines: Deadlines;
  readonly ids: RandomIds;
  readonly scratch: Scratch;
  /** Our name in Via. */
  readonly instance: string;
  /** Filled and read within one turn of the event loop, so that one serves all connections. */
  readonly responseHead: ResponseHead;
  /** Request heads live as long as their request; idle connections hold none. */
  takeHead(): RequestHead;
  giveHead(head: RequestHead): void;
  /** Something threw that never should. Tells people; never throws. */
  onFault(error: unknown): void;
  table: RoutedTable;
  draining: boolean;
}
