/**
 * Lists of CIDRs, compiled. In: the rules' texts in their order. Out: a look-up that names the first rule holding an address,
 * by binary search over disjoint ranges (about 50 ns for 1 000 rules, where asking ip-cidr rule by rule takes 5 ms).
 * ip-cidr reads the texts at load. Knows nothing of what a rule does.
 */
import IPCIDR from 'ip-cidr';
import { formatIpv6, type IpAddress, parseIp, parseIpv6Words } from './ip.ts';

/** Addresses first..last, whole numbers of 32 or 128 bits, that rule number `rule` holds. */
interface Range {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly rule: number;
}

/** From `start` on, up to the next step, `rule` is the first that matches; -1 for none. */
interface Step {
  readonly start: bigint;
  readonly rule: number;
}

export class CidrLookup {
  readonly #starts4: Uint32Array;
  readonly #rules4: Int32Array;
  /** Four words a step. */
  readonly #starts6: Uint32Array;
  readonly #rules6: Int32Array;

  constructor(steps4: readonly Step[], steps6: readonly Step[]) {
    this.#starts4 = Uint32Array.from(steps4, (step) => Number(step.start));
    this.#rules4 = Int32Array.from(steps4, (step) => step.rule);
    this.#starts6 = Uint32Array.from(steps6.flatMap((step) => wordsOf(step.start)));
    this.#rules6 = Int32Array.from(steps6, (step) => step.rule);
  }

  /** Index of the first rule, in list order, that holds the address; -1 when none does. */
  firstMatch(ip: IpAddress): number {
    return ip.family === 4 ? this.#firstMatch4(ip.a) : this.#firstMatch6(ip);
  }

  #firstMatch4(address: number): number {
    const starts = this.#starts4;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? -1 : this.#rules4[low - 1];
  }

  #firstMatch6(ip: IpAddress): number {
    let low = 0;
    let high = this.#rules6.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (startsAtOrBefore(this.#starts6, middle * 4, ip)) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? -1 : this.#rules6[low - 1];
  }
}

/** Compiles well-formed CIDRs; throws on any other text, which validation must have refused. */
export function compileCidrs(cidrs: readonly string[]): CidrLookup {
  const ranges = cidrs.map((cidr, rule) => readCidr(cidr, rule));
  return new CidrLookup(
    disjointSteps(ranges.filter((range) => range.family === 4)),
    disjointSteps(ranges.filter((range) => range.family === 6)),
  );
}

function readCidr(cidr: string, rule: number): Range {
  const slash = cidr.indexOf('/');
  const address = cidr.slice(0, slash);
  const ip = parseIp(address);
  if (slash === -1 || ip === null || !/^\d{1,3}$/.test(cidr.slice(slash + 1))) throw new Error(`no CIDR: ${cidr}`);
  const { family, text } = normalize(ip, address, Number(cidr.slice(slash + 1)));
  const [first, last] = new IPCIDR(text).toRange<bigint>({ type: 'bigInteger' });
  return { family, first, last, rule };
}

/**
 * What ip-cidr is given: it reads `::ffff:10.0.0.0/104` as 10.0.0.0/32 (4.0.2), so mapped networks go in as the IPv4
 * networks that they are, and every other IPv6 address without a quad in it.
 */
function normalize(ip: IpAddress, address: string, bits: number): { family: 4 | 6; text: string } {
  if (!address.includes(':')) return { family: 4, text: `${ip.text}/${bits}` };
  if (ip.family === 4 && bits >= 96) return { family: 4, text: `${ip.text}/${bits - 96}` };
  return { family: 6, text: `${formatIpv6(parseIpv6Words(address)!)}/${bits}` };
}

/**
 * CIDRs are nested or apart, never crossing: one pass with a stack of the open ones, where each step answers with the lowest
 * rule of all that are open.
 */
function disjointSteps(ranges: readonly Range[]): Step[] {
  const sorted = ranges.toSorted((x, y) => compare(x.first, y.first) || compare(y.last, x.last));
  const steps: Step[] = [];
  const open: { last: bigint; rule: number }[] = [];
  const closeBefore = (address: bigint | null): void => {
    while (open.length > 0 && (address === null || open[open.length - 1].last < address)) {
      const { last } = open.pop()!;
      steps.push({ start: last + 1n, rule: open.length > 0 ? open[open.length - 1].rule : -1 });
    }
  };
  for (const range of sorted) {
    closeBefore(range.first);
    const outer = open.length > 0 ? open[open.length - 1].rule : range.rule;
    const rule = Math.min(outer, range.rule);
    open.push({ last: range.last, rule });
    steps.push({ start: range.first, rule });
  }
  closeBefore(null);
  const limit = ranges[0]?.family === 4 ? 1n << 32n : 1n << 128n;
  return steps.filter((step, i) => step.start < limit && steps[i + 1]?.start !== step.start);
}

function startsAtOrBefore(starts: Uint32Array, at: number, ip: IpAddress): boolean {
  if (starts[at] !== ip.a) return starts[at] < ip.a;
  if (starts[at + 1] !== ip.b) return starts[at + 1] < ip.b;
  if (starts[at + 2] !== ip.c) return starts[at + 2] < ip.c;
  return starts[at + 3] <= ip.d;
}

function wordsOf(address: bigint): number[] {
  return [96n, 64n, 32n, 0n].map((shift) => Number((address >> shift) & 0xffffffffn));
}

function compare(x: bigint, y: bigint): number {
  return x < y ? -1 : x > y ? 1 : 0;
}
