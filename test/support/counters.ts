/**
 * The proxy's counters as a scraper sees them: one scrape in; sums of a counter's samples by labels out.
 */
import { parsePrometheusText } from './prometheus-text.ts';
import type { RunningProxy } from './running-proxy.ts';

/** The sum of a counter's samples that carry these labels. */
export type Counted = (name: string, labels: Readonly<Record<string, string>>) => number;

export async function countersOf(proxy: RunningProxy): Promise<Counted> {
  const families = parsePrometheusText((await proxy.askAdmin('/metrics')).body.toString());
  return (name, labels) => {
    const samples = families.get(name)?.samples ?? [];
    const wanted = Object.entries(labels);
    const matching = samples.filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value));
    return matching.reduce((sum, { value }) => sum + value, 0);
  };
}
