/**
 * Facts to the text that Prometheus scrapes, through a prom-client registry of our own.
 * In: a function that gives a snapshot of facts. Out: a Registry, and `scrape`. Nothing is counted here: samples are made
 * from the snapshot at scrape time, so a request costs nothing, and the series of a removed service are gone with it.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { METRIC_FAMILIES, type MetricFamily, type MetricsFacts } from './metric-families.ts';

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

const OUR_NAMES: ReadonlySet<string> = new Set(METRIC_FAMILIES.map(({ name }) => name));

export function createMetrics(facts: () => MetricsFacts): Registry {
  const registry = new Registry();
  for (const family of METRIC_FAMILIES) registry.registerMetric(asMetric(family, facts));
  collectDefaultMetrics({ register: registry });
  for (const name of COSTLY_DEFAULTS) registry.removeSingleMetric(name);
  return registry;
}

/**
 * All metrics as Prometheus text. A default metric that cannot be read just now is left out instead of failing the scrape:
 * when file descriptors run out, process.memoryUsage() throws, and that is when people look.
 */
export async function scrape(registry: Registry): Promise<string> {
  const families = registry.getMetricsAsArray().map(async ({ name }) => {
    try {
      return await registry.getSingleMetricAsString(name);
    } catch (error) {
      if (OUR_NAMES.has(name)) throw error;
      return '';
    }
  });
  const texts = await Promise.all(families);
  return `${texts.filter((text) => text !== '').join('\n\n')}\n`;
}

/**
 * What a registry asks of a metric is its name and `get()`; prom-client's own classes keep values that would have to be
 * set, and reset, one by one at each scrape.
 */
function asMetric({ name, help, type, samples }: MetricFamily, facts: () => MetricsFacts): Metric {
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    reset: () => {},
    get: async () => ({ name, help, type, aggregator: 'sum', values: samples(facts()) }),
  };
  return metric as unknown as Metric;
}
