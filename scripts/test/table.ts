/** The last lines of a test run, from its results: a row a suite, then one plain line that scripts can read. */
import type { Result } from './run-suite.ts';

export function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.suite.name,
    result.outcome === 'failed' ? 'FAILED' : result.outcome === 'passed' ? 'run' : 'skipped',
    result.seconds.toFixed(1),
    `${result.passed}`,
    result.remark,
  ]);
  const lines = [['suite', '', 'seconds', 'passed', ''], ...rows];
  const width = (column: number): number => Math.max(...lines.map((line) => line[column].length));
  const widths = [width(0), width(1), width(2), width(3)];
  return lines
    .map(([name, outcome, seconds, passed, remark]) =>
      `${name.padEnd(widths[0])}  ${outcome.padEnd(widths[1])}  ${seconds.padStart(widths[2])}  ${passed.padStart(widths[3])}  ${remark}`.trimEnd(),
    )
    .join('\n');
}

export function totalsOf(results: readonly Result[]): string {
  const sum = (of: (result: Result) => number): number => results.reduce((total, result) => total + of(result), 0);
  return `${sum((r) => r.passed)} passed, ${sum((r) => r.failed)} failed, ${sum((r) => r.skipped)} skipped`;
}
