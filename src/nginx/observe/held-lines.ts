/**
 * Lines that wait until those of the other workers can no longer be earlier. Each worker writes its own lines in order, but
 * buffered, so that the file has them in short runs. In: lines as they are read. Out: the same in order of their end, by their place
 * from 0. In columns of numbers: 50 000 objects a second that outlive a young collection cost more than all the rest of reading.
 */
import type { Decided } from './decided.ts';
import type { FullLine } from './full-line.ts';

export interface HeldLine {
  /** Epoch ms of the machine's clock. */
  endMs: number;
  connection: number;
  decided: Decided;
  status: number;
  durationMs: number;
  full: FullLine | null;
  /** Where it begins: inode and position. */
  inode: number;
  offset: number;
  /** When it was read, on any clock that never goes back. */
  readMs: number;
}

const FIRST_CAPACITY = 1_024;
const NUMBERS = ['endMs', 'connection', 'status', 'durationMs', 'inode', 'offset', 'readMs'] as const;

type Columns = Record<(typeof NUMBERS)[number], Float64Array>;

export class HeldLines {
  #count = 0;
  /** In order of their end as far as `#sorted` says; equal ones as they were read. */
  #sorted = true;
  #columns = columnsOf(FIRST_CAPACITY);
  #decided: Decided[] = [];
  #full: (FullLine | null)[] = [];

  get count(): number {
    return this.#count;
  }

  add(line: Readonly<HeldLine>): void {
    const at = this.#count;
    if (at === this.#columns.endMs.length) this.#grow();
    const { endMs, connection, status, durationMs, inode, offset, readMs } = this.#columns;
    endMs[at] = line.endMs;
    connection[at] = line.connection;
    status[at] = line.status;
    durationMs[at] = line.durationMs;
    inode[at] = line.inode;
    offset[at] = line.offset;
    readMs[at] = line.readMs;
    this.#decided.push(line.decided);
    this.#full.push(line.full);
    if (at > 0 && line.endMs < endMs[at - 1]) this.#sorted = false;
    this.#count++;
  }

  endMsOf(at: number): number {
    return this.#columns.endMs[at];
  }

  readMsOf(at: number): number {
    return this.#columns.readMs[at];
  }

  connectionOf(at: number): number {
    return this.#columns.connection[at];
  }

  /** Sets `into` to the line at a place, so that none is made for each. */
  read(at: number, into: HeldLine): void {
    const { endMs, connection, status, durationMs, inode, offset, readMs } = this.#columns;
    into.endMs = endMs[at];
    into.connection = connection[at];
    into.status = status[at];
    into.durationMs = durationMs[at];
    into.inode = inode[at];
    into.offset = offset[at];
    into.readMs = readMs[at];
    into.decided = this.#decided[at];
    into.full = this.#full[at];
  }

  /** Puts them in order: places are good until the next line is added. */
  sort(): void {
    if (this.#sorted) return;
    this.#sorted = true;
    const { endMs } = this.#columns;
    // Stable, and nearly linear on runs.
    const order = Array.from({ length: this.#count }, (_, at) => at).sort((a, b) => endMs[a] - endMs[b]);
    for (const name of NUMBERS) {
      const column = this.#columns[name];
      column.set(Float64Array.from(order, (at) => column[at]));
    }
    this.#decided = order.map((at) => this.#decided[at]);
    this.#full = order.map((at) => this.#full[at]);
  }

  /** How many ended at or before `throughMs`: the first ones, once they are sorted. */
  countThrough(throughMs: number): number {
    const { endMs } = this.#columns;
    let count = 0;
    while (count < this.#count && endMs[count] <= throughMs) count++;
    return count;
  }

  /** Forgets the first `count`. */
  drop(count: number): void {
    if (count === 0) return;
    for (const name of NUMBERS) this.#columns[name].copyWithin(0, count, this.#count);
    this.#decided.splice(0, count);
    this.#full.splice(0, count);
    this.#count -= count;
  }

  /** The first position in the file of `inode` whose line is still held; null: none is. */
  firstOffset(inode: number): number | null {
    const { inode: inodes, offset } = this.#columns;
    let first = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.#count; at++) {
      if (inodes[at] === inode && offset[at] < first) first = offset[at];
    }
    return Number.isFinite(first) ? first : null;
  }

  #grow(): void {
    const before = this.#columns;
    this.#columns = columnsOf(before.endMs.length * 2);
    for (const name of NUMBERS) this.#columns[name].set(before[name]);
  }
}

function columnsOf(capacity: number): Columns {
  return Object.fromEntries(NUMBERS.map((name) => [name, new Float64Array(capacity)])) as Columns;
}
