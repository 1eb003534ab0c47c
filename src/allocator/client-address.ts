/**
 * Who the client is. In: the socket's peer, the trusted proxies and X-Forwarded-For (all lines joined). Out: the address that
 * rules see. An untrusted peer is the client, whatever it claims. Knows nothing of where the pieces come from.
 */
import type { CidrLookup } from './cidr.ts';
import { type IpAddress, parseIp } from './ip.ts';

/**
 * From right to left over X-Forwarded-For, skipping trusted addresses: the first untrusted one. All trusted: the leftmost.
 * An entry that is no address ends the walk at the last good one; empty entries are no entries (RFC 9110 section 5.6.1).
 */
export function clientAddress(peer: IpAddress, trusted: CidrLookup, forwardedFor: string): IpAddress {
  if (forwardedFor === '' || trusted.firstMatch(peer) === -1) return peer;
  let client = peer;
  let end = forwardedFor.length;
  while (end > 0) {
    const comma = forwardedFor.lastIndexOf(',', end - 1);
    const entry = trimmed(forwardedFor, comma + 1, end);
    end = comma;
    if (entry === '') continue;
    const ip = parseForwarded(entry);
    if (ip === null) return client;
    client = ip;
    if (trusted.firstMatch(ip) === -1) return client;
  }
  return client;
}

/** An address, or one with a port that is dropped: `192.0.2.1:80`, `[2001:db8::1]:80`. Brackets without a port are none, as in nginx. */
export function parseForwarded(entry: string): IpAddress | null {
  const bare = parseIp(entry);
  if (bare !== null) return bare;
  const colon = entry.lastIndexOf(':');
  if (colon === -1 || !isPort(entry.slice(colon + 1))) return null;
  const address = entry.slice(0, colon);
  if (address.startsWith('[') && address.endsWith(']')) {
    const inner = address.slice(1, -1);
    return inner.includes(':') ? parseIp(inner) : null;
  }
  return address.includes(':') ? null : parseIp(address);
}

/** Spaces and tabs alone are white space here; String.trim would also take the byte 0xa0. */
function trimmed(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isPort(text: string): boolean {
  if (!/^\d{1,5}$/.test(text)) return false;
  const port = Number(text);
  return port >= 1 && port <= 65_535;
}
