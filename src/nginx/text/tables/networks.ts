/**
 * Lists of networks as nginx's `geo` and `proxy` take them. Our rules match in their order, `geo` by the longest prefix: in come rules
 * in order, out come those that can ever match, each network once. Then both say the same, for networks are nested or
 * apart: among rules that hold an address, the narrowest is then always the earliest.
 */
import { parseIp, parseIpv6Words } from '../../../allocator/ip.ts';
import type { IpRule } from '../../../migration/model.ts';
import { networkOf } from '../network.ts';

interface Network {
  readonly cidr: string;
  /** First and last address, IPv4 below 2^32 and IPv6 above, so that they never hold each other. */
  readonly first: bigint;
  readonly last: bigint;
  readonly rule: IpRule;
  readonly place: number;
}

/** IPv6 networks that hold mapped addresses do not hold the IPv4 ones: in `geo` as in our rules these are IPv4. */
export function longestPrefixRules(rules: readonly IpRule[]): IpRule[] {
  const networks = rules.map((rule, place) => readNetwork(rule, place));
  const sorted = networks.toSorted((x, y) => compare(x.first, y.first) || compare(y.last, x.last) || x.place - y.place);
  const open: { readonly last: bigint; readonly earliest: number }[] = [];
  const kept: Network[] = [];
  for (const network of sorted) {
    while (open.length > 0 && open[open.length - 1].last < network.first) open.pop();
    const earliest = open[open.length - 1]?.earliest ?? Number.POSITIVE_INFINITY;
    if (network.place < earliest) kept.push(network);
    open.push({ last: network.last, earliest: Math.min(earliest, network.place) });
  }
  return kept.sort((x, y) => x.place - y.place).map(({ cidr, rule }) => ({ cidr, target: rule.target }));
}

/** Sorted, each once, in the form that nginx reads; one that is no network (of a service never valid) is left out. */
export function networkList(cidrs: readonly string[]): string[] {
  const networks = cidrs.map((cidr) => networkOf(cidr)).filter((network) => network !== null);
  return [...new Set(networks)].sort();
}

/** Throws on what validation must have refused. */
function readNetwork(rule: IpRule, place: number): Network {
  const cidr = networkOf(rule.cidr);
  if (cidr === null) throw new Error(`no CIDR: ${rule.cidr}`);
  const [address, length] = cidr.split('/');
  if (address.includes(':')) {
    const words = parseIpv6Words(address)!;
    const first = words.reduce((sum, word) => (sum << 32n) + BigInt(word), 1n);
    return { cidr, first, last: first + (1n << BigInt(128 - Number(length))) - 1n, rule, place };
  }
  const first = BigInt(parseIp(address)!.a);
  return { cidr, first, last: first + (1n << BigInt(32 - Number(length))) - 1n, rule, place };
}

function compare(x: bigint, y: bigint): number {
  return x < y ? -1 : x > y ? 1 : 0;
}
