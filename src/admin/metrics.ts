/**
 * Facts to the text that Prometheus scrapes; those of the process itself come from prom-client.
 * In: a function that gives a snapshot of facts. Out: the text. Nothing is counted here: samples are made from one snapshot at
 * scrape time, so a request costs nothing, and the series of a removed service are gone with it. With thousands of services
 * that is megabytes and a second of work (measured: 5 000 services, 18 MB), so it is done in slices.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { inSlices } from './in-slices.ts';
import { METRIC_FAMILIES, type MetricFamily, type MetricsFacts, type Sample } from './metric-families.ts';

export interface Metrics {
  readonly contentType: string;
  /** All metrics as Prometheus text. */
  scrape(): Promise<Buffer>;
  /** Of the process: CPU, memory, event loop. */
  readonly process: Registry;
}

/**
 * prom-client's defaults that walk every open handle and request: with 20 000 connections one scrape would hold up traffic
 * for tens of milliseconds, and migration_proxy_open_connections already says it.
 */
const COSTLY_DEFAULTS = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
];

export function createMetrics(facts: () => MetricsFacts): Metrics {
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  for (const name of COSTLY_DEFAULTS) process.removeSingleMetric(name);
  return {
    contentType: process.contentType,
    process,
    scrape: async () => {
      const ofProcess = await processText(process);
      return inSlices(texts(facts(), ofProcess));
    },
  };
}

function* texts(facts: MetricsFacts, ofProcess: string): Generator<string> {
  for (const family of METRIC_FAMILIES) if (family.applies?.(facts) ?? true) yield* familyTexts(family, facts);
  yield `${ofProcess}\n`;
}

function* familyTexts({ name, help, type, batches }: MetricFamily, facts: MetricsFacts): Generator<string> {
  yield `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  for (const samples of batches(facts)) yield samples.map((sample) => lineOf(name, sample)).join('');
  yield '\n';
}

function lineOf(name: string, { metricName, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  const braces = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  return `${metricName ?? name}${braces} ${value}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Text exposition format 0.0.4. */
function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => ESCAPES[character]);
}

/**
 * A default metric that cannot be read just now is left out instead of failing the scrape: when file descriptors run out,
 * process.memoryUsage() throws, and that is when people look.
 */
async function processText(registry: Registry): Promise<string> {
  const families = registry.getMetricsAsArray().map(async ({ name }) => {
    try {
      return await registry.getSingleMetricAsString(name);
    } catch {
      return '';
    }
  });
  const texts = await Promise.all(families);
  return texts.filter((text) => text !== '').join('\n\n');
}
