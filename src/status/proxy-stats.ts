/**
 * The numbers of all served services, and of the requests that no service took.
 * In: what a data plane reports. Out: the statistics of a service by name. Holds exactly the services it was told to hold:
 * an event of one that is gone meanwhile is dropped, so that nothing a client sends can make this grow.
 */
import type { Outcome } from '../fallback/outcome.ts';
import type { RequestRecord } from './request-record.ts';
import { ServiceStats } from './service-stats.ts';

export class ProxyStats {
  #services = new Map<string, ServiceStats>();
  readonly #refused = new Map<string, number>();

  /** From now on these services are served; one that stays keeps its numbers, one that comes back begins at zero. */
  hold(names: Iterable<string>): void {
    const held = new Map<string, ServiceStats>();
    for (const name of names) held.set(name, this.#services.get(name) ?? new ServiceStats());
    this.#services = held;
  }

  request(record: RequestRecord): void {
    this.#services.get(record.service)?.request(record);
  }

  attempt(outcome: Outcome): void {
    this.#services.get(outcome.service)?.attempt(outcome);
  }

  /** `code`: the stable error code of our answer, one of a fixed few. */
  refused(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  /** Throws for a service that is not held: a mistake of the caller, not of a user. */
  of(name: string): ServiceStats {
    const stats = this.#services.get(name);
    if (stats === undefined) throw new Error(`no statistics are held for service ${JSON.stringify(name)}`);
    return stats;
  }

  /** Refused requests since start, by error code. */
  refusals(): ReadonlyMap<string, number> {
    return this.#refused;
  }
}
