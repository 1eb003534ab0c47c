/**
 * Who serves, where several want the same name or the same (old_host, path_prefix). In: the candidates of all sources, older sources and
 * earlier lines first, and our own listeners. Out: for each candidate the version that serves, if any, and what to report. What the
 * sources say decides, not which replica saw it first; what only memory knows gives way.
 */
import { formatBackend } from './addresses.ts';
import type { Candidate, Version } from './candidates.ts';
import type { ConfigError } from './errors.ts';
import type { Migration } from './model.ts';
import { isOwnAddress, type OwnAddress } from './own-address.ts';
import type { PlacedKey } from './parse.ts';
import { oldOnlyRaw, readService } from './read-service.ts';

/** What became of the candidate at the same place of the list. */
export interface Settled {
  /** Null: nothing of it is served now. */
  readonly serves: Version | null;
  /** False where the name is another's: then there is nothing to remember either. */
  readonly hasName: boolean;
  readonly errors: readonly ConfigError[];
}

/** Who has taken a name or a host: places in the list of candidates. */
interface Taken {
  readonly names: Map<string, number>;
  readonly hosts: Map<string, number>;
}

export function settle(candidates: readonly Candidate[], own: readonly OwnAddress[]): Settled[] {
  const errors: ConfigError[][] = candidates.map(() => []);
  const taken: Taken = { names: new Map(), hosts: new Map() };
  const versions = candidates.map((candidate, i) => reachableVersions(candidate, own, errors[i]));

  // First what the texts say, in their order, and what stands in for texts that cannot be used.
  candidates.forEach((candidate, i) => {
    if (candidate.isGone) return;
    const namesake = takeOrOwner(taken.names, candidate.name, i);
    if (namesake !== i) {
      errors[i].push(...duplicateError(candidate, candidates[namesake], 'name', `the name ${candidate.name}`));
      versions[i] = [];
      return;
    }
    const host = hostKey(textVersion(candidate) ?? versions[i][0]?.service.migration);
    const neighbour = host === null ? i : takeOrOwner(taken.hosts, host, i);
    if (neighbour === i) return;
    errors[i].push(...duplicateError(candidate, candidates[neighbour], 'old_host', String(host)));
    versions[i] = versions[i].filter((version) => version.standing === 'stale');
  });

  // Then each takes its place, last good versions only where nobody else has it by now.
  return candidates.map((candidate, i): Settled => {
    const hasName = takeOrOwner(taken.names, candidate.name, i) === i;
    const [best] = versions[i];
    if (!hasName || best === undefined) return { serves: null, hasName, errors: errors[i] };
    const host = hostKey(best.service.migration)!;
    return { serves: takeOrOwner(taken.hosts, host, i) === i ? best : null, hasName, errors: errors[i] };
  });
}

/** Takes what is free; says whose it is. */
function takeOrOwner(taken: Map<string, number>, what: string, i: number): number {
  const owner = taken.get(what);
  if (owner !== undefined) return owner;
  taken.set(what, i);
  return i;
}

/** Without the versions that would send requests back to ourselves; where only new would, old alone is left. */
function reachableVersions(
  candidate: Candidate,
  own: readonly OwnAddress[],
  errors: ConfigError[],
): readonly Version[] {
  const [best] = candidate.versions;
  const circles = ({ migration }: { migration: Migration }) => [
    ...(isOwnAddress(migration.old, own) ? (['old'] as const) : []),
    ...(isOwnAddress(migration.new, own) ? (['new'] as const) : []),
  ];
  if (best === undefined) return [];
  for (const side of circles(best.service)) {
    const { address, port } = best.service.migration[side];
    const message = `${formatBackend(address, port)} is where this proxy itself listens; write the backend behind it`;
    errors.push(errorAt(candidate, 'own_address', `${side}_backend`, message));
  }
  const reachable = candidate.versions.filter((version) => circles(version.service).length === 0);
  if (reachable.length > 0 || circles(best.service).includes('old')) return reachable;
  const raw = oldOnlyRaw(best.service.raw);
  const { oldOnly } = readService(raw);
  if (oldOnly === null) return [];
  return [{ standing: 'invalid', service: { ...best.service, raw, migration: oldOnly, quality: 'old_only' } }];
}

/** What the text itself says, good or not, as far as it reads. */
function textVersion({ entry }: Candidate): Migration | null {
  return entry === null ? null : (entry.migration ?? entry.oldOnly);
}

function hostKey(migration: Migration | null | undefined): string | null {
  return migration ? `${migration.old.host}${migration.pathPrefix ?? ''}` : null;
}

/** Of what stands in a text; a version out of memory gives way without a word. */
function duplicateError(loser: Candidate, winner: Candidate, key: PlacedKey, what: string): ConfigError[] {
  if (loser.entry === null) return [];
  const at = winner.entry?.places[key];
  const place = at === undefined ? winner.file : `${winner.file}:${at.line}`;
  const who = key === 'name' ? '' : ` of ${winner.name}`;
  const message = `${what} is already that${who} in ${place}, which comes first; take another`;
  return [errorAt(loser, 'duplicate_service', key, message)];
}

function errorAt(candidate: Candidate, code: ConfigError['code'], key: PlacedKey, message: string): ConfigError {
  const { entry, name, file } = candidate;
  const { line, column } = entry?.places[key] ?? { line: 1, column: 1 };
  const path = entry === null ? '' : `services[${entry.index}].${key}`;
  return { code, service: name, file, line, column, path, message };
}
