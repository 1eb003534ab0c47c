/**
 * Services that nginx does not take, as happenings: told once for each version of their text, and once more when it takes them again. In:
 * all that it refuses, each time it has taken a configuration. Out: what has not been told yet. Refuses to know why nginx does so.
 */
import type { NginxRefusal } from '../status/nginx-facts.ts';
import type { Happening } from './happening.ts';
import { authorOf, identityOf, type Origins, type SourceVersions } from './source-versions.ts';

export interface Refusal {
  readonly happening: Happening;
  /** `known`: nginx said the same of an earlier version. */
  readonly words: 'fresh' | 'known';
}

export interface RefusedNow {
  readonly refusals: readonly NginxRefusal[];
  readonly versions: SourceVersions;
  readonly origins: Origins;
  /** The author where no version names one. */
  readonly source: string;
  readonly atMs: number;
}

export class Refusals {
  /** By service. */
  readonly #told = new Map<string, { readonly identity: string; readonly message: string }>();

  next(now: RefusedNow): readonly Refusal[] {
    const refused = now.refusals.flatMap((refusal) => this.#refused(refusal, now));
    const names = new Set(now.refusals.map(({ service }) => service));
    const taken = [...this.#told.keys()].filter((service) => !names.has(service));
    for (const service of taken) this.#told.delete(service);
    // What is no longer configured is told as removed.
    const served = taken.filter((service) => now.origins.readOf(service) !== null);
    return [...refused, ...served.map((service) => takenAgain(service, now))];
  }

  #refused(refusal: NginxRefusal, now: RefusedNow): Refusal[] {
    const { service, message } = refusal;
    const common = commonOf(service, now);
    const before = this.#told.get(service);
    const isKnown = before?.message === message;
    // A file has no version: what is new in it is told.
    if (isKnown && (common.about === null || before.identity === common.identity)) return [];
    this.#told.set(service, { identity: common.identity, message });
    const why = placeText(refusal, now) + message;
    const happening = { ...common, kind: 'rejected', why, message: `${service}: ${why}` } as const;
    return [{ happening, words: isKnown ? 'known' : 'fresh' }];
  }
}

/** As errors of the text itself say it. A line changes with every edit above it: it is no part of what is known. */
function placeText({ service, key }: NginxRefusal, { origins }: RefusedNow): string {
  const place = origins.placeOf(service, key ?? null);
  return place === null ? '' : `line ${place.line}, column ${place.column}: ${place.path}: `;
}

function takenAgain(service: string, now: RefusedNow): Refusal {
  const message = `${service}: nginx serves it as it is configured again`;
  return { happening: { ...commonOf(service, now), kind: 'applied', why: '', message }, words: 'known' };
}

function commonOf(service: string, { versions, origins, source, atMs }: RefusedNow) {
  const id = versions.idOf(service, origins);
  const version = versions.versionOf(id);
  const { by } = authorOf(version, version === null ? source : (id ?? source));
  // Beside what the text itself is rejected for.
  const identity = `${identityOf(version, atMs)} nginx`;
  return { service, atMs, by, from: null, to: null, identity, about: versions.aboutOf(id) };
}
