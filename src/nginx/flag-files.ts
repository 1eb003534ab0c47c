/**
 * The directory of flag files kept true to the run state of every service. In: run states as the fallback decides them. Out:
 * files that all workers of nginx see at once, whatever they were reloaded to. A burst of changes is done in slices, so that
 * hundreds of trips do not hold up the process; what cannot be written is told, and tried again until it can.
 */
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunState } from '../migration/run-state.ts';
import { type Flag, flagOfFile, flagSteps, flagsOf } from './flag-set.ts';
import { flagId } from './text/flag-id.ts';

/** Of one turn of the event loop. A trip is five files of about 10 us each on tmpfs. */
const SLICE_MS = 5;
const RETRY_MS = 200;

export interface FlagFilesOptions {
  readonly directory: string;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** What could not be written; told once until it works again. */
  readonly onProblem: (message: string) => void;
}

export class FlagFiles {
  readonly #options: FlagFilesOptions;
  /** Of services that are not steady, by id; what is not in it is to have no file. */
  readonly #wanted = new Map<string, readonly Flag[]>();
  readonly #present = new Map<string, Set<Flag>>();
  readonly #due = new Set<string>();
  /** False: the directory could not be read at the last look. */
  #isSeen = true;
  #sliceEndsMs = 0;
  #turn: NodeJS.Immediate | null = null;
  #retry: NodeJS.Timeout | null = null;
  #problem: string | null = null;

  constructor(options: FlagFilesOptions) {
    this.#options = options;
  }

  /** At once, but for what a burst of others has to wait for. */
  set(service: string, state: RunState): void {
    const id = flagId(service);
    const flags = flagsOf(state);
    if (flags.length === 0) this.#wanted.delete(id);
    else this.#wanted.set(id, flags);
    this.#due.add(id);
    this.#work();
  }

  /** Not steady, as far as nginx is told. */
  isSet(service: string): boolean {
    return this.#wanted.has(flagId(service));
  }

  /** What an earlier life of ours left is what is wanted, until something else is set. */
  takeUp(): void {
    if (!this.#look()) return;
    for (const [id, flags] of this.#present) this.#wanted.set(id, [...flags]);
  }

  /**
   * Looks at what is really there, as after a restart of ours or when somebody cleaned up, and mends it. Files of services
   * that nobody has set, or that are steady, go.
   */
  reconcile(): void {
    const isSeen = this.#look();
    for (const id of [...this.#wanted.keys(), ...this.#present.keys()]) this.#due.add(id);
    if (isSeen || this.#due.size > 0) this.#work();
  }

  /** False: it cannot be seen what is there. */
  #look(): boolean {
    const { directory } = this.#options;
    this.#isSeen = false;
    this.#present.clear();
    try {
      for (const name of readdirSync(directory)) {
        const found = flagOfFile(name);
        if (found !== null) this.#presentOf(found.id).add(found.flag);
      }
      this.#isSeen = true;
    } catch (error) {
      this.#fail(`cannot read ${directory}: ${(error as Error).message}`);
    }
    return this.#isSeen;
  }

  /** Forgets services that are not served any more, files and all. */
  retain(services: Iterable<string>): void {
    const kept = new Set(Array.from(services, flagId));
    for (const id of [...this.#wanted.keys(), ...this.#present.keys()]) {
      if (kept.has(id)) continue;
      this.#wanted.delete(id);
      this.#due.add(id);
    }
    this.#work();
  }

  /** What nginx has not been told yet, because it cannot be written; null: it knows all. */
  get problem(): string | null {
    return this.#problem;
  }

  stop(): void {
    if (this.#turn !== null) clearImmediate(this.#turn);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#turn = null;
    this.#retry = null;
  }

  #work(): void {
    const { now } = this.#options;
    if (this.#turn === null) {
      this.#sliceEndsMs = now() + SLICE_MS;
      this.#turn = setImmediate(() => {
        this.#turn = null;
        if (this.#due.size > 0 && this.#retry === null) this.#work();
      });
    }
    for (const id of this.#due) {
      if (now() >= this.#sliceEndsMs) return;
      if (!this.#write(id)) return;
      this.#due.delete(id);
    }
    if (this.#isSeen) this.#problem = null;
  }

  #write(id: string): boolean {
    const present = this.#presentOf(id);
    for (const { kind, flag } of flagSteps(present, this.#wanted.get(id) ?? [])) {
      const path = join(this.#options.directory, `${id}${flag}`);
      try {
        if (kind === 'remove') {
          rmSync(path, { force: true });
          present.delete(flag);
        } else {
          closeSync(openSync(path, 'w', 0o644));
          present.add(flag);
        }
      } catch (error) {
        this.#fail(`nginx is not told of a change of state: cannot write ${path}: ${(error as Error).message}`);
        return false;
      }
    }
    if (present.size === 0) this.#present.delete(id);
    return true;
  }

  #fail(message: string): void {
    if (this.#problem === null) this.#options.onProblem(message);
    this.#problem = message;
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      if (this.#isSeen) this.#work();
      else this.reconcile();
    }, RETRY_MS).unref();
  }

  #presentOf(id: string): Set<Flag> {
    const present = this.#present.get(id) ?? new Set();
    this.#present.set(id, present);
    return present;
  }
}
