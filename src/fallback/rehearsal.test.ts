/**
 * A service's fallback played through in tests: short words for events, times in seconds from the start of the play.
 */
import type { FallbackPolicy } from '../migration/model.ts';
import type { RunState } from '../migration/run-state.ts';
import type { FailureKind } from './outcome.ts';
import { type FallbackState, initialState } from './state.ts';
import { type FallbackEvent, nextDueMs, step } from './step.ts';
import { type FallbackView, runStateOf, viewOf } from './view.ts';

export const POLICY: FallbackPolicy = {
  enabled: true,
  maxFailures: 5,
  failureWindowMs: 60_000,
  recoveryTimeMs: 300_000,
  maxFailureRate: 0.5,
  minRequests: 20,
  failureStatuses: [502, 503, 504],
};

export const START_MS = 1_750_000_000_000;

/** What an attempt came to: a status, or a failure's kind. */
export type Came = number | FailureKind;

export class Rehearsal {
  state: FallbackState;
  policy: FallbackPolicy;
  random: number;

  constructor(policy: Partial<FallbackPolicy> = {}, random = 0) {
    this.policy = { ...POLICY, ...policy };
    this.random = random;
    this.state = initialState(this.policy, 'pod-a', START_MS, null);
  }

  at(seconds: number, event: FallbackEvent): this {
    this.state = step(this.state, event, this.policy, START_MS + seconds * 1000, () => this.random);
    return this;
  }

  /** An attempt at new that ended at `seconds`; `began` defaults to the same moment. */
  fresh(seconds: number, came: Came, began = seconds): this {
    return this.#attempt('new', seconds, came, began);
  }

  old(seconds: number, came: Came): this {
    return this.#attempt('old', seconds, came, seconds);
  }

  check(seconds: number, cluster: 'old' | 'new', error: string | null = null): this {
    return this.at(seconds, { kind: 'check', cluster, error });
  }

  tick(seconds: number): this {
    return this.at(seconds, { kind: 'tick' });
  }

  /** Falls back by five refused connections at `seconds`. */
  trip(seconds: number): this {
    for (let i = 0; i < this.policy.maxFailures; i++) this.fresh(seconds, 'connect');
    return this;
  }

  view(seconds: number): FallbackView {
    return viewOf(this.state, this.policy, START_MS + seconds * 1000);
  }

  get run(): RunState {
    return runStateOf(this.state);
  }

  get kind(): string {
    return this.state.phase.kind;
  }

  get share(): number | null {
    return this.view(0).probeShare;
  }

  /** Seconds from the start; Infinity: nothing to wait for. */
  due(seconds: number): number {
    return (nextDueMs(this.state, this.policy, START_MS + seconds * 1000) - START_MS) / 1000;
  }

  #attempt(cluster: 'old' | 'new', seconds: number, came: Came, began: number): this {
    const failure = typeof came === 'number' ? null : came;
    const outcome = {
      service: 'a',
      cluster,
      startedMs: START_MS + began * 1000,
      endedMs: START_MS + seconds * 1000,
      status: typeof came === 'number' ? came : 0,
      failure,
      message: failure === 'connect' ? 'connect ECONNREFUSED 10.0.0.1:80' : '',
      probe: this.run.admission === 'one',
    };
    return this.at(seconds, { kind: 'outcome', outcome });
  }
}
