/**
 * What of nginx's logs has been told, kept beside them, so that a reader that starts again goes on exactly there.
 * In: positions. Out: one small file. It is written in place by one write: that survives the death of this process whole, and a
 * machine that dies takes a log on tmpfs with it; text that cannot be read counts as none.
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import type { FilePosition } from './log-tail.ts';

/** Of a file of outcome.log: all before `offset` was told; of what stands from there to `read` the lines that ended by `throughMs`. */
export interface OutcomePosition extends FilePosition {
  readonly read: number;
}

export interface Checkpoint {
  /** Epoch ms of the machine's clock. */
  readonly throughMs: number;
  readonly outcome: readonly OutcomePosition[];
  readonly error: readonly FilePosition[];
}

/** The text is padded to this, so that a shorter one leaves nothing of a longer one. */
const BYTES = 1_024;

export class CheckpointFile {
  readonly #path: string;
  #fd: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** Null: there is none that can be read. */
  load(): Checkpoint | null {
    try {
      const value = JSON.parse(readFileSync(this.#path, 'utf8'));
      return isCheckpoint(value) ? value : null;
    } catch {
      return null;
    }
  }

  /** Throws what the file system throws. */
  save(checkpoint: Checkpoint): void {
    this.#fd ??= openSync(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    writeSync(this.#fd, JSON.stringify(checkpoint).padEnd(BYTES), 0);
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}

function isCheckpoint(value: unknown): value is Checkpoint {
  if (typeof value !== 'object' || value === null) return false;
  const { throughMs, outcome, error } = value as Record<string, unknown>;
  if (typeof throughMs !== 'number' || !Array.isArray(outcome) || !Array.isArray(error)) return false;
  const sound = (file: Record<string, unknown> | null, ...names: string[]): boolean =>
    names.every((name) => Number.isSafeInteger(file?.[name]));
  return (
    outcome.every((file) => sound(file, 'inode', 'offset', 'read')) &&
    error.every((file) => sound(file, 'inode', 'offset'))
  );
}
