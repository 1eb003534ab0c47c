/**
 * A strict reader of Prometheus' text format 0.0.4.
 * In: the text of one scrape. Out: families by name. Throws at anything that a scraper might forgive: samples without HELP
 * and TYPE before them, a family in two places, a series twice, a malformed label, a histogram that is not cumulative.
 */
export interface PrometheusSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PrometheusFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: PrometheusSample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN|Nan)$/;

export function parsePrometheusText(text: string): Map<string, PrometheusFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  const families = new Map<string, PrometheusFamily>();
  const series = new Set<string>();
  let help: [string, string] | null = null;
  let current: [string, PrometheusFamily] | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment?.[1] === 'HELP') {
      if (families.has(comment[2])) throw new Error(`a second family of that name: ${line}`);
      help = [comment[2], comment[3]];
      continue;
    }
    if (comment?.[1] === 'TYPE') {
      if (help?.[0] !== comment[2]) throw new Error(`TYPE without HELP before it: ${line}`);
      current = [comment[2], { help: help[1], type: comment[3], samples: [] }];
      families.set(...current);
      continue;
    }
    const match = SAMPLE.exec(line);
    if (match === null || !NUMBER.test(match[3])) throw new Error(`no sample: ${line}`);
    if (current === null || !belongs(match[1], current)) throw new Error(`a sample outside its family: ${line}`);
    const labels = parseLabels(match[2] ?? '', line);
    const key = JSON.stringify([match[1], Object.entries(labels).sort()]);
    if (series.has(key)) throw new Error(`a series twice: ${line}`);
    series.add(key);
    current[1].samples.push({ name: match[1], labels, value: Number(match[3].replace('Inf', 'Infinity')) });
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function belongs(name: string, [family, { type }]: [string, PrometheusFamily]): boolean {
  if (type !== 'histogram' && type !== 'summary') return name === family;
  return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name) || type === 'summary';
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const match = LABEL.exec(rest);
    if (match === null || match[1] in labels) throw new Error(`malformed labels: ${line}`);
    labels[match[1]] = match[2].replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    rest = rest.slice(match[0].length);
  }
  return labels;
}

function checkHistogram(name: string, { samples }: PrometheusFamily): void {
  const groups = new Map<string, { le: number; value: number }[]>();
  const totals = new Map<string, number>();
  const sums = new Set<string>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    if (sample.name === `${name}_count`) totals.set(key, sample.value);
    if (sample.name === `${name}_sum`) sums.add(key);
    if (sample.name !== `${name}_bucket`) continue;
    groups.set(key, [...(groups.get(key) ?? []), { le: Number(le.replace('Inf', 'Infinity')), value: sample.value }]);
  }
  for (const [key, buckets] of groups) {
    const risesWithBound = buckets.every(
      (b, i) => i === 0 || (b.le > buckets[i - 1].le && b.value >= buckets[i - 1].value),
    );
    const last = buckets[buckets.length - 1];
    if (!risesWithBound || last.le !== Number.POSITIVE_INFINITY)
      throw new Error(`${name}${key}: buckets do not rise to +Inf`);
    if (last.value !== totals.get(key) || !sums.has(key)) throw new Error(`${name}${key}: _count or _sum is wrong`);
  }
}
