/**
 * In which cases the nginx plane is known to differ, and why: read from `nginx-differences.json`, where cases stand by reason
 * and theme. A row of `refused heads` or of the framings is two cases, which differ for one reason or not at all.
 */
import { readFileSync } from 'node:fs';
import { isAtLeast, type NginxVersion } from '../../src/nginx/text/settings.ts';
import type { Differences } from './plan.ts';

type ByReason = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const BY_REASON: ByReason = JSON.parse(readFileSync(new URL('nginx-differences.json', import.meta.url), 'utf8'));

const WITHOUT_NJS = 'hash: murmur3 needs njs, and this machine has none';

export const NGINX_REASONS: readonly string[] = Object.keys(BY_REASON);

/** The reasons that hold for some versions alone: from the first on, or until the second. */
const VERSIONS: Readonly<
  Record<string, Readonly<Partial<Record<'from' | 'until', readonly [number, number, number]>>>>
> = {
  'nginx 1.23 and newer take thousands of lines too': { from: [1, 23, 0] },
  'nginx 1.22 takes any framing that an origin announces': { until: [1, 23, 0] },
  'of repeated header lines nginx 1.22 sees the first': { until: [1, 23, 0] },
  'nginx joins X_A to X-A in rules (1.23 and newer)': { from: [1, 23, 0] },
};

/** `njs`: whether there is the module. */
export function nginxDifferences(version: NginxVersion, njs: 'njs' | 'no njs'): Differences {
  const holds = (reason: string): boolean => {
    const { from = null, until = null } = VERSIONS[reason] ?? {};
    if (from !== null && !isAtLeast(version, ...from)) return false;
    if (until !== null && isAtLeast(version, ...until)) return false;
    return reason !== WITHOUT_NJS || njs === 'no njs';
  };
  return Object.fromEntries(
    Object.entries(BY_REASON).flatMap(([reason, themes]) =>
      Object.entries(themes).flatMap(([theme, cases]) =>
        holds(reason) ? cases.map((name) => [`${theme}: ${name}`, reason]) : [],
      ),
    ),
  );
}
