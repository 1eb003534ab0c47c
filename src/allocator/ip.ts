/**
 * An IP address as numbers, read once. In: text from a socket, a forwarding header or a rule. Out: words to compare, and the
 * canonical text. IPv4-mapped IPv6 is IPv4. Strict: a quad with leading zeros (octal to some) and a zone id are no address.
 */
export interface IpAddress {
  readonly family: 4 | 6;
  /** IPv4: the address as an unsigned 32 bit number, else the first 32 bits. */
  readonly a: number;
  /** IPv6: the next three words; 0 for IPv4. */
  readonly b: number;
  readonly c: number;
  readonly d: number;
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly text: string;
}

/** Reads a dotted quad or an RFC 4291 address, without port, brackets or zone id; null for anything else. */
export function parseIp(text: string): IpAddress | null {
  const quad = parseQuad(text);
  if (quad >= 0) return { family: 4, a: quad, b: 0, c: 0, d: 0, text };
  const words = parseIpv6Words(text);
  if (words === null) return null;
  const [a, b, c, d] = words;
  if (a === 0 && b === 0 && c === 0xffff) return { family: 4, a: d, b: 0, c: 0, d: 0, text: formatQuad(d) };
  return { family: 6, a, b, c, d, text: formatIpv6(words) };
}

/** The four unsigned 32 bit words of an IPv6 address, mapped ones as they stand; null for anything else. */
export function parseIpv6Words(text: string): readonly [number, number, number, number] | null {
  if (text.length < 2 || text.length > 45) return null;
  const gap = text.indexOf('::');
  if (gap !== -1 && text.indexOf('::', gap + 1) !== -1) return null;
  const head = parseGroups(gap === -1 ? text : text.slice(0, gap), gap === -1);
  const tail = gap === -1 ? [] : parseGroups(text.slice(gap + 2), true);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  // RFC 4291 section 2.2: `::` stands for one group or more.
  if (gap === -1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return [word(groups, 0), word(groups, 2), word(groups, 4), word(groups, 6)];
}

/** RFC 5952: lower case, no leading zeros, `::` for the first of the longest runs of two or more zero groups. */
export function formatIpv6(words: readonly number[]): string {
  const groups = words.flatMap((w) => [w >>> 16, w & 0xffff]);
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > bestLength) {
      best = i;
      bestLength = end - i;
    }
    i = Math.max(i, end);
  }
  const hex = groups.map((group) => group.toString(16));
  if (best === -1) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}

function formatQuad(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** The quad as an unsigned number, -1 for anything else. */
function parseQuad(text: string): number {
  if (text.length < 7 || text.length > 15) return -1;
  let address = 0;
  let parts = 0;
  let part = 0;
  let digits = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? 0x2e : text.charCodeAt(i);
    if (code === 0x2e) {
      if (digits === 0 || ++parts > 4) return -1;
      address = address * 256 + part;
      part = 0;
      digits = 0;
    } else if (code >= 0x30 && code <= 0x39) {
      if (digits > 0 && part === 0) return -1;
      part = part * 10 + code - 0x30;
      digits++;
      if (part > 255) return -1;
    } else return -1;
  }
  return parts === 4 ? address : -1;
}

/** Colon separated 16 bit groups; the last may be a dotted quad where the address ends with it. */
function parseGroups(text: string, mayEndInQuad: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      const quad = mayEndInQuad && i === parts.length - 1 ? parseQuad(part) : -1;
      if (quad < 0) return null;
      groups.push(quad >>> 16, quad & 0xffff);
    }
  }
  return groups;
}

function word(groups: readonly number[], at: number): number {
  return ((groups[at] << 16) | groups[at + 1]) >>> 0;
}
