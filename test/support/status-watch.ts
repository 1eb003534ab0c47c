/**
 * Somebody who looks at `/status` all the time and believes what it says: one service, polled, in; the states it went
 * through, and every contradiction between two looks, out. Refuses to know why a state was entered.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterReport, ServiceReport } from '../../src/status/report.ts';
import type { RunningProxy } from './running-proxy.ts';

export interface Look {
  readonly service: ServiceReport;
  /** When the answer was there, epoch ms. */
  readonly atMs: number;
  /** Requests that had reached new when the answer was there. */
  readonly arrivedAtNew: number;
}

/** Much less than any wait or step of probing takes, so that no state is missed. */
const EVERY_MS = 20;

const NEXT: Readonly<Record<ServiceReport['state'], readonly ServiceReport['state'][]>> = {
  steady: ['fallen_back'],
  fallen_back: ['probing'],
  probing: ['fallen_back', 'steady'],
};

export class StatusWatch {
  readonly looks: Look[] = [];
  readonly #watching: Promise<void>;
  #stopped = false;

  constructor(proxy: RunningProxy, name: string, arrivedAtNew: () => number) {
    this.#watching = this.#watch(async () => {
      const service = await proxy.service(name);
      this.looks.push({ service, atMs: Date.now(), arrivedAtNew: arrivedAtNew() });
    });
    this.#watching.catch(() => {});
  }

  /** Rejects when the status could not be had at any time. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  /** The states in the order in which they were entered, each stay once. */
  get states(): readonly ServiceReport['state'][] {
    const states = this.looks.map(({ service }) => service.state);
    return states.filter((state, at) => at === 0 || state !== states[at - 1]);
  }

  /** Why it left new, once for each trip. */
  get tripReasons(): readonly string[] {
    const trips = this.looks.map(({ service }) => service).filter(({ state }) => state === 'fallen_back');
    return trips
      .filter(({ state_since: since }, at) => since !== trips[at - 1]?.state_since)
      .map(({ state_reason: reason }) => reason ?? '');
  }

  /** Every contradiction, in words. */
  get lies(): readonly string[] {
    return this.looks.flatMap((look, at) => {
      const before = at === 0 ? null : this.looks[at - 1];
      const lies = [...inOneLook(look.service), ...(before === null ? [] : betweenLooks(before.service, look.service))];
      // Requests that were on their way at the trip keep their cluster: they arrive before the second look.
      const isSettled = at >= 2 && this.looks[at - 2].service.state_since === look.service.state_since;
      const arrived = look.arrivedAtNew - (before?.arrivedAtNew ?? 0);
      if (isSettled && look.service.state === 'fallen_back' && arrived > 0) {
        lies.push(`fallen back, and ${arrived} requests reached new`);
      }
      return lies.map((lie) => `look ${at}: ${lie}`);
    });
  }

  async #watch(look: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      await look();
      await pause(EVERY_MS);
    }
    await look();
  }
}

function inOneLook(service: ServiceReport): string[] {
  const { state, state_reason: reason, retry_at: retryAt, probe_share: share, failures_in_row: inRow } = service;
  const lies: string[] = [];
  const waits = state === 'fallen_back' && service.hold === null;
  if ((retryAt !== null) !== waits) lies.push(`${state} with retry_at ${retryAt}`);
  if (retryAt !== null && retryAt <= service.state_since) lies.push(`retry_at ${retryAt} is before the trip`);
  if ((share !== null) !== (state === 'probing')) lies.push(`${state} with probe_share ${share}`);
  if (state !== 'steady' && !reason) lies.push(`${state} without a reason`);
  if (inRow >= service.max_failures) lies.push(`${state} after ${inRow} failures in a row of ${service.max_failures}`);
  for (const [name, { requests, failures }] of [['old', service.old] as const, ['new', service.new] as const]) {
    if (failures > requests) lies.push(`${name}: ${failures} failures of ${requests} requests`);
  }
  return lies;
}

function betweenLooks(before: ServiceReport, now: ServiceReport): string[] {
  const lies: string[] = [...shrunk('old', before.old, now.old), ...shrunk('new', before.new, now.new)];
  const isSamePhase = before.state_since === now.state_since;
  if (now.state_since < before.state_since) lies.push(`since ${now.state_since}, before that ${before.state_since}`);
  if (isSamePhase && before.state !== now.state) lies.push(`${before.state} and ${now.state} since the same moment`);
  if (isSamePhase && before.state_reason !== now.state_reason) lies.push(`another reason: ${now.state_reason}`);
  if (before.state !== now.state && !NEXT[before.state].includes(now.state)) lies.push(`${before.state}, ${now.state}`);
  if (before.state === 'probing' && now.state === 'probing' && (now.probe_share ?? 0) < (before.probe_share ?? 0)) {
    lies.push(`probing went back from ${before.probe_share} to ${now.probe_share}`);
  }
  // Also from one wait to the next: a probe that fails at once is over between two looks.
  const hasTripped = now.state === 'fallen_back' && !isSamePhase;
  const isForgotten = now.state === 'steady' && now.trips === 0;
  if (now.trips !== before.trips + (hasTripped ? 1 : 0) && !isForgotten)
    lies.push(`${before.trips}, ${now.trips} trips`);
  return lies;
}

function shrunk(name: string, before: ClusterReport, now: ClusterReport): string[] {
  const grew = now.requests >= before.requests && now.failures >= before.failures;
  return grew ? [] : [`${name}: counts went back from ${before.requests} to ${now.requests}`];
}
