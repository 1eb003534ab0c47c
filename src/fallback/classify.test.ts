import { expect } from 'chai';
import { classify, type Verdict } from './classify.ts';
import type { FailureKind } from './outcome.ts';

const STATUSES = [502, 503, 504];

describe('fallback/classify', () => {
  const rows: readonly ['old' | 'new', number, FailureKind | null, Verdict][] = [
    ['new', 200, null, 'success'],
    ['new', 101, null, 'success'],
    ['new', 404, null, 'success'],
    ['new', 499, null, 'success'],
    ['new', 500, null, 'soft'],
    ['new', 501, null, 'soft'],
    ['new', 503, null, 'failure'],
    ['new', 503, 'status', 'failure'],
    ['new', 200, 'truncated', 'failure'],
    ['new', 0, 'connect', 'failure'],
    ['old', 500, null, 'soft'],
    ['old', 503, null, 'success'],
    ['old', 0, 'timeout', 'failure'],
  ];
  for (const [cluster, status, failure, expected] of rows) {
    it(`${cluster} ${status} ${failure ?? 'answered'}: ${expected}`, () => {
      const outcome = { service: 'a', cluster, startedMs: 0, endedMs: 1, status, failure, message: '', probe: false };
      expect(classify(outcome, STATUSES)).to.equal(expected);
    });
  }

  it('a failing status may be any: 429 where the service says so', () => {
    const outcome = { service: 'a', cluster: 'new', startedMs: 0, endedMs: 1, status: 429, failure: null } as const;
    expect(classify({ ...outcome, message: '', probe: false }, [429])).to.equal('failure');
  });
});
