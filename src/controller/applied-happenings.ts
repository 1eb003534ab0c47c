/**
 * What an applied configuration has changed, as happenings: percentages one by one, other changes one by one or, where one edit
 * changed many services alike, together; and for each text that took effect one that sums it up. In: changes with their authors.
 * Out: happenings, in the order in which they are to be told.
 */
import type { SourceRead } from '../migration/candidates.ts';
import type { Author } from './change-log.ts';
import type { ServiceChange } from './changes.ts';
import type { Happening } from './happening.ts';
import type { Reverts } from './reverts.ts';
import { authorOf, identityOf, type SourceVersions } from './source-versions.ts';

export interface MadeChange extends ServiceChange {
  readonly author: Author;
  /** The source that the service comes, or came, from; null: not known. */
  readonly sourceId: string | null;
  /** `own`: written through us. */
  readonly through: 'own' | 'another';
}

export interface AppliedNow {
  readonly made: readonly MadeChange[];
  readonly reads: readonly SourceRead[];
  /** At the first: how many services are served now. Null later. */
  readonly serves: number | null;
  readonly versions: SourceVersions;
  readonly reverts: Reverts;
  readonly atMs: number;
}

/** From here on equal changes of one author are one entry. */
const MANY = 10;
const NAMES_BYTES = 900;

export function appliedHappenings(now: AppliedNow): readonly Happening[] {
  const others = Map.groupBy(
    now.made.filter(({ other }) => other !== ''),
    ({ other, sourceId, author: { by, reason } }) => JSON.stringify([other, sourceId, by, reason]),
  );
  return [
    ...now.made.flatMap((change) => percentageHappening(change, now)),
    ...[...others.values()].flatMap((alike) =>
      alike.length > MANY ? [manyHappening(alike, now)] : alike.map((change) => otherHappening(change, now)),
    ),
    ...textHappenings(now),
  ];
}

function percentageHappening(change: MadeChange, now: AppliedNow): Happening[] {
  const { service, percentage, author, through } = change;
  if (percentage === null) return [];
  const { from, to } = percentage;
  const { by, reason } = author;
  const common = { ...commonOf(change, now), service, from: `${from} %`, to: `${to} %` };
  const ours = now.reverts.next({ service, from, to, by, atMs: now.atMs, through });
  if (ours === null) {
    const message = `${service}: ${from} % -> ${to} %, by ${by}${reason && `: ${reason}`}`;
    return [{ ...common, kind: 'percentage', why: reason, message }];
  }
  const why = `it keeps the object as it stands elsewhere: commit ${from} % where it reads, or it undoes every edit`;
  const message = `${service}: ${from} %, written by ${ours.by}, was set back to ${to} % by ${by}: ${why}`;
  return [{ ...common, kind: 'reverted', why, message }];
}

function otherHappening(change: MadeChange, now: AppliedNow): Happening {
  const { service, other, author } = change;
  const message = `${service}: ${other}, by ${author.by}${author.reason && `: ${author.reason}`}`;
  return { ...commonOf(change, now), kind: 'changed', service, from: null, to: other, why: author.reason, message };
}

function manyHappening(alike: readonly MadeChange[], now: AppliedNow): Happening {
  const [first] = alike;
  const { by, reason } = first.author;
  const to = `${alike.length} services: ${first.other}`;
  const message = `${to}, by ${by}${reason && `: ${reason}`} (${names(alike.map(({ service }) => service))})`;
  const common = commonOf(first, now);
  const identity = `${common.identity} ${first.other}`;
  return { ...common, kind: 'changed', service: null, from: null, to, why: reason, message, identity };
}

function commonOf({ author, sourceId }: MadeChange, { versions, atMs }: AppliedNow) {
  const identity = identityOf(versions.versionOf(sourceId), atMs);
  return { atMs, by: author.by, identity, about: versions.aboutOf(sourceId) };
}

/** Of each version of an object that changed something, or that was the first. */
function textHappenings({ made, reads, serves, versions, atMs }: AppliedNow): Happening[] {
  const newest = new Map(reads.map((read) => [read.id, read]));
  return [...newest.values()].flatMap(({ id, read, version }): Happening[] => {
    if (version === undefined || read === 'gone' || read === 'dropped' || read.whole !== null) return [];
    const changed = made.filter(({ sourceId }) => sourceId === id);
    if (changed.length === 0 && serves === null) return [];
    const what =
      serves === null
        ? names(changed.map((change) => `${change.service} (${change.what})`))
        : `${read.services.length} services`;
    const message = `resourceVersion ${version.resourceVersion} is served: ${what}`;
    const { by, reason } = authorOf(version, id);
    const about = versions.aboutOf(id);
    const identity = identityOf(version, atMs);
    return [{ kind: 'applied', service: null, atMs, by, from: null, to: null, why: reason, message, identity, about }];
  });
}

/** As many as fit, and how many there are more. */
function names(all: readonly string[]): string {
  let text = '';
  for (const [i, name] of all.entries()) {
    const next = i === 0 ? name : `${text}, ${name}`;
    if (Buffer.byteLength(next) > NAMES_BYTES && i > 0) return `${text} and ${all.length - i} more`;
    text = next;
  }
  return text;
}
