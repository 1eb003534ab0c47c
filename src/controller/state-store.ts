/**
 * What outlives a restart: `state.json` (services fallen back or held), `last-good.json` (the last good configuration) and
 * `history.json` (the last changes) in the state directory. In: texts, when they change. Out: what was found at start, and reports.
 * Traffic never waits for it: a full, read-only or vanished directory is reported and tried again, and the newest text follows
 * whatever is being written.
 */
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SetTimer } from '../checks/schedule.ts';
import { temporaryOf, writeAtomically } from './atomic-write.ts';
import { type LockOwner, lockDirectory } from './state-lock.ts';

export type StoredFile = 'state.json' | 'last-good.json' | 'history.json';
const FILES: readonly StoredFile[] = ['state.json', 'last-good.json', 'history.json'];

/** Of the event loop's time: with thousands of services in trouble a text takes 15 ms, and each of their steps asks for one. */
const MOST_TIME_SPENT = 0.1;
const SHORTEST_REST_MS = 20;

const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 60_000;

export interface StateStoreOptions {
  readonly dir: string;
  readonly setTimer: SetTimer;
  /** Something was lost, or can't be kept just now; in words. Once for each run of equal failures. */
  readonly onProblem: (message: string) => void;
  /** Writing works again. */
  readonly onRecovered: (message: string) => void;
  /** Absent: the real one. */
  readonly write?: (path: string, text: string) => Promise<void>;
}

export type OpenedStore =
  | { readonly ok: true; readonly store: StateStore }
  | { readonly ok: false; readonly code: 'state_dir_in_use'; readonly owner: LockOwner; readonly message: string };

/** Creates the directory where it is missing. Only another live process that uses it is a refusal; all else is reported. */
export async function openStateStore(options: StateStoreOptions): Promise<OpenedStore> {
  const { dir, onProblem } = options;
  let release = async (): Promise<void> => {};
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const lock = await lockDirectory(dir);
    if (!lock.ok) {
      const message = `the state directory ${dir} is in use by process ${lock.owner.pid}: give each proxy one of its own`;
      return { ok: false, code: 'state_dir_in_use', owner: lock.owner, message };
    }
    release = lock.release;
  } catch (error) {
    onProblem(
      `the state directory ${dir} cannot be written (${reasonOf(error)}): a restart would forget what changes now`,
    );
  }
  const found = new Map<StoredFile, unknown>();
  for (const file of FILES) {
    const json = await readStored(join(dir, file), onProblem);
    if (json !== undefined) found.set(file, json);
  }
  return { ok: true, store: new StateStore(options, found, release) };
}

interface Slot {
  /** Makes the newest text; null: what is on disk is the newest. */
  pending: (() => string) | null;
  writing: Promise<void> | null;
  /** On disk by our own hand. */
  written: string | null;
  failures: number;
  lastProblem: string | null;
  /** After a failure, or after a text that took long to make: the next write comes when this is over. */
  cancelWait: (() => void) | null;
}

const IDLE: Slot = {
  pending: null,
  writing: null,
  written: null,
  failures: 0,
  lastProblem: null,
  cancelWait: null,
};

export class StateStore {
  readonly #options: StateStoreOptions;
  readonly #found: ReadonlyMap<StoredFile, unknown>;
  readonly #release: () => Promise<void>;
  readonly #slots = new Map<StoredFile, Slot>();
  #closed = false;

  constructor(options: StateStoreOptions, found: ReadonlyMap<StoredFile, unknown>, release: () => Promise<void>) {
    this.#options = options;
    this.#found = found;
    this.#release = release;
    for (const file of FILES) {
      this.#slots.set(file, { ...IDLE });
    }
  }

  /** The JSON found at start; undefined: none, or none that could be read. */
  found(file: StoredFile): unknown {
    return this.#found.get(file);
  }

