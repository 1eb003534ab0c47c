/**
 * An AdminBackend made of plain values, for tests of the admin server: it serves the services `shop` (steady, 20 %) and
 * `cart`, remembers every write it is asked for, and answers the next ones with whatever a test sets.
 */
import type { AdminBackend, EditWish, ExplainRequest, ReplicaSeen, WriteResult } from '../../src/admin/backend.ts';
import { createMetrics } from '../../src/admin/metrics.ts';
import { buildStatus } from '../../src/status/build-status.ts';
import type { HistoryEntry } from '../../src/status/history-entries.ts';
import { ServiceStats } from '../../src/status/service-stats.ts';
import {
  SAMPLE_TIME_MS,
  sampleEntry,
  sampleFallback,
  sampleMigration,
  sampleOutcome,
  sampleRecord,
} from './status-samples.ts';

export class PlainBackend implements AdminBackend {
  waitsFor: string | null = null;
  /** Answer of the next writes; an Error is thrown. */
  result: WriteResult | Error = { ok: true, pending: false, message: 'done' };
  readonly writes: (readonly unknown[])[] = [];
  readonly explained: ExplainRequest[] = [];
  known: readonly ReplicaSeen[] = [];
  readonly #percentages = new Map([
    ['shop', 20],
    ['cart', 0],
  ]);
  readonly #stats = new Map([...this.#percentages.keys()].map((name) => [name, new ServiceStats()]));

  constructor() {
    for (const stats of this.#stats.values()) {
      stats.request(sampleRecord());
      stats.attempt(sampleOutcome());
    }
  }

  readonly metrics = createMetrics(() => ({
    generation: 7,
    configErrors: 0,
    lastSuccessMs: SAMPLE_TIME_MS,
    connections: { client: 1, old: 0, new: 1 },
    nginx: null,
    cluster: null,
    refusals: new Map([['no_such_host', 1]]),
    services: Array.from(this.#percentages, ([name, percentage]) => {
      return { name, percentage, state: 'steady' as const, fallbacks: 0, stats: this.#stats.get(name)! };
    }),
  }));

  status() {
    return buildStatus({
      version: '0.1.0',
      nginx: null,
      cluster: null,
      replica: 'pod-a',
      ready: this.waitsFor === null,
      generation: 7,
      configHash: '3f9c',
      startedMs: SAMPLE_TIME_MS,
      nowMs: SAMPLE_TIME_MS,
      config: { source: 'file:migration.yaml', loadedFrom: 'source', loadedMs: SAMPLE_TIME_MS, errors: [] },
      warnings: [],
      services: Array.from(this.#percentages, ([name, percentage]) => ({
        served: { migration: sampleMigration({ name, shareBp: percentage * 100 }), standing: 'valid' as const },
        source: 'file:migration.yaml',
        fallback: sampleFallback(),
        stats: this.#stats.get(name)!,
        changed: null,
      })),
    });
  }

  service(name: string) {
    return this.status().services.find((service) => service.name === name) ?? null;
  }

  overview() {
    const services = this.status().services.map(({ state, stale, invalid, hold }) => {
      return { state, stale, invalid, held: hold !== null };
    });
    return { generation: 7, configErrors: 0, services };
  }

  notReady(): string | null {
    return this.waitsFor;
  }

  async setPercentage(name: string, percentage: number, { who, reason, scope, mode }: EditWish): Promise<WriteResult> {
    const unusual = scope === 'own' && mode === 'write' ? [] : [scope, mode];
    const result = this.#write(name, 'percentage', name, percentage, who, reason, ...unusual);
    if (result.ok && mode === 'write') this.#percentages.set(name, percentage);
    return result;
  }

  async abort(name: string, who: string, reason: string): Promise<WriteResult> {
    return this.#write(name, 'abort', name, who, reason);
  }

  async resume(name: string, who: string, reason: string): Promise<WriteResult> {
    return this.#write(name, 'resume', name, who, reason);
  }

  async history(): Promise<readonly HistoryEntry[]> {
    return [
      sampleEntry(),
      sampleEntry({ id: '2b', service: 'cart', kind: 'rejected', from: null, to: null, by: 'kubectl-edit' }),
      sampleEntry({ id: '3c', kind: 'fallen_back', from: 'steady', to: 'fallen_back', by: 'pod-a' }),
    ];
  }

  explain(name: string, request: ExplainRequest): unknown {
    if (!this.#percentages.has(name)) return null;
    this.explained.push(request);
    return { service: name, cluster: 'old', reason: 'weight' };
  }

  replicas(): readonly ReplicaSeen[] {
    return this.known;
  }

  #write(name: string, ...call: readonly unknown[]): WriteResult {
    this.writes.push(call);
    if (this.result instanceof Error) throw this.result;
    if (!this.#percentages.has(name)) return { ok: false, code: 'no_such_service', message: 'gone' };
    return this.result;
  }
}
