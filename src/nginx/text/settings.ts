/**
 * What the text depends on besides the services: the nginx that reads it, where it listens, where its files are, limits.
 */
export interface NginxVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Modules that nginx may be built without: what is said of them is left out then. */
export const OPTIONAL_MODULES = ['stub_status', 'gzip', 'fastcgi', 'uwsgi', 'scgi'] as const;
export type OptionalModule = (typeof OPTIONAL_MODULES)[number];

export interface NginxSettings {
  readonly version: NginxVersion;
  /** Host null: every address, IPv4 and IPv6. */
  readonly listen: { readonly host: string | null; readonly port: number };
  /** 12 hex digits that no other nginx of ours has, on this machine or another: the beginning of the ids of requests. */
  readonly place: string;
  /** Absolute. All files of nginx are below it. */
  readonly directory: string;
  /** Our name in Via. */
  readonly instance: string;
  /** `user` of the workers; null: nginx is not started by root and has no say. */
  readonly user: string | null;
  readonly workers: number;
  /** How long a leaving worker may serve what is under way. */
  readonly shutdownTimeoutMs: number;
  readonly gzip: 'off' | 'on';
  /** A log for people, in the combined format with backend and times. */
  readonly accessLogFile: string | null;
  /** `full`: each request leaves all its fields in the log that we read. */
  readonly detail: 'brief' | 'full';
  /** ngx_http_js_module.so, absolute; needed for `hash: murmur3` alone. */
  readonly njsModule: string | null;
  /** Absolute: PEM file of the CAs trusted by default. */
  readonly caBundle: string;
  /**
   * Absolute: the same CAs as a directory that OpenSSL looks them up in (`caDirectoryFiles`). Null: this nginx cannot be told of one,
   * as its proxy_ssl_conf_command needs OpenSSL.
   */
  readonly caDirectory: string | null;
  /** Absent: none. */
  readonly lacks?: readonly OptionalModule[];
  /** Files that a worker may open at most on this machine. Null: nobody knows, and the text says nothing of it. */
  readonly mostFiles?: number | null;
  readonly limits: NginxLimits;
}

export interface NginxLimits {
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly sendTimeoutMs: number;
  readonly maxHeadBytes: number;
  /** Bodies up to this are held for another attempt. */
  readonly replayBytes: number;
  /** Of clients; 0: no limit of ours. */
  readonly maxConnections: number;
}

/** A client with an attempt under way has two connections; the rest is for health, idle backends and what is closing. */
const SPARE_CONNECTIONS = 1_024;
const CONNECTIONS_WITHOUT_LIMIT = 16_384;
/** Logs, listeners, spooled files. */
const SPARE_FILES = 512;

/** Of one worker, each connection being a file: what it wants, and what it gets where fewer may be open. */
export function filesOf({ limits, mostFiles = null }: Pick<NginxSettings, 'limits' | 'mostFiles'>) {
  const connections =
    limits.maxConnections === 0 ? CONNECTIONS_WITHOUT_LIMIT : limits.maxConnections * 2 + SPARE_CONNECTIONS;
  const wanted = connections + SPARE_FILES;
  if (mostFiles === null || mostFiles >= wanted)
    return { wanted, open: mostFiles === null ? null : wanted, connections };
  // Out of connections nginx gives up idle ones; out of files it can do nothing.
  return { wanted, open: mostFiles, connections: Math.max(mostFiles - SPARE_FILES, Math.ceil(mostFiles / 2)) };
}

/** Whether the nginx that reads the text is at least this version. */
export function isAtLeast(version: NginxVersion, major: number, minor: number, patch: number): boolean {
  const [x, y, z] = [version.major - major, version.minor - minor, version.patch - patch];
  return x > 0 || (x === 0 && (y > 0 || (y === 0 && z >= 0)));
}
