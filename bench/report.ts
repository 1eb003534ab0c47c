/** The measurements of one shape as a table: samples of all rounds in, medians, their spread and the ratio to another row out. */
import type { Sample } from './measure.ts';

export interface Measured {
  readonly name: string;
  /** The row whose CPU a request is 1. */
  readonly base: string;
  readonly samples: readonly Sample[];
}

export interface Summary {
  readonly name: string;
  readonly microsPerRequest: number;
  readonly spread: readonly [least: number, most: number];
  /** CPU a request, as a multiple of the base row's; null where that was not measured. */
  readonly ratio: number | null;
  readonly median: Sample;
}

export function summarize(rows: readonly Measured[]): Summary[] {
  const measured = rows.filter((row) => row.samples.length > 0);
  const medians = new Map(measured.map(({ name, samples }) => [name, medianSample(samples)]));
  return measured.map(({ name, base, samples }) => {
    const median = medianSample(samples);
    const micros = samples.map((sample) => sample.microsPerRequest);
    const baseMicros = medians.get(base)?.microsPerRequest ?? null;
    return {
      name,
      microsPerRequest: median.microsPerRequest,
      spread: [Math.min(...micros), Math.max(...micros)],
      ratio: baseMicros === null ? null : median.microsPerRequest / baseMicros,
      median,
    };
  });
}

export function tableOf(title: string, summaries: readonly Summary[]): string {
  const header = [
    '',
    'us/req',
    '(user',
    'system)',
    'x base',
    'req/s',
    'p50 ms',
    'p99 ms',
    'MiB',
    'errors',
    'spread',
    'foreign',
  ];
  const rows = summaries.map(({ name, median, ratio, spread }) => [
    name,
    median.microsPerRequest.toFixed(1),
    median.userMicros.toFixed(1),
    median.systemMicros.toFixed(1),
    ratio === null ? '-' : ratio.toFixed(2),
    median.requestsPerSecond.toFixed(0),
    median.p50Ms.toFixed(2),
    median.p99Ms.toFixed(2),
    median.residentMiB.toFixed(0),
    `${median.errors}`,
    `${spread[0].toFixed(1)}-${spread[1].toFixed(1)}`,
    median.foreign.toFixed(2),
  ]);
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ');
  return [title, ...[header, ...rows].map(line)].join('\n');
}

// Of an even number the lower one: a sample that was really measured, its parts belonging together.
function medianSample(samples: readonly Sample[]): Sample {
  const sorted = [...samples].sort((a, b) => a.microsPerRequest - b.microsPerRequest);
  return sorted[(sorted.length - 1) >> 1];
}
