import { expect } from 'chai';
import { KubeFailure, type KubeFailureKind } from './api.ts';
import { type AttemptEnd, afterEnd } from './reflector-policy.ts';

const failure = (kind: KubeFailureKind, retryAfterMs?: number) =>
  new KubeFailure(kind, kind, retryAfterMs === undefined ? {} : { retryAfterMs });

function nextOf(end: Partial<AttemptEnd>) {
  return afterEnd({
    failure: null,
    tookMs: 0,
    livedMs: 0,
    failures: 0,
    listedMsAgo: 1_000,
    relistMs: 300_000,
    random: 0.999,
    ...end,
  });
}

describe('what follows the end of a list or a watch', () => {
  it('goes on from where a watch ended, at once, and lists every so often', () => {
    expect(nextOf({ livedMs: 30_000, failures: 3 })).to.deep.equal({ begin: 'watch', delayMs: 0, failures: 0 });
    expect(nextOf({ livedMs: 30_000, listedMsAgo: 300_000 })).to.deep.equal({ begin: 'list', delayMs: 0, failures: 0 });
  });

  it('does not spin with a server that ends each watch at once', () => {
    const once = nextOf({ livedMs: 5 });
    expect(once.failures).to.equal(1);
    expect(once.delayMs).to.be.greaterThan(100);
    const often = nextOf({ livedMs: 5, tookMs: 5, failures: 9 });
    expect(often.delayMs).to.be.greaterThan(3_000);
  });

  it('waits longer after each failure, half to all of it by chance, never longer than 4 s', () => {
    const delays = [0, 1, 2, 3, 4, 5, 20].map((failures) =>
      [0, 0.5, 0.9999].map((random) =>
        Math.round(nextOf({ failure: failure('unreachable'), failures, random }).delayMs),
      ),
    );
    expect(delays).to.deep.equal([
      [100, 150, 200],
      [200, 300, 400],
      [400, 600, 800],
      [800, 1200, 1600],
      [1600, 2400, 3200],
      [2000, 3000, 4000],
      [2000, 3000, 4000],
    ]);
  });

  it('counts the time that an attempt hung as waited', () => {
    expect(nextOf({ failure: failure('unreachable'), failures: 9, tookMs: 3_000 }).delayMs).to.be.within(990, 1_000);
    expect(nextOf({ failure: failure('timeout'), failures: 9, tookMs: 10_000 }).delayMs).to.equal(0);
  });

  it('begins anew with waiting after an attempt that lived', () => {
    expect(nextOf({ failure: failure('unreachable'), livedMs: 60_000, failures: 9 }).failures).to.equal(1);
    expect(nextOf({ failure: failure('unreachable'), livedMs: 100, failures: 9 }).failures).to.equal(10);
  });

  it('lists at once when the version is too old, but not again and again', () => {
    expect(nextOf({ failure: failure('gone') })).to.deep.equal({ begin: 'list', delayMs: 0, failures: 1 });
    expect(nextOf({ failure: failure('gone'), failures: 1 }).delayMs).to.be.greaterThan(200);
  });

  it('lists after every failure: what was missed meanwhile is nobody’s to tell', () => {
    const kinds = ['unreachable', 'timeout', 'unauthorized', 'forbidden', 'throttled', 'server', 'gone'] as const;
    for (const kind of kinds) expect(nextOf({ failure: failure(kind), livedMs: 60_000 }).begin, kind).to.equal('list');
  });

  it('comes again when the server says, within reason', () => {
    expect(nextOf({ failure: failure('throttled', 7_000) }).delayMs).to.equal(7_000);
    expect(nextOf({ failure: failure('throttled', 900_000) }).delayMs).to.equal(30_000);
  });
});
