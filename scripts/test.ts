/**
 * `node scripts/test.ts check|test|full [NAME...]`: runs the suites of a tier (those whose name, or file's name, holds one of NAME), side by
 * side where their timing allows it, and ends with a table and a line `N passed, N failed, N skipped`. Exit 0: all that ran
 * passed; 1: something failed; 2: no such tier or suite. With CI set, a program that can't be had is a failure.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inLanes } from './test/lanes.ts';
import { lastSeconds, longestFirst, rememberSeconds } from './test/last-seconds.ts';
import { provideNeeds } from './test/needs.ts';
import { type Result, runSuite, unrunnable } from './test/run-suite.ts';
import { chosen, type Suite, suitesOf, type Tier } from './test/suites.ts';
import { tableOf, timesOf, totalsOf } from './test/table.ts';

const ROOT = join(import.meta.dirname, '..');
const LAST_SECONDS = join(ROOT, '.cache', 'suite-seconds.json');

// Suites start hundreds of processes of the same files: from the second on they need not be compiled (measured: a third of a start).
process.env.NODE_COMPILE_CACHE ??= join(ROOT, '.cache', 'compiled');

async function main([tier, ...names]: readonly string[]): Promise<number> {
  if (tier !== 'check' && tier !== 'test' && tier !== 'full') return usage('the tier is check, test or full');
  const suites = chosen(suitesOf(tier, ROOT), names);
  if (suites.length === 0) return usage(`no suite's name holds ${names.join(' or ')}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const results = await runAll(suites, tier);
  console.log(`\n${tableOf(results)}\n\n${timesOf(results, performance.now() / 1000)}\n${totalsOf(results)}`);
  return results.some((result) => result.outcome === 'failed') ? 1 : 0;
}

async function runAll(suites: readonly Suite[], tier: Tier): Promise<Result[]> {
  const missing = await provideNeeds(
    suites.flatMap((suite) => suite.needs),
    (line) => console.log(line),
  );
  const results = new Map<Suite, Result>();
  const runOne = async (suite: Suite): Promise<void> => {
    const lacking = suite.needs.filter((program) => missing.has(program));
    const reason = lacking.map((program) => `${program}: ${missing.get(program)}`).join('; ');
    const options = { root: ROOT, manyRuns: tier === 'full' ? 'yes' : 'no' } as const;
    const outcome = process.env.CI ? 'failed' : 'skipped';
    const result = lacking.length > 0 ? unrunnable(suite, reason, outcome) : await runSuite(suite, options);
    results.set(suite, result);
    report(result);
  };
  const secondsOf = lastSeconds(LAST_SECONDS);
  // Many of them wait, for a log, a lease, a process that starts: measured on two cores, three leave a quarter of them idle.
  const lanes = Math.min(4, availableParallelism() + 2);
  await inLanes(longestFirst(suites, secondsOf), { lanes, secondsOf, run: runOne });
  const inOrder = suites.map((suite) => results.get(suite) as Result);
  rememberSeconds(inOrder, LAST_SECONDS);
  return inOrder;
}

function report(result: Result): void {
  const { suite, outcome, seconds, passed, remark } = result;
  const mark = { passed: 'ok     ', failed: 'FAILED ', skipped: 'skipped' }[outcome];
  const details = [outcome === 'passed' ? `${passed} passed` : '', remark].filter(Boolean).join(', ');
  console.log(`${mark}  ${suite.name}  ${seconds.toFixed(1)} s  ${details}`.trimEnd());
  if (outcome === 'failed' && result.output !== '') console.log(result.output.trimEnd().replace(/^/gm, '    '));
}

function usage(problem: string): number {
  console.error(`test: ${problem}\nusage: npm test [-- NAME...] | npm run check | npm run test:full [-- NAME...]`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
