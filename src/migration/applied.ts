/**
 * What is served now, and what has to be remembered to serve it on when a source breaks: of each source the values of every
 * service that was good, or that at least old could serve. Data only; `apply.ts` makes it, `last-good.ts` keeps it over a restart.
 */
import type { ConfigError } from './errors.ts';
import type { Migration, ServedMigration } from './model.ts';
import type { RawValues } from './read-service.ts';

/** A service as it was when it was last all right, or as old alone may serve it because it never was. */
export interface RememberedService {
  readonly name: string;
  readonly raw: RawValues;
  readonly migration: Migration;
  readonly quality: 'good' | 'old_only';
}

export interface RememberedSource {
  /** Stable over restarts: the file's absolute path, or the ConfigMap's namespace and name. */
  readonly id: string;
  /** When a text of this source was last usable, epoch ms; null: not since the start. */
  readonly readAtMs: number | null;
  /** `last_good`: from before the restart, and the source has not given a usable text since. */
  readonly loadedFrom: 'source' | 'last_good';
  readonly services: readonly RememberedService[];
}

export interface Applied {
  /** Sorted by name, deeply frozen. */
  readonly services: readonly ServedMigration[];
  /** Everything to report, in order of sources and lines. */
  readonly errors: readonly ConfigError[];
  readonly sources: readonly RememberedSource[];
}

export const NOTHING_APPLIED: Applied = Object.freeze({
  services: Object.freeze([]),
  errors: Object.freeze([]),
  sources: Object.freeze([]),
});

/** `last_good` while anything that is served comes from before the restart. */
export function loadedFrom(applied: Applied): 'source' | 'last_good' {
  return applied.sources.some((source) => source.loadedFrom === 'last_good' && source.services.length > 0)
    ? 'last_good'
    : 'source';
}
