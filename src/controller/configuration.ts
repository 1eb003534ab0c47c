/**
 * The configuration as it stands: what is served, what is wrong, since when, from where. In: what was kept over the restart, and
 * every version of the source. Out: the next routing table. Parts that obey it are told by the control loop, not by this.
 */
import { type Applied, loadedFrom, NOTHING_APPLIED } from '../migration/applied.ts';
import { applyReads, type LivingRead } from '../migration/apply.ts';
import type { SourceRead } from '../migration/candidates.ts';
import type { ConfigError } from '../migration/errors.ts';
import { fromLastGoodJson, toLastGood } from '../migration/last-good.ts';
import type { OwnAddress } from '../migration/own-address.ts';
import { type ServicePlace, servicePlace } from '../migration/service-place.ts';
import { buildTable } from '../routing/build.ts';
import type { RoutingTable } from '../routing/table.ts';

const NO_TABLE: RoutingTable = Object.freeze({ generation: 0, hash: '', services: Object.freeze([]) });

export class Configuration {
  #applied: Applied = NOTHING_APPLIED;
  #origins: ServiceOrigins = originsOf(NOTHING_APPLIED);
  #table: RoutingTable = NO_TABLE;
  /** The newest version of each source. */
  readonly #reads = new Map<string, LivingRead>();
  #lastSuccessMs: number | null = null;
  #hasServed = false;

  /** Before the first `take`: what a former process served last. False: there is no sense in it. */
  restore(lastGood: unknown): boolean {
    const restored = fromLastGoodJson(lastGood);
    if (restored === null) return false;
    this.#applied = restored.applied;
    return true;
  }

  /** Takes newer versions of sources. The same table comes back where nothing that is served has changed. */
  take(reads: readonly SourceRead[], own: readonly OwnAddress[], nowMs: number): RoutingTable {
    for (const read of reads) {
      if (isLiving(read)) this.#reads.set(read.id, read);
      else this.#reads.delete(read.id);
    }
    const inOrder = [...this.#reads.values()].sort((x, y) => compare(x.order ?? '', y.order ?? ''));
    this.#applied = applyReads(this.#applied, inOrder, own, nowMs);
    this.#hasServed = this.isLoaded;
    if (this.isLoaded) this.#table = buildTable(this.#table === NO_TABLE ? null : this.#table, this.#applied.services);
    if (this.isLoaded && this.#applied.errors.length === 0) this.#lastSuccessMs = nowMs;
    return this.#table;
  }

  /** There is something to serve from, even if that is no service at all: all sources that there were may be gone by now. */
  get isLoaded(): boolean {
    if (this.#hasServed) return true;
    return this.#applied.sources.some((source) => source.readAtMs !== null || source.loadedFrom === 'last_good');
  }

  get table(): RoutingTable {
    return this.#table;
  }

  get errors(): readonly ConfigError[] {
    return this.#applied.errors;
  }

  get loadedFrom(): 'source' | 'last_good' {
    return loadedFrom(this.#applied);
  }

  /** When a source last gave a usable text, epoch ms. */
  get loadedMs(): number | null {
    const times = this.#applied.sources.flatMap(({ readAtMs }) => (readAtMs === null ? [] : [readAtMs]));
    return times.length === 0 ? null : Math.max(...times);
  }

  /** When it was last without an error, epoch ms. */
  get lastSuccessMs(): number | null {
    return this.#lastSuccessMs;
  }

  /** What is remembered of each source: what a restarted process knows before the first read. */
  get sourceIds(): readonly string[] {
    return this.#applied.sources.map(({ id }) => id);
  }

  /** Id of the source that a service comes from. Null: there is no such service. */
  sourceOf(service: string): string | null {
    // Asked for each of thousands of services, one after the other.
    if (this.#origins.applied !== this.#applied) this.#origins = originsOf(this.#applied);
    return this.#origins.sourceOf.get(service) ?? null;
  }

  /** The newest version of the source that a service comes from. Null: it comes from none that was read. */
  readOf(service: string): LivingRead | null {
    const source = this.sourceOf(service);
    return source === null ? null : (this.#reads.get(source) ?? null);
  }

  /** Where the newest text lists it (`servicePlace`). Null: it does not, or cannot be read. */
  placeOf(service: string, key: string | null): ServicePlace | null {
    const read = this.readOf(service)?.read ?? 'gone';
    return read === 'gone' ? null : servicePlace(read, service, key);
  }

  /** JSON text for `restore`. */
  toLastGood(): string {
    return toLastGood(this.#applied);
  }
}

interface ServiceOrigins {
  readonly applied: Applied;
  readonly sourceOf: ReadonlyMap<string, string>;
}

/** A name belongs to one source; in a text that somebody else wrote, to the first. */
function originsOf(applied: Applied): ServiceOrigins {
  const named = applied.sources.flatMap(({ id, services }) => services.map(({ name }) => [name, id] as const));
  return { applied, sourceOf: new Map(named.reverse()) };
}

function isLiving(read: SourceRead): read is LivingRead {
  return read.read !== 'dropped';
}

function compare(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0;
}
