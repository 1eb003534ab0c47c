/**
 * Who the client is, and how that is told to backends: X-Forwarded-*, X-Request-ID, Via. What an untrusted client says of
 * itself in them is replaced; a trusted peer's words are extended.
 */

import type { CidrLookup } from '../allocator/cidr.ts';
import { clientAddress } from '../allocator/client-address.ts';
import type { IpAddress } from '../allocator/ip.ts';
import { F, type Fields } from '../http1/fields.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { DROP, endLine, writeLine } from './head-writer.ts';
import { copyBytes, writeText } from './scratch.ts';

export function isTrusted(peer: IpAddress, trusted: CidrLookup | null): boolean {
  return trusted !== null && trusted.firstMatch(peer) !== -1;
}

export function clientOf(peer: IpAddress, trusted: CidrLookup | null, head: Fields): IpAddress {
  if (trusted === null || !head.has(F.X_FORWARDED_FOR)) return peer;
  return clientAddress(peer, trusted, head.header('x-forwarded-for'));
}

/** Marks the lines that are written anew, and an Expect that waits for nothing. Once for each request. */
export function dropForwarded(head: RequestHead): void {
  const { id, hop, count } = head;
  for (let i = 0; i < count; i++) {
    const field = id[i] as number;
    if ((field >= F.X_FORWARDED_FOR && field <= F.X_REQUEST_ID) || field === F.HOST || field === F.CONTENT_LENGTH) {
      hop[i] = DROP;
    } else if (field === F.EXPECT && !head.expectContinue) hop[i] = DROP;
  }
}

export interface Forwarding {
  readonly peer: string;
  readonly trusted: boolean;
  readonly requestId: string;
  readonly instance: string;
}

export function writeForwarded(head: RequestHead, from: Forwarding, dst: Buffer, pos: number): number {
  const prior = from.trusted ? head.header('x-forwarded-for') : '';
  pos = writeText('X-Forwarded-For: ', dst, pos);
  if (prior !== '') pos = writeText(', ', dst, writeText(prior, dst, pos));
  pos = endLine(dst, writeText(from.peer, dst, pos));
  pos = writeLine('X-Forwarded-Proto: ', schemeOf(head, from.trusted), dst, pos);
  pos = writeText('X-Forwarded-Host: ', dst, pos);
  const host = from.trusted ? head.header('x-forwarded-host') : '';
  if (host !== '') pos = writeText(host, dst, pos);
  else pos = copyBytes(head.buf, head.authorityStart, head.authorityEnd, dst, pos);
  pos = endLine(dst, pos);
  pos = writeLine('X-Forwarded-Port: ', portOf(head, from.trusted), dst, pos);
  pos = writeLine('X-Request-ID: ', from.requestId, dst, pos);
  return writeLine('Via: 1.1 ', from.instance, dst, pos);
}

/** The scheme that the client used: ours is plain HTTP, a trusted peer may know better. */
export function schemeOf(head: Fields, trusted: boolean): string {
  if (!trusted || !head.has(F.X_FORWARDED_PROTO)) return 'http';
  const sent = head.header('x-forwarded-proto').toLowerCase();
  return sent === 'https' || sent === 'http' ? sent : 'http';
}

/** The port that the client named, else the default one of its scheme; a trusted peer's word first. */
function portOf(head: RequestHead, trusted: boolean): string {
  if (trusted) {
    const sent = head.header('x-forwarded-port');
    if (sent !== '') return sent;
  }
  if (head.port !== 0) return String(head.port);
  return schemeOf(head, trusted) === 'https' ? '443' : '80';
}

/** Whether a Via line (RFC 9110 section 7.6.3) names us: the request has been here before. */
export function hasPassed(head: Fields, instance: string): boolean {
  if (!head.has(F.VIA)) return false;
  for (const hop of head.header('via').split(',')) {
    const [, receivedBy] = hop.trim().split(/\s+/);
    if (receivedBy === instance) return true;
  }
  return false;
}

/** Private addresses (RFC 1918, RFC 4193, RFC 6598, loopback, link-local): an ingress, not somebody from outside. */
export function isPrivate(ip: IpAddress): boolean {
  if (ip.family === 6)
    return ip.a >>> 25 === 0x7e || ip.a >>> 22 === 0x3fa || (ip.a === 0 && ip.b === 0 && ip.c === 0 && ip.d === 1);
  const a = ip.a >>> 24;
  return (
    a === 10 ||
    a === 127 ||
    ip.a >>> 20 === 0xac1 ||
    ip.a >>> 16 === 0xc0a8 ||
    ip.a >>> 16 === 0xa9fe ||
    ip.a >>> 22 === 0x191
  );
}
