/**
 * The service and decision of a log line, from their bytes, without making a string for each line.
 * In: bytes `service TAB cluster:reason`. Out: one object for each pair that was ever seen, or null for text that is none.
 * Bounded: the pairs come from the configuration, and a table that grew past its limit by years of edits begins anew.
 */
import { REASONS, type Reason } from '../../allocator/decision.ts';
import type { Cluster } from '../../migration/model.ts';

export interface Decided {
  /** '' where no service took the request. */
  readonly service: string;
  readonly cluster: Cluster;
  readonly reason: Reason;
}

const SLOTS = 1 << 12;
const MOST_PAIRS = 200_000;

interface Pair {
  readonly bytes: Buffer;
  readonly decided: Decided;
  readonly hash: number;
}

export class DecidedTable {
  #slots: (Pair | null)[] = new Array(SLOTS).fill(null);
  #count = 0;

  /** `hash`: FNV-1a of buf[start..end), which the caller has at hand from finding the end. */
  get(buf: Buffer, start: number, end: number, hash: number): Decided | null {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const pair = slots[at];
      if (pair === null) return this.#add(buf, start, end, hash);
      if (pair.hash === hash && equals(pair.bytes, buf, start, end)) return pair.decided;
    }
  }

  #add(buf: Buffer, start: number, end: number, hash: number): Decided | null {
    const decided = parseDecided(buf.toString('latin1', start, end));
    if (decided === null) return null;
    if (this.#count >= MOST_PAIRS) {
      this.#slots = new Array(SLOTS).fill(null);
      this.#count = 0;
    }
    this.#put({ bytes: Buffer.from(buf.subarray(start, end)), decided, hash });
    return decided;
  }

  #put(pair: Pair): void {
    if (++this.#count * 2 > this.#slots.length) {
      const before = this.#slots;
      this.#slots = new Array(before.length * 2).fill(null);
      for (const one of before) if (one !== null) this.#place(one);
    }
    this.#place(pair);
  }

  #place(pair: Pair): void {
    const mask = this.#slots.length - 1;
    let at = pair.hash & mask;
    while (this.#slots[at] !== null) at = (at + 1) & mask;
    this.#slots[at] = pair;
  }
}

export const FNV_BASIS = 0x811c9dc5 | 0;
export const FNV_PRIME = 0x01000193;

function equals(bytes: Buffer, buf: Buffer, start: number, end: number): boolean {
  const { length } = bytes;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== buf[start + i]) return false;
  return true;
}

/** `text`: `shop TAB new:weight`. Where there is no service the decision means nothing. Null: neither. */
export function parseDecided(text: string): Decided | null {
  const tab = text.indexOf('\t');
  if (tab < 0) return null;
  const service = text.slice(0, tab);
  if (service === '') return { service, cluster: 'old', reason: 'default' };
  if (!/^[a-z0-9][-a-z0-9]{0,62}$/.test(service)) return null;
  const decision = DECISIONS.get(text.slice(tab + 1));
  return decision === undefined ? null : { service, ...decision };
}

const DECISIONS: ReadonlyMap<string, { readonly cluster: Cluster; readonly reason: Reason }> = new Map(
  (['old', 'new'] as const).flatMap((cluster) =>
    REASONS.map((reason) => [`${cluster}:${reason}`, { cluster, reason }] as const),
  ),
);
