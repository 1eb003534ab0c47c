/**
 * What is asked in an active check of one cluster of one service, and which services ask the same thing. In: a migration.
 * Out: a target with its timeouts, and a key that is equal where one answer serves for all. It opens no connection.
 */
import type { Cluster, Migration, Protocol } from '../migration/model.ts';

export interface CheckTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** What goes into Host. */
  readonly host: string;
  /** SNI, and the name that the certificate must have. */
  readonly tlsName: string;
  /** PEM text; null: the system's authorities. */
  readonly ca: string | null;
  readonly insecureSkipVerify: boolean;
  /** Null: a connect (with TLS where spoken) is the whole check. */
  readonly path: string | null;
  /** Connect and TLS handshake together. */
  readonly connectTimeoutMs: number;
  /** From the request to the head of its answer. */
  readonly timeoutMs: number;
}

/** Old has no `health_check.path`: that describes the application as it runs in new. */
export function checkTargetOf(migration: Migration, cluster: Cluster): CheckTarget {
  const side = migration[cluster];
  return {
    address: side.address,
    port: side.port,
    protocol: side.protocol,
    host: side.host,
    tlsName: side.tls.serverName ?? side.host,
    ca: side.tls.ca,
    insecureSkipVerify: side.tls.insecureSkipVerify,
    path: cluster === 'new' ? migration.healthCheckPath : null,
    connectTimeoutMs: migration.connectTimeoutMs,
    timeoutMs: migration.timeoutMs,
  };
}

/** Everything that may change the answer, and no more. Timeouts may differ: the most patient of those who share decides. */
export function checkKey(target: CheckTarget): string {
  const { address, port, protocol, path } = target;
  const tls = protocol === 'https' ? [target.tlsName, target.ca, target.insecureSkipVerify] : [];
  // Only a request carries a Host; to a bare connect all services of one gateway are the same.
  return JSON.stringify([address, port, protocol, tls, path === null ? [] : [path, target.host]]);
}

/** One target for several services that share a key. */
export function mostPatient(a: CheckTarget, b: CheckTarget): CheckTarget {
  return {
    ...a,
    connectTimeoutMs: Math.max(a.connectTimeoutMs, b.connectTimeoutMs),
    timeoutMs: Math.max(a.timeoutMs, b.timeoutMs),
  };
}
