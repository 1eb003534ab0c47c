import { expect } from 'chai';
import type { FailureKind } from '../fallback/outcome.ts';
import { type FailedAttempt, nextAttempt, type RequestSoFar } from './retry-policy.ts';

const failed = (over: Partial<FailedAttempt> = {}): FailedAttempt => ({
  cluster: 'new',
  failure: 'connect',
  staleConnection: false,
  sent: false,
  ...over,
});
const get = (over: Partial<RequestSoFar> = {}): RequestSoFar => ({
  replayable: true,
  bodyHeld: true,
  answerBegun: false,
  attemptsLeft: 3,
  oldToCome: true,
  otherAddress: false,
  ...over,
});
const post = (over: Partial<RequestSoFar> = {}): RequestSoFar => get({ replayable: false, ...over });
const AFTER_SENDING: FailureKind[] = ['timeout', 'reset', 'invalid_response', 'truncated', 'status'];

describe('proxy/retry-policy', () => {
  it('a POST goes to old when nothing was sent, and never once it may have arrived', () => {
    for (const failure of ['connect', 'dns', 'tls', 'timeout'] as const) {
      expect(nextAttempt(failed({ failure }), post()), failure).to.equal('old');
    }
    for (const failure of AFTER_SENDING) {
      expect(nextAttempt(failed({ failure, sent: true }), post()), failure).to.equal('none');
    }
    expect(nextAttempt(failed({ failure: 'reset', sent: true, staleConnection: true }), post())).to.equal('none');
  });

  it('a GET goes to old after every kind of failure', () => {
    for (const failure of AFTER_SENDING) {
      expect(nextAttempt(failed({ failure, sent: true }), get({ otherAddress: true })), failure).to.equal('old');
    }
  });

  it('a body that is no longer held is not sent again', () => {
    expect(nextAttempt(failed({ failure: 'reset', sent: true }), get({ bodyHeld: false }))).to.equal('none');
    expect(nextAttempt(failed(), get({ bodyHeld: false }))).to.equal('old');
  });

  it('nothing follows once the answer has begun', () => {
    expect(nextAttempt(failed(), get({ answerBegun: true }))).to.equal('none');
  });

  it('one more address of the cluster only where nothing was sent and nobody waited', () => {
    for (const failure of ['connect', 'dns', 'tls'] as const) {
      expect(nextAttempt(failed({ failure }), get({ otherAddress: true })), failure).to.equal('other_address');
    }
    expect(nextAttempt(failed({ failure: 'timeout' }), get({ otherAddress: true }))).to.equal('old');
  });

  it('the last attempt is kept for old', () => {
    expect(nextAttempt(failed(), get({ otherAddress: true, attemptsLeft: 1 }))).to.equal('old');
    expect(nextAttempt(failed({ sent: true, staleConnection: true }), get({ attemptsLeft: 1 }))).to.equal('old');
    expect(nextAttempt(failed(), get({ attemptsLeft: 1, otherAddress: true, oldToCome: false }))).to.equal(
      'other_address',
    );
    expect(nextAttempt(failed(), get({ attemptsLeft: 0 }))).to.equal('none');
  });

  it('a stale kept connection is replaced by a fresh one of the same cluster', () => {
    const stale = failed({ failure: 'reset', sent: true, staleConnection: true });
    expect(nextAttempt(stale, get())).to.equal('fresh_connection');
    expect(nextAttempt(stale, get({ oldToCome: false, attemptsLeft: 1 }))).to.equal('fresh_connection');
  });

  it('a failure of old ends it, but for one more address', () => {
    const old = failed({ cluster: 'old' });
    expect(nextAttempt(old, get({ oldToCome: false }))).to.equal('none');
    expect(nextAttempt(old, get({ oldToCome: false, otherAddress: true }))).to.equal('other_address');
  });
});
