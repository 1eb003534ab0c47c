/**
 * Lines that wait until those of the other workers can no longer be earlier. Each worker writes its own lines in order, but
 * buffered, so that the file has them in short runs. In: lines as they are read. Out: the same in order of their end.
 */
import type { Decided } from './decided.ts';
import type { FullLine } from './full-line.ts';

export interface HeldLine {
  /** Epoch ms of the machine's clock. */
  readonly endMs: number;
  readonly connection: number;
  readonly decided: Decided;
  readonly status: number;
  readonly durationMs: number;
  readonly full: FullLine | null;
  /** Where it begins: inode and position. */
  readonly inode: number;
  readonly offset: number;
  /** When it was read, on any clock that never goes back. */
  readonly readMs: number;
}

export class HeldLines {
  /** In order of their end as far as `#sorted` says; equal ones as they were read. */
  #lines: HeldLine[] = [];
  #sorted = true;

  get count(): number {
    return this.#lines.length;
  }

  add(line: HeldLine): void {
    const lines = this.#lines;
    if (lines.length > 0 && line.endMs < lines[lines.length - 1].endMs) this.#sorted = false;
    lines.push(line);
  }

  /** Those that ended at or before `throughMs`, in order; they are forgotten here. */
  takeThrough(throughMs: number): readonly HeldLine[] {
    const lines = this.sorted();
    let count = 0;
    while (count < lines.length && lines[count].endMs <= throughMs) count++;
    if (count === 0) return [];
    this.#lines = lines.slice(count);
    lines.length = count;
    return lines;
  }

  /** All, in order. Not to be changed. */
  sorted(): HeldLine[] {
    // Stable, and nearly linear on runs.
    if (!this.#sorted) this.#lines.sort((a, b) => a.endMs - b.endMs);
    this.#sorted = true;
    return this.#lines;
  }

  /** The first position in the file of `inode` whose line is still held; null: none is. */
  firstOffset(inode: number): number | null {
    let first: number | null = null;
    for (const line of this.#lines) {
      if (line.inode === inode && (first === null || line.offset < first)) first = line.offset;
    }
    return first;
  }
}
