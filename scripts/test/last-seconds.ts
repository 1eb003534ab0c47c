/**
 * How long each suite took when it ran last: results and a file in, the next run's order out. The longest begins first, so that none
 * of them is left for the end, when the other lanes are empty. A suite that never ran here counts as long.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Result } from './run-suite.ts';
import type { Suite } from './suites.ts';

/** By suite's name. */
type Seconds = Readonly<Record<string, number>>;

/** Of a suite that never passed here: as long as it may take at all. */
export function lastSeconds(file: string): (suite: Suite) => number {
  const last = read(file);
  return ({ name, limitMs }) => last[name] ?? limitMs / 1000;
}

export function longestFirst(suites: readonly Suite[], secondsOf: (suite: Suite) => number): Suite[] {
  return suites.toSorted((a, b) => secondsOf(b) - secondsOf(a));
}

/** Suites that did not run keep what was known. A file that can't be written is no harm: the order is only slower. */
export function rememberSeconds(results: readonly Result[], file: string): void {
  const ran = results.filter(({ outcome }) => outcome === 'passed').map(({ suite, seconds }) => [suite.name, seconds]);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ ...read(file), ...Object.fromEntries(ran) }));
  } catch {}
}

function read(file: string): Seconds {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Seconds;
  } catch {
    return {};
  }
}
