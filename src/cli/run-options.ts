/**
 * What `run` is told, flags and environment twins read: durations in ms, sizes in bytes, addresses taken apart.
 */
import type { ConfigMapName, ListenAddress } from './arguments.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** How traffic is taken; what nginx's text depends on besides the services. Times in ms. */
export interface TrafficOptions {
  readonly listen: ListenAddress;
  readonly accessLog: 'off' | 'errors' | 'all';
  readonly instance: string;
  readonly maxConnections: number;
  readonly maxHeadBytes: number;
  readonly headTimeout: number;
  readonly bodyTimeout: number;
  readonly keepAliveTimeout: number;
  readonly sendTimeout: number;
  readonly retryBodyBytes: number;
  /** A path, or a name to look for. */
  readonly nginx: string;
  readonly nginxDir?: string;
  readonly nginxWorkers?: number;
  readonly nginxShutdownTimeout: number;
  readonly nginxAccessLog?: string;
  readonly nginxGzip: 'off' | 'on';
}

export interface RunOptions extends TrafficOptions {
  /** One of the three is where the configuration comes from. `-`: standard input, read once. */
  readonly localConfig?: string;
  readonly configmap?: ConfigMapName;
  /** Labels of ConfigMaps. */
  readonly selector?: string;
  /** Of those; absent: all. */
  readonly namespace?: string;
  /** Path; absent: in a pod its service account, else as kubectl finds it. */
  readonly kubeconfig?: string;
  readonly dataPlane: 'direct' | 'nginx';
  readonly nginxStart: 'self' | 'beside';
  readonly adminListen: ListenAddress;
  readonly stateDir?: string;
  readonly adminTokenFile?: string;
  readonly drainDelay: number;
  readonly drainTimeout: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

export function limitsOf(options: TrafficOptions) {
  return {
    headTimeoutMs: options.headTimeout,
    bodyTimeoutMs: options.bodyTimeout,
    keepAliveMs: options.keepAliveTimeout,
    sendTimeoutMs: options.sendTimeout,
    maxHeadBytes: options.maxHeadBytes,
    replayBytes: options.retryBodyBytes,
    maxConnections: options.maxConnections,
  };
}
