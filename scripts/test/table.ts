/** The last lines of a test run, from its results: a row a suite, then one plain line that scripts can read. */
import type { Result } from './run-suite.ts';

export function tableOf(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.suite.name,
    result.outcome === 'failed' ? 'FAILED' : result.outcome === 'passed' ? 'run' : 'skipped',
    result.seconds.toFixed(1),
    result.cpuSeconds?.toFixed(1) ?? '',
    `${result.passed}`,
    result.remark,
  ]);
  const lines = [['suite', '', 'seconds', 'cpu s', 'passed', ''], ...rows];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line.map((cell, column) =>
        column < 2 || column > 4 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      ),
    )
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n');
}

export function totalsOf(results: readonly Result[]): string {
  const sum = (of: (result: Result) => number): number => results.reduce((total, result) => total + of(result), 0);
  return `${sum((r) => r.passed)} passed, ${sum((r) => r.failed)} failed, ${sum((r) => r.skipped)} skipped`;
}

/** How long all of it took, from start to end, and how much of the processors. */
export function timesOf(results: readonly Result[], seconds: number): string {
  const cpuSeconds = results.reduce((total, result) => total + (result.cpuSeconds ?? 0), 0);
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${Math.floor(seconds - minutes * 60)} s, ${cpuSeconds.toFixed(0)} s of processor time`;
}
