/**
 * Who is at the other end of a socket. In: the address as the system says it. Out: the address as the rules know it: without
 * the zone of a link-local one (RFC 4007 section 11), which names one of our own interfaces and nothing of the peer.
 */
import { type IpAddress, parseIp } from '../allocator/ip.ts';

/** Null when there is none: the peer went before we could ask who it was. */
export function peerAddress(remoteAddress: string | undefined): IpAddress | null {
  if (remoteAddress === undefined) return null;
  const zone = remoteAddress.indexOf('%');
  return parseIp(zone === -1 ? remoteAddress : remoteAddress.slice(0, zone));
}
