/**
 * Which version of which source a service comes from, and who made it. In: reads as they are taken, and where the configuration
 * finds a service now. Out: authors, and what a happening is about. Of a file there is no version: its author is the file.
 */
import type { LivingRead } from '../migration/apply.ts';
import type { SourceRead, SourceVersion } from '../migration/candidates.ts';
import type { ServicePlace } from '../migration/service-place.ts';
import type { Author } from './change-log.ts';
import type { Happening } from './happening.ts';

export const OWN_MANAGER = 'migration-proxy';

/** What the configuration knows of where a service comes from. */
export interface Origins {
  readOf(service: string): LivingRead | null;
  /** Where its newest text lists it, or a key of it. Null: it does not, or cannot be read. */
  placeOf(service: string, key: string | null): ServicePlace | null;
}

/** Before anything was read. */
export const NOWHERE: Origins = { readOf: () => null, placeOf: () => null };

export class SourceVersions {
  readonly #versions = new Map<string, SourceVersion>();
  /** Also of services that no text lists any more. */
  readonly #listedBy = new Map<string, string>();
  /** Dropped with the last batch: what that changed was still theirs. */
  #leaving: ReadonlySet<string> = new Set();

  take(reads: readonly SourceRead[]): void {
    this.#forgetLeaving();
    this.#leaving = new Set(reads.flatMap(({ id, read }) => (read === 'dropped' ? [id] : [])));
    for (const { id, read, version } of reads) {
      if (version !== undefined) this.#versions.set(id, version);
      else if (read === 'gone') this.#forgetAuthor(id);
      if (read === 'gone' || read === 'dropped') continue;
      for (const { name } of read.services) if (name !== null) this.#listedBy.set(name, id);
    }
  }

  /** Namespaces come and go for as long as we run. */
  #forgetLeaving(): void {
    if (this.#leaving.size === 0) return;
    for (const id of this.#leaving) this.#versions.delete(id);
    for (const [service, id] of this.#listedBy) if (this.#leaving.has(id)) this.#listedBy.delete(service);
  }

  /** Who wrote the last version is not who deleted it; and that, no object says. */
  #forgetAuthor(id: string): void {
    const version = this.#versions.get(id);
    if (version === undefined) return;
    const { uid, resourceVersion } = version;
    this.#versions.set(id, { uid, resourceVersion, by: null, reason: '' });
  }

  /** The source that a service comes from, or came from before it was removed. */
  idOf(service: string, origins: Origins): string | null {
    return origins.readOf(service)?.id ?? this.#listedBy.get(service) ?? null;
  }

  /** Null: a file, or not known. */
  versionOf(id: string | null): SourceVersion | null {
    return id === null ? null : (this.#versions.get(id) ?? null);
  }

  /** The object of a source; null of a file. */
  aboutOf(id: string | null): Happening['about'] {
    const version = this.versionOf(id);
    const [, namespace, name] = /^configmap:([^/]+)\/(.+)$/.exec(id ?? '') ?? [];
    return version === null || name === undefined ? null : { uid: version.uid, namespace, name };
  }

  forget(service: string): void {
    this.#listedBy.delete(service);
  }
}

/** `fallback`: who it is where the version does not say, the source itself. */
export function authorOf(version: SourceVersion | null, fallback: string): Author {
  return version === null || version.by === null
    ? { by: fallback, reason: '' }
    : { by: version.by, reason: version.reason };
}

/** Equal on every replica that reads the same version. `atMs` tells the versions of a file apart. */
export function identityOf(version: SourceVersion | null, atMs: number): string {
  return version === null ? `at ${Math.floor(atMs)}` : `${version.uid}@${version.resourceVersion}`;
}
