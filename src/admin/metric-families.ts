/**
 * Every metric of ours: name, help, type and how its samples follow from the facts.
 * In: one snapshot of facts. Out: samples in base units (seconds). People's alerts hold on to names and labels: they change
 * only by adding. Labels are names from the configuration and our own words, never a user, a path or an address.
 */
import type { RunStateName } from '../migration/run-state.ts';
import { DURATION_BOUNDS_MS } from '../status/duration-histogram.ts';
import type { NginxFacts } from '../status/nginx-facts.ts';
import { CLUSTERS, type ServiceStats } from '../status/service-stats.ts';

export interface MetricsFacts {
  readonly generation: number;
  readonly configErrors: number;
  /** When a configuration was last applied without an error, epoch ms; null: not yet. */
  readonly lastSuccessMs: number | null;
  readonly connections: { readonly client: number; readonly old: number; readonly new: number };
  /** Null: the direct plane serves. */
  readonly nginx: Pick<NginxFacts, 'up' | 'reloads'> | null;
  /** Null: the configuration is a local file. */
  readonly cluster: ClusterMetricsFacts | null;
  /** Requests that no service took, by error code. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly services: readonly ServiceMetricsFacts[];
}

export interface ClusterMetricsFacts {
  readonly connected: boolean;
  readonly isLeader: boolean;
  /** That are registered, this one too. */
  readonly replicas: number;
  /** Writes of run states by what became of them. */
  readonly sharedWrites: Readonly<Record<string, number>>;
  /** When the API server was last heard of the source, epoch ms; null: not yet. */
  readonly lastHeardMs: number | null;
}

export interface ServiceMetricsFacts {
  readonly name: string;
  /** 0..100, as configured. */
  readonly percentage: number;
  readonly state: RunStateName;
  /** Trips that this replica itself decided. */
  readonly fallbacks: number;
  readonly stats: ServiceStats;
}

export interface Sample {
  /** Where it is not the family's own: `_bucket`, `_sum`, `_count`. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Absent: always. Else the family is left out where this is false. */
  readonly applies?: (facts: MetricsFacts) => boolean;
  /** In batches that are made as they are asked for, each of one moment: one of the whole, or one a service. */
  readonly batches: (facts: MetricsFacts) => Iterable<readonly Sample[]>;
}

const STATES: readonly RunStateName[] = ['steady', 'fallen_back', 'probing'];
const DURATION = 'migration_proxy_request_duration_seconds';
const BOUND_LABELS = [...DURATION_BOUNDS_MS.map((ms) => String(ms / 1_000)), '+Inf'];

