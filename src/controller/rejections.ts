/**
 * Errors of the configuration as happenings: one a service, or one for a whole text, with the place of the first error. In: the errors
 * as they are now, those that are new, and how services are served in spite of them. Out: what has not been told yet of this
 * version of the text; reading the same version again says nothing.
 */
import type { ConfigError } from '../migration/errors.ts';
import type { Standing } from '../migration/model.ts';
import type { Happening } from './happening.ts';
import { authorOf, identityOf, type SourceVersions } from './source-versions.ts';

export interface Rejection {
  readonly happening: Happening;
  /** `known`: an earlier version of the text had the same error. */
  readonly error: 'fresh' | 'known';
}

export interface RejectedNow {
  readonly errors: readonly ConfigError[];
  readonly fresh: readonly ConfigError[];
  readonly versions: SourceVersions;
  /** How a service is served now; null: it is not. */
  readonly standingOf: (service: string) => Standing | null;
  readonly atMs: number;
}

const SERVED: Readonly<Record<Standing, string>> = {
  valid: '',
  stale: '; its last good version is served on',
  invalid: '; old alone serves it',
};
const MOST_NAMES = 5;

export class Rejections {
  /** Of each source: the version, and the services that were told of in it. */
  readonly #told = new Map<string, { readonly identity: string; readonly services: Set<string> }>();

  next(now: RejectedNow): readonly Rejection[] {
    const fresh = new Set(now.fresh);
    for (const file of this.#told.keys()) if (now.versions.versionOf(file) === null) this.#told.delete(file);
    return [...Map.groupBy(now.errors, groupOf).values()].flatMap((group): Rejection[] => {
      const isFresh = group.some((error) => fresh.has(error));
      const [{ file, code }] = group;
      const service = code === 'source_gone' ? null : group[0].service;
      const version = now.versions.versionOf(file);
      // A file has no version: what is new in it is told.
      if (version === null && !isFresh) return [];
      const identity = identityOf(version, now.atMs) + (code === 'source_gone' ? ' gone' : '');
      if (version !== null && this.#isTold(file, identity, service ?? '')) return [];
      const { by } = authorOf(version, file.startsWith('configmap:') ? file : `file:${file}`);
      const why = code === 'source_gone' ? goneText(group) : errorText(group, service);
      const standing = service === null ? null : now.standingOf(service);
      const whole = code === 'source_gone' ? '' : '; what was last good is served on';
      const tail = service === null ? whole : standing === null ? '; it is not served' : SERVED[standing];
      const about = now.versions.aboutOf(file);
      const message = `${service === null ? '' : `${service}: `}${why}${tail}`;
      const happening: Happening = {
        kind: 'rejected',
        service,
        atMs: now.atMs,
        by,
        from: null,
        to: null,
        why,
        message,
        identity,
        about,
      };
      return [{ happening, error: isFresh ? 'fresh' : 'known' }];
    });
  }

  #isTold(file: string, identity: string, service: string): boolean {
    let told = this.#told.get(file);
    if (told?.identity !== identity) {
      told = { identity, services: new Set() };
      this.#told.set(file, told);
    }
    if (told.services.has(service)) return true;
    told.services.add(service);
    return false;
  }
}

/** A source that is gone is one thing, however many services it had. */
function groupOf({ file, service, code }: ConfigError): string {
  return JSON.stringify(code === 'source_gone' ? [file, 'gone'] : [file, service]);
}

/** Of a whole text with its name: no service tells which of many it is. */
function errorText(group: readonly ConfigError[], service: string | null): string {
  const [{ file, line, column, path, message }] = group;
  const more = group.length === 1 ? '' : ` (and ${group.length - 1} more)`;
  return `${service === null ? `${file}: ` : ''}line ${line}, column ${column}: ${path === '' ? '' : `${path}: `}${message}${more}`;
}

function goneText(group: readonly ConfigError[]): string {
  const [{ file }] = group;
  const names = group.map(({ service }) => service ?? '');
  const shown = names.slice(0, MOST_NAMES).join(', ') + (names.length > MOST_NAMES ? ', …' : '');
  return `${file} is gone; ${names.length === 1 ? 'its service goes' : `its ${names.length} services go`} on as last good: ${shown}`;
}
