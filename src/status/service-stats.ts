/**
 * The numbers of one service: what its clients got, and how each cluster did.
 * In: every finished client request, once, and every finished attempt. Out: counts since start for metrics, and rates and
 * latencies of the last minute for `/status`. A request costs a few additions to arrays and allocates nothing.
 * Refuses to know the clock (times come with the events) and what a failure means for the migration.
 */
import { REASONS, type Reason } from '../allocator/decision.ts';
import type { FailureKind, Outcome } from '../fallback/outcome.ts';
import type { Cluster } from '../migration/model.ts';
import { DURATION_BUCKETS, type DurationHistogram, durationBucket, durationHistogram } from './duration-histogram.ts';
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

/** Cells of a cluster since start; its failures by kind and durations by bucket follow. */
const ATTEMPTS = 0;
const FAILURES = 1;
const DURATION_SUM_MS = 2;
const DURATIONS = 3;
const KINDS = DURATIONS + DURATION_BUCKETS;
const CLUSTER_CELLS = KINDS + FAILURE_KINDS.length;
/** Then requests by cluster, reason and code class, and retries by cluster of the failed attempt and of the one that followed it. */
const REQUESTS = CLUSTERS.length * CLUSTER_CELLS;
const REQUEST_CELLS = CLUSTERS.length * REASONS.length * CODES.length;
const RETRIES = REQUESTS + REQUEST_CELLS;
const CELLS = RETRIES + CLUSTERS.length * CLUSTERS.length;

/** Columns of the last minute: those of the service, then those of each cluster, which end with its latency buckets. */
const RECENT = 0;
const RECENT_BY_NEW = 1;
const OF_CLUSTERS = 2;
const RECENT_ATTEMPTS = 0;
const RECENT_FAILURES = 1;
const LATENCIES = 2;
const CLUSTER_COLUMNS = LATENCIES + LATENCY_BUCKETS;
const COLUMNS = OF_CLUSTERS + CLUSTERS.length * CLUSTER_COLUMNS;

/** One cluster's last minute: `errorRate` 0..1 of its attempts, quantiles in ms; null without data. */
export interface ClusterMinute {
  readonly errorRate: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/**
 * One array since start, one for the minute: among thousands of services a request finds nothing of its own in the processor's
 * caches, and each array more that it touches is two or three waits for memory.
 */
export class ServiceStats {
  readonly #cells = new Float64Array(CELLS);
  readonly #minute = new LastMinute(COLUMNS);

  /** Counts one finished client request. */
  request(record: RequestRecord): void {
    const { attempts, cluster, endedMs, status } = record;
    const side = indexOf(cluster);
    const code = status === 0 ? ABORTED : Math.min(Math.max(Math.floor(status / 100) - 1, 0), ABORTED - 1);
    const cells = this.#cells;
    cells[REQUESTS + (side * REASONS.length + REASONS.indexOf(record.reason)) * CODES.length + code]++;
    for (let i = 1; i < attempts.length; i++) {
      cells[RETRIES + indexOf(attempts[i - 1].cluster) * CLUSTERS.length + indexOf(attempts[i].cluster)]++;
    }
    // Where the client went away nobody answered, and how long that took says nothing of a cluster.
    if (status === 0) return;
    this.#minute.add(RECENT, endedMs);
    if (record.answered && cluster === 'new') this.#minute.add(RECENT_BY_NEW, endedMs);
    // A tunnel lives as long as its client likes: hours that are no latency.
    if (status === SWITCHING_PROTOCOLS) return;
    const durationMs = Math.max(0, endedMs - record.startedMs);
    const of = side * CLUSTER_CELLS;
    cells[of + DURATIONS + durationBucket(durationMs)]++;
    cells[of + DURATION_SUM_MS] += durationMs;
  }

  /** Counts one finished attempt at a cluster. */
  attempt(outcome: Outcome): void {
    const { endedMs, failure, status } = outcome;
    const cluster = indexOf(outcome.cluster);
    const [cells, of] = [this.#cells, cluster * CLUSTER_CELLS];
    const [minute, recent] = [this.#minute, OF_CLUSTERS + cluster * CLUSTER_COLUMNS];
    cells[of + ATTEMPTS]++;
    minute.add(recent + RECENT_ATTEMPTS, endedMs);
    if (failure !== null) {
      cells[of + FAILURES]++;
      cells[of + KINDS + FAILURE_KINDS.indexOf(failure)]++;
      minute.add(recent + RECENT_FAILURES, endedMs);
    }
    // Without an answer there is no latency: a refused connect would make a dead cluster look fast.
    if (status === 0 || status === SWITCHING_PROTOCOLS) return;
    minute.add(recent + LATENCIES + bucketOf(endedMs - outcome.startedMs), endedMs);
  }

  /** Attempts at a cluster since start. */
  attemptsAt(cluster: Cluster): number {
    return this.#cells[cellsOf(cluster) + ATTEMPTS];
  }

  /** Failed attempts at a cluster since start. */
  failuresAt(cluster: Cluster): number {
    return this.#cells[cellsOf(cluster) + FAILURES];
  }

  durationsAt(cluster: Cluster): DurationHistogram {
    const of = cellsOf(cluster);
    const counts = this.#cells.subarray(of + DURATIONS, of + DURATIONS + DURATION_BUCKETS);
    return durationHistogram(counts, this.#cells[of + DURATION_SUM_MS]);
  }

  /** Of the client requests of the last minute that got an answer, the share (0..1) that new gave; null without any. */
  newShare(nowMs: number): number | null {
    return ratio(this.#minute.sum(RECENT_BY_NEW, nowMs), this.#minute.sum(RECENT, nowMs));
  }

  lastMinuteOf(cluster: Cluster, nowMs: number): ClusterMinute {
    const minute = this.#minute;
    const recent = OF_CLUSTERS + indexOf(cluster) * CLUSTER_COLUMNS;
    const latencies = new Float64Array(LATENCY_BUCKETS);
    minute.sumInto(latencies, recent + LATENCIES, nowMs);
    return {
      errorRate: ratio(minute.sum(recent + RECENT_FAILURES, nowMs), minute.sum(recent + RECENT_ATTEMPTS, nowMs)),
      p50: quantile(latencies, 0.5),
      p95: quantile(latencies, 0.95),
      p99: quantile(latencies, 0.99),
    };
  }

  /** Visits every combination that has been seen at least once. */
  eachRequestCount(visit: (cluster: Cluster, reason: Reason, code: CodeClass, count: number) => void): void {
    this.#cells.subarray(REQUESTS, RETRIES).forEach((count, i) => {
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
      for (const [i, kind] of FAILURE_KINDS.entries()) {
        const count = this.#cells[cellsOf(cluster) + KINDS + i];
        if (count > 0) visit(cluster, kind, count);
      }
    }
  }

  /** Visits every pair of clusters between which a request was sent again. */
  eachRetryCount(visit: (from: Cluster, to: Cluster, count: number) => void): void {
    this.#cells.subarray(RETRIES).forEach((count, i) => {
      if (count > 0) visit(CLUSTERS[Math.floor(i / CLUSTERS.length)], CLUSTERS[i % CLUSTERS.length], count);
    });
  }
}

function indexOf(cluster: Cluster): 0 | 1 {
  return cluster === 'old' ? 0 : 1;
}

/** Where its cells begin. */
function cellsOf(cluster: Cluster): number {
  return indexOf(cluster) * CLUSTER_CELLS;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : Number((part / whole).toFixed(4));
}
