import { expect } from 'chai';
import fc from 'fast-check';
import { POLICY, Rehearsal, START_MS } from './rehearsal.test.ts';
import { initialState } from './state.ts';
import type { FallbackEvent } from './step.ts';
import { fromStored, toStored } from './stored.ts';

const policies = fc.record({
  enabled: fc.constant(true),
  maxFailures: fc.integer({ min: 1, max: 12 }),
  failureWindowMs: fc.integer({ min: 100, max: 120_000 }),
  recoveryTimeMs: fc.integer({ min: 100, max: 600_000 }),
  maxFailureRate: fc.constantFrom(0, 0.1, 0.5, 1),
  minRequests: fc.integer({ min: 1, max: 40 }),
  failureStatuses: fc.constant([502, 503, 504]),
});

const came = fc.constantFrom(200, 200, 200, 404, 500, 503, 'reset', 'connect', 'timeout') as fc.Arbitrary<
  200 | 'reset'
>;
const events = fc.array(
  fc.tuple(
    fc.double({ min: 0, max: 200, noNaN: true }),
    fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('fresh' as const), came, lag: fc.nat(5) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('old' as const), came }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('check' as const),
          cluster: fc.constantFrom('old' as const, 'new' as const),
          error: fc.constantFrom(null, 'refused'),
        }),
      },
      { weight: 2, arbitrary: fc.constant({ kind: 'tick' as const }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('abort' as const, 'resume' as const).map((kind) => ({ kind, by: 'x', reason: '' })),
      },
    ),
  ),
  { maxLength: 150 },
);
type Played = (typeof events extends fc.Arbitrary<infer T> ? T : never)[number][1];

function play(rehearsal: Rehearsal, at: number, event: Played): void {
  if (event.kind === 'fresh') rehearsal.fresh(at, event.came, at - event.lag);
  else if (event.kind === 'old') rehearsal.old(at, event.came);
  else rehearsal.at(at, event as FallbackEvent);
}

function playAfter(rehearsal: Rehearsal, at: number, gap: number, event: Played): number {
  play(rehearsal, at + gap, event);
  return at + gap;
}

describe('fallback: properties', () => {
  it('a row trips at exactly max_failures', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 30 }), (policy, successes) => {
        const rehearsal = new Rehearsal({ ...policy, maxFailureRate: 0 });
        for (let i = 0; i < successes; i++) rehearsal.fresh(0, 200);
        for (let i = 1; i <= policy.maxFailures; i++) {
          expect(rehearsal.kind).to.equal('steady');
          rehearsal.fresh(0.01, 'reset');
        }
        expect(rehearsal.kind).to.equal('fallen_back');
      }),
    );
  });

  it('while probing the share only grows; a smaller one comes only with a trip or a hold', () => {
    fc.assert(
      fc.property(policies, events, (policy, story) => {
        const rehearsal = new Rehearsal(policy).trip(0);
        let at = 0;
        for (const [gap, event] of story) {
          at += gap;
          const before = rehearsal.run;
          play(rehearsal, at, event);
          const after = rehearsal.run;
          if (after.admitBp < before.admitBp) {
            expect(after.state === 'fallen_back' || before.state !== 'probing').to.equal(true);
          }
          if (before.state === 'fallen_back' && event.kind !== 'resume') {
            expect(after.state, 'never straight back').to.not.equal('steady');
          }
          expect(rehearsal.view(at).failuresInRow).to.be.at.most(policy.maxFailures);
        }
      }),
    );
  });

  it('no state lasts for ever once everything succeeds, however it came about', () => {
    fc.assert(
      fc.property(policies, events, fc.boolean(), (policy, story, restarted) => {
        const rehearsal = new Rehearsal(policy, 0.5);
        let at = 0;
        for (const [gap, event] of story) at = playAfter(rehearsal, at, gap, event);
        if (rehearsal.view(at).hold !== null) rehearsal.at(at, { kind: 'resume', by: 'x', reason: '' });
        if (restarted) {
          const nowMs = START_MS + at * 1000;
          const json = JSON.parse(JSON.stringify(toStored(rehearsal.state)));
          rehearsal.state = initialState(policy, 'pod-b', nowMs, json === null ? null : fromStored(json, nowMs));
        }
        // Longest wait, then five steps, each at most a window or 10 s.
        const endSeconds = at + (policy.recoveryTimeMs * 11 + 5 * (policy.failureWindowMs + 10_000) + 60_000) / 1000;
        const stride = (endSeconds - at) / 2000;
        while (at < endSeconds && rehearsal.kind !== 'steady') {
          at += stride;
          rehearsal.check(at, 'old').check(at, 'new').tick(at);
          if (rehearsal.kind !== 'fallen_back') rehearsal.fresh(at, 200);
        }
        expect(rehearsal.kind).to.equal('steady');
      }),
    );
  });

  it('a tick is asked for only when it is due, and never twice for nothing', () => {
    fc.assert(
      fc.property(policies, events, (policy, story) => {
        const rehearsal = new Rehearsal(policy);
        let at = 0;
        for (const [gap, event] of story) {
          at += gap;
          play(rehearsal, at, event);
          const due = rehearsal.due(at);
          if (due === Infinity || due > at) continue;
          const before = rehearsal.state;
          rehearsal.tick(at);
          expect(rehearsal.state === before, 'due, but nothing happened').to.equal(false);
        }
      }),
    );
  });

  it('what is stored reads back to the same stored form', () => {
    fc.assert(
      fc.property(events, (story) => {
        const rehearsal = new Rehearsal();
        let at = 0;
        for (const [gap, event] of story) at = playAfter(rehearsal, at, gap, event);
        const stored = toStored(rehearsal.state);
        if (stored === null || stored.state === 'probing') return;
        const nowMs = START_MS + at * 1000 + 1;
        const again = initialState(POLICY, 'pod-b', nowMs, fromStored(JSON.parse(JSON.stringify(stored)), nowMs));
        expect(toStored(again)).to.deep.equal(stored);
      }),
    );
  });
});