  /**
   * The file's content has changed; `textNow` is asked for it when the disk is ready, so a burst of changes is one write.
   * Must be JSON text. Never throws for what the disk does.
   */
  save(file: StoredFile, textNow: () => string): void {
    if (this.#closed) return;
    const slot = this.#slot(file);
    slot.pending = textNow;
    // While it waits its own time decides: else a busy proxy would hammer a full disk, or do nothing but write.
    if (slot.writing === null && slot.cancelWait === null) this.#begin(file, slot);
  }

  /** Whether everything saved so far is on disk; a person waits, so it is written out of its time. `withinMs`: at most. */
  async isKept(file: StoredFile, withinMs: number): Promise<boolean> {
    const slot = this.#slot(file);
    let isLate = false;
    let giveUp = (): void => {};
    const late = new Promise<void>((resolve) => {
      giveUp = this.#options.setTimer(resolve, withinMs);
    }).then(() => {
      isLate = true;
    });
    // What is known to fail keeps to its own time.
    while (!isLate && (slot.writing !== null || (slot.pending !== null && slot.failures === 0))) {
      stopWait(slot);
      await Promise.race([slot.writing ?? this.#begin(file, slot), late]);
    }
    giveUp();
    return slot.writing === null && slot.pending === null;
  }

  /** Writes what is pending, without waiting for retries; then gives the directory free. Nothing is saved afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [file, slot] of this.#slots) {
      stopWait(slot);
      // A write that fails now arms no further retry: this is the last one.
      await slot.writing;
      if (slot.pending !== null) await this.#begin(file, slot);
    }
    await this.#release();
  }

  #slot(file: StoredFile): Slot {
    const slot = this.#slots.get(file);
    if (slot === undefined) throw new Error(`no such stored file: ${file}`);
    return slot;
  }

  #begin(file: StoredFile, slot: Slot): Promise<void> {
    slot.writing = this.#writeAll(file, slot);
    return slot.writing;
  }

  /** One write after the other until the newest text is on disk, or a write fails. */
  async #writeAll(file: StoredFile, slot: Slot): Promise<void> {
    // Lets a burst of changes in this turn become one text.
    await Promise.resolve();
    try {
      while (slot.pending !== null) {
        const textNow = slot.pending;
        slot.pending = null;
        const begunMs = performance.now();
        const text = textNow();
        const spentMs = performance.now() - begunMs;
        if (text !== slot.written) {
          try {
            await this.#write(join(this.#options.dir, file), text);
            slot.written = text;
            this.#succeeded(file, slot);
          } catch (error) {
            slot.pending ??= textNow;
            this.#failed(file, slot, error);
            return;
          }
        }
        const restMs = spentMs / MOST_TIME_SPENT - spentMs;
        if (!this.#closed && restMs >= SHORTEST_REST_MS) return this.#wait(file, slot, restMs);
      }
    } finally {
      // In the very turn that saw nothing pending: whatever is saved from now on begins a write of its own.
      slot.writing = null;
    }
  }

  async #write(path: string, text: string): Promise<void> {
    const write = this.#options.write ?? writeAtomically;
    try {
      await write(path, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Somebody removed the directory under us.
      await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
      await write(path, text);
    }
  }

  #succeeded(file: StoredFile, slot: Slot): void {
    if (slot.failures > 0) this.#options.onRecovered(`${join(this.#options.dir, file)} is written again`);
    slot.failures = 0;
    slot.lastProblem = null;
  }

  #failed(file: StoredFile, slot: Slot, error: unknown): void {
    const reason = reasonOf(error);
    if (reason !== slot.lastProblem) {
      const path = join(this.#options.dir, file);
      this.#options.onProblem(
        `${path} cannot be written (${reason}): a restart would forget what changed; trying again`,
      );
    }
    slot.lastProblem = reason;
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** slot.failures, RETRY_MOST_MS);
    slot.failures++;
    if (!this.#closed) this.#wait(file, slot, delayMs);
  }

  #wait(file: StoredFile, slot: Slot, delayMs: number): void {
    slot.cancelWait = this.#options.setTimer(() => {
      slot.cancelWait = null;
      if (slot.pending !== null) void this.#begin(file, slot);
    }, delayMs);
  }
}

function stopWait(slot: Slot): void {
  slot.cancelWait?.();
  slot.cancelWait = null;
}

/** Undefined: nothing there, or nothing that can be read; the latter is reported and kept aside for whoever wants to look. */
async function readStored(path: string, onProblem: (message: string) => void): Promise<unknown> {
  await rm(temporaryOf(path), { force: true }).catch(() => {});
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      onProblem(`${path} cannot be read (${reasonOf(error)}): starting without it`);
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    await rename(path, `${path}.unreadable`).catch(() => {});
    onProblem(`${path} is damaged: starting without it (what it held is in ${path}.unreadable)`);
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? String(error);
}
