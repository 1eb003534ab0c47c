import { expect } from 'chai';
import { SAMPLE_TIME_MS as NOW, sampleOutcome, sampleRecord } from '../../test/support/status-samples.ts';
import { ProxyStats } from './proxy-stats.ts';
import type { AttemptNote } from './request-record.ts';
import { ServiceStats } from './service-stats.ts';

const failed: AttemptNote = { cluster: 'new', failure: 'connect', message: 'connect ECONNREFUSED', durationMs: 1 };
const saved: AttemptNote = { cluster: 'old', failure: null, message: '', durationMs: 2 };

describe('the numbers of a service', () => {
  it('count each client request once, under the cluster that answered, its reason and its code', () => {
    const stats = new ServiceStats();
    stats.request(sampleRecord());
    stats.request(sampleRecord({ status: 404 }));
    stats.request(sampleRecord({ cluster: 'old', reason: 'header', attempts: [failed, saved] }));
    stats.request(sampleRecord({ status: 0, answered: false, reason: 'default' }));
    stats.request(sampleRecord({ status: 999, reason: 'invalid', cluster: 'old' }));
    const seen: string[] = [];
    stats.eachRequestCount((...row) => seen.push(row.join(' ')));
    expect(seen).to.have.members([
      'new weight 2xx 1',
      'new weight 4xx 1',
      'old header 2xx 1',
      'new default aborted 1',
      'old invalid 5xx 1',
    ]);
  });

  it('count a retry for each further attempt, by where it came from and went', () => {
    const stats = new ServiceStats();
    stats.request(sampleRecord({ cluster: 'old', attempts: [failed, failed, saved] }));
    const seen: string[] = [];
    stats.eachRetryCount((...row) => seen.push(row.join(' ')));
    expect(seen).to.have.members(['new new 1', 'new old 1']);
  });

  it('know the share of new: lost requests count, those the client gave up do not', () => {
    const stats = new ServiceStats();
    expect(stats.newShare(NOW)).to.equal(null);
    stats.request(sampleRecord());
    stats.request(sampleRecord({ cluster: 'old' }));
    stats.request(sampleRecord({ status: 502, answered: false }));
    stats.request(sampleRecord({ status: 0, answered: false }));
    expect(stats.newShare(NOW)).to.equal(0.3333);
    expect(stats.newShare(NOW + 60_000)).to.equal(null);
  });

  it('take rates and latencies of a cluster from its attempts', () => {
    const stats = new ServiceStats();
    for (let i = 0; i < 99; i++) stats.attempt(sampleOutcome({ startedMs: NOW - 10 }));
    stats.attempt(sampleOutcome({ status: 0, failure: 'timeout', startedMs: NOW - 30_000 }));
    const minute = stats.lastMinuteOf('new', NOW);
    expect(minute.errorRate).to.equal(0.01);
    expect(minute.p50).to.be.closeTo(10, 0.5);
    expect(minute.p99).to.be.closeTo(10, 0.5);
    expect([stats.attemptsAt('new'), stats.failuresAt('new')]).to.deep.equal([100, 1]);
    expect(stats.lastMinuteOf('old', NOW)).to.deep.equal({ errorRate: null, p50: null, p95: null, p99: null });
    const kinds: string[] = [];
    stats.eachFailureCount((...row) => kinds.push(row.join(' ')));
    expect(kinds).to.deep.equal(['new timeout 1']);
  });

  it('keep tunnels and aborted requests out of the latencies', () => {
    const stats = new ServiceStats();
    stats.request(sampleRecord({ status: 101, startedMs: NOW - 3_600_000 }));
    stats.request(sampleRecord({ status: 0, answered: false }));
    stats.attempt(sampleOutcome({ status: 101 }));
    expect(stats.durationsAt('new').cumulative.at(-1)).to.equal(0);
    expect(stats.lastMinuteOf('new', NOW).p50).to.equal(null);
  });

  it('put a duration into the bucket whose upper bound it does not exceed', () => {
    const stats = new ServiceStats();
    for (const ms of [1, 2.6, 31_000]) stats.request(sampleRecord({ startedMs: NOW - ms }));
    expect(stats.durationsAt('new').cumulative).to.deep.equal([1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
    expect(stats.durationsAt('new').sumMs).to.be.closeTo(31_003.6, 0.1);
  });
});

describe('the numbers of all services', () => {
  it('stay with a service that stays, and go with one that goes', () => {
    const stats = new ProxyStats();
    stats.hold(['shop', 'cart']);
    stats.request(sampleRecord());
    stats.hold(['shop']);
    stats.request(sampleRecord());
    stats.request(sampleRecord({ service: 'cart' }));
    expect(stats.of('shop').newShare(NOW)).to.equal(1);
    expect(() => stats.of('cart')).to.throw('cart');
    stats.hold(['shop', 'cart']);
    expect(stats.of('cart').newShare(NOW)).to.equal(null);
  });

  it('count refused requests by code', () => {
    const stats = new ProxyStats();
    for (const code of ['no_such_host', 'bad_request', 'no_such_host']) stats.refused(code);
    expect([...stats.refusals()]).to.deep.equal([
      ['no_such_host', 2],
      ['bad_request', 1],
    ]);
  });
});