export const METRIC_FAMILIES: readonly MetricFamily[] = [
  {
    name: 'migration_proxy_requests_total',
    help: 'Client requests, each once, by the cluster that answered (if none did: that was tried last), the reason of the decision and the class of the status.',
    type: 'counter',
    batches: eachService(({ name, stats }, add) => {
      stats.eachRequestCount((cluster, reason, code, value) => {
        add({ labels: { service: name, cluster, reason, code }, value });
      });
    }),
  },
  {
    name: DURATION,
    help: 'Time from the first byte of a client request to the last of its answer; tunnels and aborted requests are left out.',
    type: 'histogram',
    batches: eachService(addDurations),
  },
  {
    name: 'migration_proxy_upstream_failures_total',
    help: 'Failed attempts at a cluster by kind, also where a further attempt saved the request.',
    type: 'counter',
    batches: eachService(({ name, stats }, add) => {
      stats.eachFailureCount((cluster, kind, value) => {
        add({ labels: { service: name, cluster, kind }, value });
      });
    }),
  },
  {
    name: 'migration_proxy_retries_total',
    help: 'Further attempts by the cluster that failed and the one tried next.',
    type: 'counter',
    batches: eachService(({ name, stats }, add) => {
      stats.eachRetryCount((from, to, value) => {
        add({ labels: { service: name, from, to }, value });
      });
    }),
  },
  {
    name: 'migration_proxy_service_state',
    help: '1 for the state the service is in, 0 for the others.',
    type: 'gauge',
    batches: eachService(({ name, state }, add) => {
      for (const one of STATES) add({ labels: { service: name, state: one }, value: one === state ? 1 : 0 });
    }),
  },
  {
    name: 'migration_proxy_service_percentage',
    help: 'Per cent of traffic configured for the new cluster.',
    type: 'gauge',
    batches: eachService(({ name, percentage }, add) => add({ labels: { service: name }, value: percentage })),
  },
  {
    name: 'migration_proxy_fallbacks_total',
    help: 'Times this replica sent a service back to the old cluster.',
    type: 'counter',
    batches: eachService(({ name, fallbacks }, add) => add({ labels: { service: name }, value: fallbacks })),
  },
  {
    name: 'migration_proxy_config_errors',
    help: 'Errors in the configuration as it was last read.',
    type: 'gauge',
    batches: ({ configErrors }) => [[{ labels: {}, value: configErrors }]],
  },
  {
    name: 'migration_proxy_config_generation',
    help: 'Number of the configuration that is served; grows by one with each applied change.',
    type: 'gauge',
    batches: ({ generation }) => [[{ labels: {}, value: generation }]],
  },
  {
    name: 'migration_proxy_config_last_success_timestamp_seconds',
    help: 'When the configuration was last read and applied without an error; absent before the first time.',
    type: 'gauge',
    batches: ({ lastSuccessMs }) => (lastSuccessMs === null ? [] : [[{ labels: {}, value: lastSuccessMs / 1_000 }]]),
  },
  {
    name: 'migration_proxy_open_connections',
    help: 'Open connections: of clients, and to each of the clusters.',
    type: 'gauge',
    batches: ({ connections }) => [
      Object.entries(connections).map(([side, value]) => {
        return { labels: { side }, value };
      }),
    ],
  },
  {
    name: 'migration_proxy_refused_requests_total',
    help: 'Requests that no service took, by the error code of the answer.',
    type: 'counter',
    batches: ({ refusals }) => [
      Array.from(refusals, ([reason, value]) => {
        return { labels: { reason }, value };
      }),
    ],
  },
  {
    name: 'migration_proxy_nginx_up',
    help: '1 while nginx runs and answers with what was installed; only with the nginx plane.',
    type: 'gauge',
    applies: ({ nginx }) => nginx !== null,
    batches: ({ nginx }) => [[{ labels: {}, value: nginx?.up ? 1 : 0 }]],
  },
  {
    name: 'migration_proxy_nginx_reloads_total',
    help: 'Configurations given to nginx, the first start among them, by whether the new one answered; only with the nginx plane.',
    type: 'counter',
    applies: ({ nginx }) => nginx !== null,
    batches: ({ nginx }) => [
      Object.entries(nginx?.reloads ?? {}).map(([result, value]) => {
        return { labels: { result }, value };
      }),
    ],
  },
  {
    name: 'migration_proxy_api_server_connected',
    help: '1 while changes in Kubernetes are heard of as they happen; only with a Kubernetes source.',
    type: 'gauge',
    applies: inCluster,
    batches: ofCluster(({ connected }) => [{ labels: {}, value: connected ? 1 : 0 }]),
  },
  {
    name: 'migration_proxy_leader',
    help: '1 on the replica that leads: it makes recovery checks, cleans up, keeps the last good configuration and the history; only with a Kubernetes source.',
    type: 'gauge',
    applies: inCluster,
    batches: ofCluster(({ isLeader }) => [{ labels: {}, value: isLeader ? 1 : 0 }]),
  },
  {
    name: 'migration_proxy_replicas',
    help: 'Replicas that this one knows of, itself too; only with a Kubernetes source.',
    type: 'gauge',
    applies: inCluster,
    batches: ofCluster(({ replicas }) => [{ labels: {}, value: replicas }]),
  },
  {
    name: 'migration_proxy_shared_writes_total',
    help: 'Writes of the states that replicas share, by result: done, stale (another replica was first), failed; only with a Kubernetes source.',
    type: 'counter',
    applies: inCluster,
    batches: ofCluster(({ sharedWrites }) =>
      Object.entries(sharedWrites).map(([result, value]) => {
        return { labels: { result }, value };
      }),
    ),
  },
  {
    name: 'migration_proxy_config_source_last_sync_timestamp_seconds',
    help: 'When the API server was last heard of the configuration, unchanged or not; only with a Kubernetes source.',
    type: 'gauge',
    applies: inCluster,
    batches: ofCluster(({ lastHeardMs }) => (lastHeardMs === null ? [] : [{ labels: {}, value: lastHeardMs / 1_000 }])),
  },
];

function inCluster({ cluster }: MetricsFacts): boolean {
  return cluster !== null;
}

function ofCluster(samples: (cluster: ClusterMetricsFacts) => readonly Sample[]): MetricFamily['batches'] {
  return ({ cluster }) => (cluster === null ? [] : [samples(cluster)]);
}

function addDurations({ name, stats }: ServiceMetricsFacts, add: (sample: Sample) => void): void {
  for (const cluster of CLUSTERS) {
    const { cumulative, sumMs } = stats.durationsAt(cluster);
    const count = cumulative[cumulative.length - 1];
    if (count === 0) continue;
    const labels = { service: name, cluster };
    for (const [i, value] of cumulative.entries()) {
      add({ metricName: `${DURATION}_bucket`, labels: { ...labels, le: BOUND_LABELS[i] }, value });
    }
    add({ metricName: `${DURATION}_sum`, labels, value: sumMs / 1_000 });
    add({ metricName: `${DURATION}_count`, labels, value: count });
  }
}

function eachService(addSamples: (service: ServiceMetricsFacts, add: (sample: Sample) => void) => void) {
  return function* ({ services }: MetricsFacts): Generator<readonly Sample[]> {
    for (const service of services) {
      const samples: Sample[] = [];
      addSamples(service, (sample) => samples.push(sample));
      yield samples;
    }
  };
}
