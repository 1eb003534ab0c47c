/**
 * A local file as a source of configuration. In: a path. Out: each settled version of its text, or that it cannot be read.
 * Knows how files are really changed: editors replace them, volumes swap symlinks, slow writers leave half a text for a
 * while, and change events get lost. Refuses to know what the text means; what looks half written, the caller says.
 */
import { type FSWatcher, watch } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fingerprintOf, readTextFile, type TextFile, UnreadableFile } from './text-file.ts';

/** What the file says now. */
export type FileRead =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly code: string; readonly message: string };

export interface FileSourceOptions {
  readonly path: string;
  /** Called with each new version, one after the other: the next waits until it is done. */
  readonly onRead: (read: FileRead) => Promise<void>;
  /** Whether a text may be the half of one that is being written; `before` is the last one believed. */
  readonly isDoubtful: (text: string, before: string | null) => Promise<boolean>;
  /** A change is read once size, time and inode stayed the same for so long. */
  readonly settleMs?: number;
  /** A file that never settles is read all the same after so long. */
  readonly ceilingMs?: number;
  /** A doubtful text or a missing file is believed when it is still so after this. */
  readonly doubtMs?: number;
  /** The file is looked at this often even without an event. */
  readonly pollMs?: number;
}

export class FileSource {
  readonly #options: Required<FileSourceOptions>;
  readonly #watchers = new Map<string, FSWatcher>();
  #poll: NodeJS.Timeout | null = null;
  #closed = false;
  /** What was last handed over. */
  #believed: { readonly fingerprint: string; readonly text: string | null } | null = null;
  /** The look under way, and whether another must follow it. */
  #looking: Promise<void> | null = null;
  #again = false;

  constructor(options: FileSourceOptions) {
    this.#options = { settleMs: 40, ceilingMs: 1_000, doubtMs: 120, pollMs: 250, ...options };
  }

  /** Hands the first version over, and from then on every change. Resolves when the first has been dealt with. */
  async start(): Promise<void> {
    await this.reread();
    this.#poll = setInterval(() => this.#look(), this.#options.pollMs).unref();
  }

  /** Reads now, settled or not, and hands it over even when nothing changed. Resolves when it has been dealt with. */
  async reread(): Promise<void> {
    while (this.#looking !== null) await this.#looking;
    if (this.#closed) return;
    await this.#exclusively(async () => this.#handOver(await this.#read()));
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#poll !== null) clearInterval(this.#poll);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    await this.#looking;
  }

  /** Something may have changed: looks, and once more when told so meanwhile. */
  #look(): void {
    if (this.#looking !== null) {
      this.#again = true;
      return;
    }
    if (!this.#closed) void this.#exclusively(() => this.#takeChange());
  }

  #exclusively(work: () => Promise<void>): Promise<void> {
    const looking = work().finally(() => {
      this.#looking = null;
      if (!this.#again) return;
      this.#again = false;
      this.#look();
    });
    this.#looking = looking;
    return looking;
  }

  async #takeChange(): Promise<void> {
    const fingerprint = await fingerprintOf(this.#options.path);
    if (fingerprint === this.#believed?.fingerprint) return;
    await this.#settled(fingerprint);
    let read = await this.#read();
    if (await this.#isInDoubt(read)) {
      await pause(this.#options.doubtMs);
      read = await this.#read();
    }
    if (this.#closed) return;
    // Told of the same thing again and again, or of a touched file: nothing new.
    const isSame = this.#believed !== null && read.file !== null && read.file.text === this.#believed.text;
    if (isSame) this.#believed = { fingerprint: read.fingerprint, text: this.#believed?.text ?? null };
    else await this.#handOver(read);
  }

  async #settled(first: string): Promise<void> {
    const { path, settleMs, ceilingMs } = this.#options;
    let last = first;
    for (let waitedMs = 0; waitedMs < ceilingMs && !this.#closed; waitedMs += settleMs) {
      await pause(settleMs);
      const now = await fingerprintOf(path);
      if (now === last) return;
      last = now;
    }
  }

  async #isInDoubt({ file }: Version): Promise<boolean> {
    return file === null || (await this.#options.isDoubtful(file.text, this.#believed?.text ?? null));
  }

  async #handOver({ fingerprint, file, problem }: Version): Promise<void> {
    this.#believed = { fingerprint, text: file?.text ?? null };
    await this.#watchDirectories();
    await this.#options.onRead(
      file === null
        ? { kind: 'unreadable', code: problem?.code ?? '', message: problem?.message ?? '' }
        : { kind: 'text', text: file.text },
    );
  }

  async #read(): Promise<Version> {
    try {
      const file = await readTextFile(this.#options.path);
      return { fingerprint: file.fingerprint, file, problem: null };
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      return { fingerprint: await fingerprintOf(this.#options.path), file: null, problem: error };
    }
  }

  /** Directories, not the file: a watch on a file stays with the inode that an editor has replaced. */
  async #watchDirectories(): Promise<void> {
    const wanted = new Set([dirname(resolve(this.#options.path))]);
    try {
      wanted.add(dirname(await realpath(this.#options.path)));
    } catch {
      // No file: its directory is where it will appear.
    }
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    if (this.#closed) return;
    for (const directory of wanted) if (!this.#watchers.has(directory)) this.#watchDirectory(directory);
  }

  /** Where watching fails (no such directory, no inotify left) polling finds the change a little later. */
  #watchDirectory(directory: string): void {
    const forget = (): void => {
      this.#watchers.get(directory)?.close();
      this.#watchers.delete(directory);
    };
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#look());
      this.#watchers.set(directory, watcher);
      watcher.on('error', forget);
    } catch {
      forget();
    }
  }
}

interface Version {
  readonly fingerprint: string;
  readonly file: TextFile | null;
  readonly problem: UnreadableFile | null;
}
