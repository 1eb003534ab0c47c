/**
 * The numbers of one service: what its clients got, and how each cluster did.
 * In: every finished client request, once, and every finished attempt. Out: counts since start for metrics, and rates and
 * latencies of the last minute for `/status`. A request costs a few additions to arrays and allocates nothing.
 * Refuses to know the clock (times come with the events) and what a failure means for the migration.
 */
import { REASONS, type Reason } from '../allocator/decision.ts';
import type { FailureKind, Outcome } from '../fallback/outcome.ts';
import type { Cluster } from '../migration/model.ts';
import { DurationHistogram } from './duration-histogram.ts';
import { LastMinute } from './last-minute.ts';
import { bucketOf, LATENCY_BUCKETS, quantile } from './latency-sketch.ts';
import type { RequestRecord } from './request-record.ts';

export const CLUSTERS: readonly Cluster[] = ['old', 'new'];
export const CODES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'aborted'] as const;
export type CodeClass = (typeof CODES)[number];
export const FAILURE_KINDS: readonly FailureKind[] = [
  'dns',
  'connect',
  'tls',
  'timeout',
  'reset',
  'invalid_response',
  'truncated',
  'status',
];

const ABORTED = 5;
const SWITCHING_PROTOCOLS = 101;

/** Columns of the service's minute. */
const REQUESTS = 0;
const ANSWERED_BY_NEW = 1;
/** Columns of a cluster's minute; its latency buckets follow. */
const ATTEMPTS = 0;
const FAILURES = 1;
const LATENCIES = 2;

/** One cluster's last minute: `errorRate` 0..1 of its attempts, quantiles in ms; null without data. */
export interface ClusterMinute {
  readonly errorRate: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

class ClusterStats {
  attempts = 0;
  failures = 0;
  readonly failuresByKind = new Float64Array(FAILURE_KINDS.length);
  readonly durations = new DurationHistogram();
  readonly minute = new LastMinute(LATENCIES + LATENCY_BUCKETS);
}

export class ServiceStats {
  /** By cluster, reason and code class. */
  readonly #requests = new Float64Array(CLUSTERS.length * REASONS.length * CODES.length);
  /** By cluster of the failed attempt and of the one that followed it. */
  readonly #retries = new Float64Array(CLUSTERS.length * CLUSTERS.length);
  readonly #clusters: readonly ClusterStats[] = [new ClusterStats(), new ClusterStats()];
  readonly #minute = new LastMinute(2);

  /** Counts one finished client request. */
  request(record: RequestRecord): void {
    const { attempts, cluster, endedMs, status } = record;
    const side = indexOf(cluster);
    const code = status === 0 ? ABORTED : Math.min(Math.max(Math.floor(status / 100) - 1, 0), ABORTED - 1);
    this.#requests[(side * REASONS.length + REASONS.indexOf(record.reason)) * CODES.length + code]++;
    for (let i = 1; i < attempts.length; i++) {
      this.#retries[indexOf(attempts[i - 1].cluster) * CLUSTERS.length + indexOf(attempts[i].cluster)]++;
    }
    // Where the client went away nobody answered, and how long that took says nothing of a cluster.
    if (status === 0) return;
    this.#minute.add(REQUESTS, endedMs);
    if (record.answered && cluster === 'new') this.#minute.add(ANSWERED_BY_NEW, endedMs);
    // A tunnel lives as long as its client likes: hours that are no latency.
    if (status === SWITCHING_PROTOCOLS) return;
    this.#clusters[side].durations.observe(Math.max(0, endedMs - record.startedMs));
  }

  /** Counts one finished attempt at a cluster. */
  attempt(outcome: Outcome): void {
    const { endedMs, failure, status } = outcome;
    const cluster = this.#clusters[indexOf(outcome.cluster)];
    cluster.attempts++;
    cluster.minute.add(ATTEMPTS, endedMs);
    if (failure !== null) {
      cluster.failures++;
      cluster.failuresByKind[FAILURE_KINDS.indexOf(failure)]++;
      cluster.minute.add(FAILURES, endedMs);
    }
    // Without an answer there is no latency: a refused connect would make a dead cluster look fast.
    if (status === 0 || status === SWITCHING_PROTOCOLS) return;
    cluster.minute.add(LATENCIES + bucketOf(endedMs - outcome.startedMs), endedMs);
  }

  /** Attempts at a cluster since start. */
  attemptsAt(cluster: Cluster): number {
    return this.#clusters[indexOf(cluster)].attempts;
  }

  /** Failed attempts at a cluster since start. */
  failuresAt(cluster: Cluster): number {
    return this.#clusters[indexOf(cluster)].failures;
  }

  durationsAt(cluster: Cluster): DurationHistogram {
    return this.#clusters[indexOf(cluster)].durations;
  }

  /** Of the client requests of the last minute that got an answer, the share (0..1) that new gave; null without any. */
  newShare(nowMs: number): number | null {
    return ratio(this.#minute.sum(ANSWERED_BY_NEW, nowMs), this.#minute.sum(REQUESTS, nowMs));
  }

  lastMinuteOf(cluster: Cluster, nowMs: number): ClusterMinute {
    const { minute } = this.#clusters[indexOf(cluster)];
    const latencies = new Float64Array(LATENCY_BUCKETS);
    minute.sumInto(latencies, LATENCIES, nowMs);
    return {
      errorRate: ratio(minute.sum(FAILURES, nowMs), minute.sum(ATTEMPTS, nowMs)),
      p50: quantile(latencies, 0.5),
      p95: quantile(latencies, 0.95),
      p99: quantile(latencies, 0.99),
    };
  }

  /** Visits every combination that has been seen at least once. */
  eachRequestCount(visit: (cluster: Cluster, reason: Reason, code: CodeClass, count: number) => void): void {
    this.#requests.forEach((count, i) => {
      if (count === 0) return;
      const pair = Math.floor(i / CODES.length);
      visit(
        CLUSTERS[Math.floor(pair / REASONS.length)],
        REASONS[pair % REASONS.length],
        CODES[i % CODES.length],
        count,
      );
    });
  }

  /** Visits every kind of failure that has been seen at least once. */
  eachFailureCount(visit: (cluster: Cluster, kind: FailureKind, count: number) => void): void {
    for (const cluster of CLUSTERS) {
      this.#clusters[indexOf(cluster)].failuresByKind.forEach((count, i) => {
        if (count > 0) visit(cluster, FAILURE_KINDS[i], count);
      });
    }
  }

  /** Visits every pair of clusters between which a request was sent again. */
  eachRetryCount(visit: (from: Cluster, to: Cluster, count: number) => void): void {
    this.#retries.forEach((count, i) => {
      if (count > 0) visit(CLUSTERS[Math.floor(i / CLUSTERS.length)], CLUSTERS[i % CLUSTERS.length], count);
    });
  }
}

function indexOf(cluster: Cluster): 0 | 1 {
  return cluster === 'old' ? 0 : 1;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : Number((part / whole).toFixed(4));
}
