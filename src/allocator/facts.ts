/**
 * What a decision may ask of a request. All strings are byte strings: one character for each byte as sent (latin1), so
 * that hashes and comparisons see what nginx sees. The data plane's request object implements this itself.
 */
import type { IpAddress } from './ip.ts';

export interface RequestFacts {
  /** All lines of that name (lower case) joined by `, `; '' when absent or empty. Names with `_` are never found. */
  header(name: string): string;
  /** The first cookie of that name; '' when absent or empty. */
  cookie(name: string): string;
  /** The client's address by the rules of trusted proxies. */
  clientIp(): IpAddress;
  /** The valid `migration_id` cookie, or the fresh id that this request's answer will set. Asked for sticky services only. */
  stickyId(): string;
  /** The id of this request (X-Request-ID). */
  requestId(): string;
  /** Whether this request may take the single probing slot: it is free, and the request's method is one of `methods`. */
  mayProbe(methods: 'replayable' | 'all'): boolean;
}
