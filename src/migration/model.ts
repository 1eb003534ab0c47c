/**
 * What a migration is: one service on its way from the old cluster to the new one.
 * Plain frozen data with every default applied, so that nothing downstream asks "and if it is absent?".
 * Times are milliseconds, shares are basis points (0..10000 of all requests). Strings that are compared with bytes of a
 * request (rule values, cookie names, cohort) are ordinary text here; whoever compiles them turns them into UTF-8 bytes.
 */
export type Cluster = 'old' | 'new';
export type Protocol = 'http' | 'https';
export type Strategy = 'weight' | 'user' | 'header' | 'ip';
export type HashName = 'murmur2' | 'murmur3';

/** How a TLS peer is verified. Null means: the system's CAs, and the cluster's own host name. */
export interface TlsPolicy {
  /** PEM text, from `ca` or read from `ca_file` by the shell. */
  readonly ca: string | null;
  /** A path still to be read; null once its text stands in `ca`, so that equal policies are equal data. */
  readonly caFile: string | null;
  readonly serverName: string | null;
  readonly insecureSkipVerify: boolean;
}

/** One side of a migration. */
export interface ClusterTarget {
  /** Lower case, without port: the name that clients ask for (old), or that new answers to. */
  readonly host: string;
  /** Lower case host name or IP address; IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly tls: TlsPolicy;
}

export type Match =
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'present' };

export interface HeaderRule {
  /** Lower case. */
  readonly header: string;
  readonly match: Match;
  readonly target: Cluster;
}
export interface CookieRule {
  readonly cookie: string;
  readonly match: Match;
  readonly target: Cluster;
}
export interface IpRule {
  /** CIDR text as written, already known to be well formed. */
  readonly cidr: string;
  readonly target: Cluster;
}
export interface UserRule {
  /** Lower case. */
  readonly header: string;
  /** Inclusive per cent of the hash's space, 0..99. */
  readonly from: number;
  readonly to: number;
  readonly target: Cluster;
}

export interface FallbackPolicy {
  readonly enabled: boolean;
  /** Failures in a row that trip. */
  readonly maxFailures: number;
  readonly failureWindowMs: number;
  readonly recoveryTimeMs: number;
  /** 0..1; 0 turns the rate rule off. */
  readonly maxFailureRate: number;
  readonly minRequests: number;
  /** Statuses of new that count as failures and may be retried on old. */
  readonly failureStatuses: readonly number[];
}

export interface Migration {
  readonly name: string;
  readonly enabled: boolean;
  /** Null: the whole host. Else begins with `/`, no trailing slash, whole segments. */
  readonly pathPrefix: string | null;
  readonly old: ClusterTarget;
  readonly new: ClusterTarget;
  readonly strategy: Strategy;
  /** Basis points of traffic for new. */
  readonly shareBp: number;
  readonly cohort: string;
  /** Lower case. */
  readonly userIdHeader: string;
  /** True for `sticky: cookie`. */
  readonly sticky: boolean;
  readonly hash: HashName;
  readonly headerRules: readonly HeaderRule[];
  readonly cookieRules: readonly CookieRule[];
  readonly ipRules: readonly IpRule[];
  readonly userRules: readonly UserRule[];
  readonly fallback: FallbackPolicy;
  /** Most further attempts for one request, over both clusters together. */
  readonly retryAttempts: number;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly streamIdleTimeoutMs: number;
  readonly healthCheckIntervalMs: number;
  /** Null: a connect (with TLS where spoken) is the check. */
  readonly healthCheckPath: string | null;
  /** CIDRs, well formed. */
  readonly trustedProxies: readonly string[];
  readonly exposeDecision: boolean;
}

/**
 * How a served migration stands to its source: `valid` is what the source says; `stale` is its last good version, because
 * the one in the source is in error or gone; `invalid` was never valid and is served by old alone.
 */
export type Standing = 'valid' | 'stale' | 'invalid';

/** One served service: the migration, how it stands, and where it is written. */
export interface ServedMigration {
  readonly migration: Migration;
  readonly standing: Standing;
}
