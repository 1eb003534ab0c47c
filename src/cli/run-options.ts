/**
 * What `run` is told, flags and environment twins read: durations in ms, sizes in bytes, addresses taken apart.
 */
import type { ListenAddress } from './arguments.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface RunOptions {
  /** `-`: standard input, read once. */
  readonly localConfig: string;
  readonly dataPlane: 'direct';
  readonly listen: ListenAddress;
  readonly adminListen: ListenAddress;
  readonly stateDir?: string;
  readonly adminTokenFile?: string;
  readonly accessLog: 'off' | 'errors' | 'all';
  readonly instance: string;
  /** In ms, as all times. */
  readonly drainDelay: number;
  readonly drainTimeout: number;
  readonly maxConnections: number;
  readonly maxHeadBytes: number;
  readonly headTimeout: number;
  readonly bodyTimeout: number;
  readonly keepAliveTimeout: number;
  readonly sendTimeout: number;
  readonly retryBodyBytes: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}
