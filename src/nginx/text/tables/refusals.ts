/**
 * Services that this nginx cannot be told of. In: services and settings. Out: a sentence for each such service, so that the others
 * are served. A word of nginx has at most 4096 bytes, of which a `$` takes nine.
 */
import type { Match, Migration, ServedMigration } from '../../../migration/model.ts';
import { quote } from '../quote.ts';
import type { Refusal } from '../rendered.ts';
import type { NginxSettings } from '../settings.ts';
import { ConfigurationFault } from '../token.ts';
import { isRuled } from './context.ts';
import { MOST_KEYS } from './murmur3.ts';
import { wantOf } from './rule-chain.ts';

/** Three keys are no rule's: those of the strategies and of probing. */
const MOST_HASHED_HEADERS = MOST_KEYS - 3;
const NJS_HINT =
  'migration.hash: murmur3 needs the njs module of nginx, which was not found; install it (Debian: apt-get install libnginx-mod-http-js), or write hash: murmur2';
const TOO_LONG = 'is too long for nginx, which reads words of 4096 bytes (a $ takes nine)';

export function refusals(services: readonly ServedMigration[], { njsModule }: NginxSettings): Refusal[] {
  const hashed = new Set<string>();
  return services.flatMap((served) => {
    const { migration } = served;
    const problem = isRuled(served)
      ? (ruledProblem(migration, njsModule) ?? tooManyHashed(migration, hashed))
      : pathProblem(migration);
    return problem === null ? [] : [{ service: migration.name, ...problem }];
  });
}

type Problem = Omit<Refusal, 'service'>;

function ruledProblem(migration: Migration, njsModule: string | null): Problem | null {
  if (migration.hash === 'murmur3' && njsModule === null) return { key: 'migration.hash', message: NJS_HINT };
  return pathProblem(migration) ?? valueProblem(migration);
}

/** Adds the service's headers to those that njs hashes, unless they become too many. */
function tooManyHashed({ hash, userRules }: Migration, hashed: Set<string>): Problem | null {
  if (hash !== 'murmur3') return null;
  const more = new Set(userRules.map(({ header }) => header).filter((header) => !hashed.has(header)));
  if (hashed.size + more.size > MOST_HASHED_HEADERS) {
    const message = `more than ${MOST_HASHED_HEADERS} headers of user_rules are hashed by murmur3, over all services; for example user_id_header: X-User-ID everywhere`;
    return { key: 'canary.user_rules', message };
  }
  for (const header of more) hashed.add(header);
  return null;
}

function pathProblem({ name, pathPrefix }: Migration): Problem | null {
  if (pathPrefix === null || fits(`${name} ${pathPrefix}`)) return null;
  return { key: 'path_prefix', message: `path_prefix ${TOO_LONG}; for example /orders` };
}

function valueProblem({ headerRules, cookieRules }: Migration): Problem | null {
  const lists = { header_rules: headerRules, cookie_rules: cookieRules };
  for (const [key, rules] of Object.entries(lists)) {
    const long = rules.findIndex(({ match }) => !fits(longestWant(match)));
    const path = `canary.${key}[${long}].value`;
    if (long !== -1) return { key: path, message: `${path} ${TOO_LONG}; for example "new"` };
  }
  return null;
}

/** Of an exact value and the like; a regex is short, and stands alone. */
function longestWant(match: Match): string {
  const text = match.kind === 'exact' || match.kind === 'prefix' ? match.value : '';
  return wantOf({ kind: 'prefix', decision: 'old:header', text });
}

function fits(text: string): boolean {
  try {
    quote([text], 'value');
    return true;
  } catch (error) {
    if (error instanceof ConfigurationFault) return false;
    throw error;
  }
}
