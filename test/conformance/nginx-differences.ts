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

/** From which version on a reason is none any more. */
const UNTIL: Readonly<Record<string, readonly [number, number, number]>> = {
  'of repeated header lines nginx 1.22 sees the first': [1, 23, 0],
};

/** `njs`: whether there is the module. */
export function nginxDifferences(version: NginxVersion, njs: 'njs' | 'no njs'): Differences {
  const holds = (reason: string): boolean => {
    const until = UNTIL[reason];
    return (until === undefined || !isAtLeast(version, ...until)) && !(reason === WITHOUT_NJS && njs === 'njs');
  };
  return Object.fromEntries(
    Object.entries(BY_REASON).flatMap(([reason, themes]) =>
      Object.entries(themes).flatMap(([theme, cases]) =>
        holds(reason) ? cases.map((name) => [`${theme}: ${name}`, reason]) : [],
      ),
    ),
  );
}
