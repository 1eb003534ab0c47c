/**
 * Who hears of what the data plane sees: the fallback judges, the statistics count, the access log writes, warnings remember.
 * In: events of the hot path. It hands each on and keeps nothing.
 */
import type { Outcome } from '../fallback/outcome.ts';
import type { DataPlaneObserver } from '../status/data-plane.ts';
import type { ProxyStats } from '../status/proxy-stats.ts';
import type { RequestRecord } from '../status/request-record.ts';
import type { FallbackBoard } from './fallback-board.ts';
import type { ForwarderWarnings } from './forwarder-warnings.ts';
import type { Log } from './log.ts';

export interface ObserverParts {
  readonly board: Pick<FallbackBoard, 'outcome' | 'requested'>;
  readonly stats: ProxyStats;
  readonly accessLog: { request(record: RequestRecord): void };
  readonly warnings: ForwarderWarnings;
  readonly log: Log;
}

export class PlaneObserver implements DataPlaneObserver {
  readonly #parts: ObserverParts;

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  attempt(outcome: Outcome): void {
    // Counted first: a trip that it causes may be read in the status at once.
    this.#parts.stats.attempt(outcome);
    this.#parts.board.outcome(outcome);
  }

  request(record: RequestRecord): void {
    this.#parts.stats.request(record);
    this.#parts.accessLog.request(record);
    if (record.reason === 'fallback') this.#parts.board.requested(record.service);
  }

  refused(code: string): void {
    this.#parts.stats.refused(code);
  }

  untrustedForwarder(service: string, address: string): void {
    const warning = this.#parts.warnings.add(service, address);
    if (warning !== null) this.#parts.log.warn({ service, code: 'untrusted_forwarder' }, warning);
  }
}
