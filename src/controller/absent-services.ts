/**
 * States of services that are not served just now: read from disk before the configuration was, or taken out of it a moment
 * ago. A hold must not be lost because an edit dropped a service for a minute. In and out: plain JSON, `format: 1`; keys of a
 * later version survive. It does not look into the states.
 */
export interface StoredEntry {
  /** Which new cluster the state is about. */
  readonly new_target: string | null;
  readonly state: unknown;
}

interface Absent extends StoredEntry {
  readonly sinceMs: number;
}

/** Long enough for a holiday. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

export class AbsentServices {
  readonly #absent = new Map<string, Absent>();
  #foreign: Record<string, unknown> = {};

  put(name: string, entry: StoredEntry, nowMs: number): void {
    this.#absent.set(name, { ...entry, sinceMs: nowMs });
  }

  /** Null: nothing is known of it. */
  take(name: string): StoredEntry | null {
    const found = this.#absent.get(name) ?? null;
    this.#absent.delete(name);
    return found;
  }

  names(): readonly string[] {
    return [...this.#absent.keys()];
  }

  /** True when something was dropped. */
  prune(nowMs: number): boolean {
    const before = this.#absent.size;
    for (const [name, entry] of this.#absent) if (nowMs - entry.sinceMs > KEPT_MS) this.#absent.delete(name);
    return this.#absent.size < before;
  }

  /** The whole file: `served` (name to entry) and the absent ones. */
  toStored(served: Readonly<Record<string, unknown>>): unknown {
    const services: Record<string, unknown> = { ...served };
    for (const [name, { new_target, state, sinceMs }] of this.#absent) {
      services[name] = { new_target, state, absent_since: new Date(sinceMs).toISOString() };
    }
    return { ...this.#foreign, format: 1, services };
  }

  /** `canRead`: whether a state makes sense to whoever will take it. Returns what could not be read, in words. */
  restore(json: unknown, nowMs: number, canRead: (state: unknown) => boolean): readonly string[] {
    if (!isRecord(json) || json.format !== 1 || !isRecord(json.services)) {
      return ['the stored state is of no known format: every service begins steady'];
    }
    const problems: string[] = [];
    const { format: _format, services, ...foreign } = json;
    this.#foreign = foreign;
    for (const [name, entry] of Object.entries(services)) {
      if (!isRecord(entry) || !canRead(entry.state)) {
        problems.push(`the stored state of ${name} cannot be read: it begins steady`);
        continue;
      }
      const since = typeof entry.absent_since === 'string' ? Date.parse(entry.absent_since) : Number.NaN;
      this.#absent.set(name, {
        new_target: typeof entry.new_target === 'string' ? entry.new_target : null,
        state: entry.state,
        sinceMs: Number.isNaN(since) ? nowMs : Math.min(since, nowMs),
      });
    }
    return problems;
  }
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
