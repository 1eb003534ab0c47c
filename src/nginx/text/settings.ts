/**
 * What the text depends on besides the services: the nginx that reads it, where it listens, where its files are, limits.
 */
export interface NginxVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

export interface NginxSettings {
  readonly version: NginxVersion;
  /** Host null: every address, IPv4 and IPv6. */
  readonly listen: { readonly host: string | null; readonly port: number };
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

/** Whether the nginx that reads the text is at least this version. */
export function isAtLeast(version: NginxVersion, major: number, minor: number, patch: number): boolean {
  const [x, y, z] = [version.major - major, version.minor - minor, version.patch - patch];
  return x > 0 || (x === 0 && (y > 0 || (y === 0 && z >= 0)));
}
