/**
 * The addresses behind the names of backends, for an nginx that knows addresses alone. In: names, look-ups, a clock and a timer.
 * Out: sorted addresses of each name, and a word when they change, at most once in half a minute, since each change is a
 * reload. A look-up that fails or forgets an address for a moment changes nothing.
 */
import { isIP } from 'node:net';
import type { SetTimer } from '../checks/schedule.ts';
import { DueTimer } from '../controller/due-timer.ts';

/** A name is looked up again after 5 s; with thousands of names up to 30 s, so that look-ups stay below some 100 a second. */
const EVERY_MS = 5_000;
const EVERY_MOST_MS = 30_000;
const EACH_NAME_MS = 10;
/** A name that never had an answer: its service waits for it. */
const UNRESOLVED_MS = 1_000;
/** So many answers in a row have to lack an address before it leaves. */
const MISSES = 3;
const BETWEEN_CHANGES_MS = 30_000;
/** Between two first answers that came too late for their configuration. */
const BETWEEN_FIRSTS_MS = 1_000;

export interface AddressKeeperOptions {
  /** Ms, never going back. */
  readonly now: () => number;
  /** In [0, 1]: spreads look-ups, which would keep the few threads of the process busy if they came in one burst. */
  readonly random: () => number;
  /** Rejects, or gives none, where the name has no address. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  readonly setTimer: SetTimer;
  /** Addresses of a held name are no longer what they were. */
  readonly onChange: () => void;
}

interface Entry {
  /** Null: no answer yet. Each with how many answers in a row lacked it. */
  addresses: ReadonlyMap<string, number> | null;
  isFirst: boolean;
}

export class AddressKeeper {
  readonly #options: AddressKeeperOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #due: DueTimer;
  /** Ends of waits for first answers. */
  readonly #waiting = new Set<() => void>();
  #toldMs = -Infinity;
  /** When the next change is to be told; Infinity: there is none. */
  #tellMs = Infinity;
  #cancelTelling: (() => void) | null = null;

  constructor(options: AddressKeeperOptions) {
    this.#options = options;
    this.#due = new DueTimer(options.now, options.setTimer, (host) => void this.#look(host));
  }

  /**
   * From now on these names are kept and no other. Resolves when each new one has had its first answer, good or bad, or after
   * `waitMs`; what is learned until then is not told as a change: whoever waits renders anyway.
   */
  async hold(hosts: Iterable<string>, waitMs: number): Promise<void> {
    const held = new Set(Array.from(hosts).filter((host) => isIP(host) === 0));
    for (const host of this.#entries.keys()) {
      if (held.has(host)) continue;
      this.#entries.delete(host);
      this.#due.clear(host);
    }
    const firsts: Promise<void>[] = [];
    for (const host of held) {
      if (this.#entries.has(host)) continue;
      this.#entries.set(host, { addresses: null, isFirst: true });
      firsts.push(this.#look(host));
    }
    if (firsts.length === 0) return;
    await this.#withinDeadline(Promise.all(firsts), waitMs);
  }

  /** Sorted; null: the name never had an answer. An address is its own. */
  addresses(host: string): readonly string[] | null {
    if (isIP(host) !== 0) return [host];
    const found = this.#entries.get(host)?.addresses ?? null;
    return found === null ? null : [...found.keys()].sort();
  }

  stop(): void {
    this.#entries.clear();
    this.#due.stop();
    this.#cancelTelling?.();
    this.#cancelTelling = null;
    for (const end of this.#waiting) end();
  }

  #withinDeadline(answers: Promise<unknown>, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#waiting.delete(end);
        resolve();
      };
      const cancel = this.#options.setTimer(end, waitMs);
      this.#waiting.add(end);
      void answers.then(end);
    });
  }

  async #look(host: string): Promise<void> {
    const entry = this.#entries.get(host);
    if (entry === undefined) return;
    const found = await this.#options.lookup(host).catch((): readonly string[] => []);
    // It may have been let go, or let go and held again, meanwhile.
    if (this.#entries.get(host) !== entry) return;
    const before = this.addresses(host);
    if (found.length > 0) entry.addresses = merged(entry.addresses, found);
    const after = this.addresses(host);
    const { now, random } = this.#options;
    const everyMs = Math.min(Math.max(EVERY_MS, this.#entries.size * EACH_NAME_MS), EVERY_MOST_MS);
    const againMs = after === null ? Math.max(UNRESOLVED_MS, everyMs - EVERY_MS) : everyMs;
    this.#due.set(host, now() + againMs * (0.5 + random() / 2));
    const pauseMs = entry.isFirst ? BETWEEN_FIRSTS_MS : BETWEEN_CHANGES_MS;
    entry.isFirst = false;
    if (this.#waiting.size === 0 && String(before) !== String(after)) this.#changed(pauseMs);
  }

  #changed(pauseMs: number): void {
    const { now, onChange, setTimer } = this.#options;
    this.#cancelTelling?.();
    const tell = (): void => {
      this.#cancelTelling = null;
      this.#tellMs = Infinity;
      this.#toldMs = now();
      onChange();
    };
    this.#tellMs = Math.min(this.#tellMs, Math.max(now(), this.#toldMs + pauseMs));
    if (this.#tellMs <= now()) tell();
    else this.#cancelTelling = setTimer(tell, this.#tellMs - now());
  }
}

function merged(before: ReadonlyMap<string, number> | null, found: readonly string[]): ReadonlyMap<string, number> {
  const after = new Map(found.map((address) => [address, 0]));
  for (const [address, misses] of before ?? []) {
    if (!after.has(address) && misses + 1 < MISSES) after.set(address, misses + 1);
  }
  return after;
}
