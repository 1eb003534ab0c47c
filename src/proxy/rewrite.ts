/**
 * Answers of the new cluster name the new cluster's host; clients must keep seeing the host that they used. Pure: header
 * values in, the rewritten value or null (leave it as it is) out. Sources: RFC 9110 sections 10.2.2 (Location) and 8.7
 * (Content-Location), the HTML standard's shared declarative refresh steps, RFC 6265 section 4.1 (Set-Cookie).
 */
import type { Protocol } from '../migration/model.ts';

/** Who is renamed to whom. */
export interface Renaming {
  /** Lower case, without port. */
  readonly newHost: string;
  readonly newProtocol: Protocol;
  /** As the client sent it: `host` or `host:port`. */
  readonly clientAuthority: string;
  /** Lower case, without port. */
  readonly clientHost: string;
  readonly clientScheme: string;
}

/**
 * An absolute or scheme-relative URL whose authority is new_host (with any port): its authority becomes the client's,
 * its scheme the client's where it was new_protocol. Anything else, userinfo included, is left alone.
 */
export function rewriteUrl(value: string, names: Renaming): string | null {
  const scheme = schemeOf(value);
  if (scheme === null) return null;
  const authorityStart = scheme === '' ? 2 : scheme.length + 3;
  const authorityEnd = endOfAuthority(value, authorityStart);
  if (!isHost(value.slice(authorityStart, authorityEnd), names.newHost)) return null;
  const rest = names.clientAuthority + value.slice(authorityEnd);
  if (scheme === '') return `//${rest}`;
  return `${scheme.toLowerCase() === names.newProtocol ? names.clientScheme : scheme}://${rest}`;
}

/** `5; url=https://new_host/x`, with or without quotes and white space. */
export function rewriteRefresh(value: string, names: Renaming): string | null {
  const separator = value.search(/[;,]/);
  if (separator === -1) return null;
  const named = /^[;,]\s*(?:url\s*=\s*)?/i.exec(value.slice(separator));
  if (named === null) return null;
  let start = separator + named[0].length;
  let end = value.length;
  const quote = value[start];
  if (quote === '"' || quote === "'") {
    start += 1;
    const closing = value.indexOf(quote, start);
    if (closing !== -1) end = closing;
  }
  const url = rewriteUrl(value.slice(start, end), names);
  return url === null ? null : value.slice(0, start) + url + value.slice(end);
}

/**
 * A cookie whose Domain is new_host gets the client's host; cookies of a parent domain stay as they are. Of several Domains
 * the last counts (RFC 6265 section 5.3), and only that is renamed: else a head full of them would grow twentyfold.
 */
export function rewriteSetCookie(value: string, names: Renaming): string | null {
  const found = lastDomain(value);
  if (found === null) return null;
  const domain = value.slice(found.start, found.end).trim();
  const dot = domain.startsWith('.') ? '.' : '';
  if (domain.slice(dot.length).toLowerCase() !== names.newHost) return null;
  return value.slice(0, found.start) + dot + names.clientHost + value.slice(found.end);
}

/** Where the value of the last Domain attribute stands. */
function lastDomain(value: string): { readonly start: number; readonly end: number } | null {
  let last = null;
  for (let from = value.indexOf(';'); from !== -1; ) {
    const next = value.indexOf(';', from + 1);
    const end = next === -1 ? value.length : next;
    const named = /^\s*domain\s*=/i.exec(value.slice(from + 1, end));
    if (named !== null) last = { start: from + 1 + named[0].length, end };
    from = next;
  }
  return last;
}

/** `http`, `https` (as written), '' for `//…`; null for everything else. */
function schemeOf(value: string): string | null {
  if (value.startsWith('//')) return '';
  const colon = value.indexOf('://');
  if (colon !== 4 && colon !== 5) return null;
  const scheme = value.slice(0, colon);
  const lower = scheme.toLowerCase();
  return lower === 'http' || lower === 'https' ? scheme : null;
}

function endOfAuthority(value: string, start: number): number {
  for (let i = start; i < value.length; i++) {
    const c = value[i];
    // A backslash ends the authority for browsers (WHATWG URL): never part of a host that we accept.
    if (c === '/' || c === '?' || c === '#' || c === '\\') return i;
  }
  return value.length;
}

function isHost(authority: string, host: string): boolean {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const lower = authority.toLowerCase();
  if (!lower.startsWith(bracketed)) return false;
  const port = lower.slice(bracketed.length);
  return port === '' || /^:\d*$/.test(port);
}
