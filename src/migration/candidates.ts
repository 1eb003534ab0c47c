/**
 * What each source would serve, before sources are compared with each other. In: what was read of a source now, and what is remembered
 * of it. Out: for each name the versions that may serve, the best first: what the text says; else the last good version; else, for
 * a service that never was good, old alone. Text that cannot be used, or is gone, leaves what there was.
 */
import type { RememberedService, RememberedSource } from './applied.ts';
import type { Standing } from './model.ts';
import type { ReadResult, ReadService } from './parse.ts';
import { oldOnlyRaw } from './read-service.ts';

export interface SourceRead {
  readonly id: string;
  /** `gone`: the ConfigMap was deleted or lost its key; `dropped`: and that so long ago that its services go too. */
  readonly read: ReadResult | 'gone' | 'dropped';
  /** Sources in this order, the older first, so that every replica agrees who was there first. Absent: ''. */
  readonly order?: string;
  /** Absent for a file. */
  readonly version?: SourceVersion;
}

/** The version of the Kubernetes object that was read, and who made it. */
export interface SourceVersion {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Who changed it: our own annotation, else the field manager of the change (`kubectl-edit`, `argocd-controller`). */
  readonly by: string | null;
  /** As our own annotation says; '' where the change is somebody else's. */
  readonly reason: string;
  /** The field manager of the change; `migration-proxy`: it was made through us. Absent: not known. */
  readonly manager?: string;
}

export interface Version {
  readonly standing: Standing;
  readonly service: RememberedService;
}

export interface Candidate {
  readonly sourceId: string;
  readonly file: string;
  readonly name: string;
  /** Where the text lists it now; null where no usable text does. */
  readonly entry: ReadService | null;
  readonly isGone: boolean;
  /** The best first. Empty: nothing can be served, but the name is taken. */
  readonly versions: readonly Version[];
}

/** In the order of the text; what only memory knows comes last. */
export function candidatesOf(
  source: SourceRead & { readonly read: ReadResult | 'gone' },
  before: RememberedSource | undefined,
): Candidate[] {
  const { id, read } = source;
  const remembered = before?.services ?? [];
  const isGone = read === 'gone';
  const withoutText = (service: RememberedService): Candidate => ({
    sourceId: id,
    file: isGone ? id : read.file,
    name: service.name,
    entry: null,
    isGone,
    versions: [{ standing: service.quality === 'good' ? 'stale' : 'invalid', service }],
  });
  if (isGone || read.whole !== null) return remembered.map(withoutText);

  const byName = new Map(remembered.map((service) => [service.name, service]));
  const listed = read.services.flatMap((entry): Candidate[] => {
    if (entry.name === null) return [];
    const versions = versionsOf(entry, entry.name, byName.get(entry.name));
    return [{ sourceId: id, file: read.file, name: entry.name, entry, isGone, versions }];
  });
  // An entry whose name does not read may be any of those that the text seems to have dropped: then none is dropped.
  const names = new Set(read.services.map((entry) => entry.name));
  const unlisted = names.has(null) ? remembered.filter((service) => !names.has(service.name)) : [];
  return [...listed, ...unlisted.map(withoutText)];
}

function versionsOf(entry: ReadService, name: string, before: RememberedService | undefined): Version[] {
  const { migration, oldOnly, raw } = entry;
  const lastGood: Version[] = before?.quality === 'good' ? [{ standing: 'stale', service: before }] : [];
  if (migration !== null) {
    return [{ standing: 'valid', service: { name, raw, migration, quality: 'good' } }, ...lastGood];
  }
  if (lastGood.length > 0 || oldOnly === null) return lastGood;
  const service: RememberedService = { name, raw: oldOnlyRaw(raw), migration: oldOnly, quality: 'old_only' };
  return [{ standing: 'invalid', service }];
}
