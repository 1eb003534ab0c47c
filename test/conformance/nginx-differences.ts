/**
 * In which cases the nginx plane is known to differ, and why: read from `nginx-differences.json`, where cases stand by reason
 * and theme. A row of `refused heads` or of the framings is two cases, which differ for one reason or not at all.
 */
import { readFileSync } from 'node:fs';
import type { Differences } from './plan.ts';

type ByReason = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const BY_REASON: ByReason = JSON.parse(readFileSync(new URL('nginx-differences.json', import.meta.url), 'utf8'));

export const NGINX_REASONS: readonly string[] = Object.keys(BY_REASON);

export const NGINX_DIFFERENCES: Differences = Object.fromEntries(
  Object.entries(BY_REASON).flatMap(([reason, themes]) =>
    Object.entries(themes).flatMap(([theme, cases]) => cases.map((name) => [`${theme}: ${name}`, reason])),
  ),
);
