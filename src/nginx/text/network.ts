/**
 * The network of a CIDR in the one form that nginx reads without a warning: no low bits, RFC 5952, and that of IPv4-mapped
 * addresses as the IPv4 network that it is. Null for anything else.
 */
import { formatIpv6, parseIp, parseIpv6Words } from '../../allocator/ip.ts';

export function networkOf(cidr: string): string | null {
  const slash = cidr.indexOf('/');
  const [address, length] = [cidr.slice(0, slash), cidr.slice(slash + 1)];
  const [ip, bits] = [parseIp(address), Number(length)];
  if (ip === null || !/^(?:0|[1-9]\d{0,2})$/.test(length) || bits > (address.includes(':') ? 128 : 32)) return null;
  if (!address.includes(':')) return quadNetwork(ip.a, bits);
  if (ip.family === 4 && bits >= 96) return quadNetwork(ip.a, bits - 96);
  const words = parseIpv6Words(address)!.map((word, i) => masked(word, bits - 32 * i));
  return `${formatIpv6(words)}/${bits}`;
}

function quadNetwork(address: number, bits: number): string {
  const kept = masked(address, bits);
  return `${[24, 16, 8, 0].map((shift) => (kept >>> shift) & 0xff).join('.')}/${bits}`;
}

/** The first `bits` bits of a word of 32. */
function masked(word: number, bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? word : (word & (0xffff_ffff << (32 - bits))) >>> 0;
}
