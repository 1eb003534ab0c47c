import { expect } from 'chai';
import type { HistoryEntry } from '../status/history-entries.ts';
import { ChangeLog } from './change-log.ts';
import { rememberedChanges } from './remembered-changes.ts';

const NOBODY_SAID = { from: null, to: null, why: '', message: '' };
let made = 0;

function entry(kind: string, changes: Partial<HistoryEntry> = {}): HistoryEntry {
  made++;
  return {
    id: `${made}`,
    at: '2026-01-01T00:00:00.000Z',
    service: 'shop',
    kind,
    by: 'ann',
    ...NOBODY_SAID,
    ...changes,
  };
}

const raised = (changes: Partial<HistoryEntry> = {}) => entry('percentage', { from: '20 %', to: '30 %', ...changes });
const lastOf = (...entries: HistoryEntry[]) => rememberedChanges(entries).get('shop');

describe('the last change of a service, as the history remembers it', () => {
  it('is what somebody did to the configuration, with the words of a change that was just seen', () => {
    const atMs = Date.parse('2026-01-01T00:00:00Z');
    expect(lastOf(raised())).to.deep.equal({ atMs, by: 'ann', reason: 'percentage 20 -> 30' });
    expect(lastOf(raised({ why: 'a quiet night' }))).to.include({ reason: 'a quiet night' });
    expect(lastOf(entry('changed', { to: 'timeout' }))).to.include({ reason: 'timeout' });
    expect(lastOf(entry('reverted', { from: '30 %', to: '20 %', why: 'commit it' }))).to.include({
      reason: 'percentage 30 -> 20',
    });
  });

  it('is the newest, and one edit is one change', () => {
    const later = { at: '2026-01-02T00:00:00.000Z', by: 'bob' };
    expect(lastOf(raised(), entry('changed', { to: 'timeout', ...later }))).to.include({
      by: 'bob',
      reason: 'timeout',
    });
    expect(lastOf(raised(), entry('changed', { to: 'valid again' }))).to.include({
      reason: 'percentage 20 -> 30, valid again',
    });
  });

  it('is no fall, no hold and no mistake, nothing of many services, and none of a service that was removed', () => {
    const others = ['fallen_back', 'probing', 'recovered', 'held', 'resumed', 'rejected', 'constructor'];
    expect(lastOf(raised(), ...others.map((kind) => entry(kind, { by: 'pod-a' })))).to.include({ by: 'ann' });
    expect(rememberedChanges([raised({ service: null })])).to.deep.equal(new Map());
    expect(lastOf(raised(), entry('changed', { to: 'removed' }))).to.equal(undefined);
  });

  it('is told until this process sees another one itself', () => {
    const entries = [raised()];
    const log = new ChangeLog(() => entries);
    expect(log.lastOf('shop')).to.include({ by: 'ann' });
    const change = { service: 'shop', what: 'timeout', percentage: null, other: 'timeout' };
    log.record(change, { by: 'bob', reason: '' }, 5);
    expect(log.lastOf('shop')).to.deep.equal({ atMs: 5, by: 'bob', reason: 'timeout' });
    expect(log.lastOf('pay')).to.equal(null);
  });
});
