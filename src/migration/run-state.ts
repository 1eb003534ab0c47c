/**
 * What the fallback tells the data plane about one service: how much of new's traffic may go to new just now.
 * Plain data; replaced a service at a time, beside the routing table and without touching it.
 */
export type RunStateName = 'steady' | 'fallen_back' | 'probing';

export interface RunState {
  readonly state: RunStateName;
  /** When this state began, epoch ms; outcomes of attempts begun before it do not count. */
  readonly sinceMs: number;
  /** Basis points of the requests that the rules may still send to new: 10000 steady, 0 fallen back. */
  readonly admitBp: number;
  /** `one`: the first probing step, one request in flight at a time. `share`: admitBp decides. */
  readonly admission: 'share' | 'one';
  /** In the `one` step: only requests that may be sent again, or (after a quiet failure_window) all. */
  readonly methods: 'replayable' | 'all';
}

export const STEADY: RunState = Object.freeze({
  state: 'steady',
  sinceMs: 0,
  admitBp: 10_000,
  admission: 'share',
  methods: 'all',
});
