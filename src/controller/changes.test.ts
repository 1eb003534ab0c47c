import { expect } from 'chai';
import { sampleMigration } from '../../test/support/status-samples.ts';
import type { Migration, ServedMigration } from '../migration/model.ts';
import { ChangeLog } from './change-log.ts';
import { changesBetween } from './changes.ts';

const served = (
  changes: Partial<Migration> = {},
  standing: ServedMigration['standing'] = 'valid',
): ServedMigration => ({
  migration: sampleMigration(changes),
  standing,
});

describe('changes of configuration', () => {
  it('are told service by service, in the words of the configuration', () => {
    const before = [served({ name: 'a' }), served({ name: 'b' }), served({ name: 'gone' }), served({ name: 'same' })];
    const after = [
      served({ name: 'a', shareBp: 1_250, strategy: 'user', trustedProxies: ['10.0.0.0/8'] }),
      served({ name: 'b', enabled: false }, 'stale'),
      served({ name: 'fresh' }),
      served({ name: 'same' }),
    ];
    expect(changesBetween(before, after)).to.deep.equal([
      {
        service: 'a',
        what: 'percentage 20 -> 12.5, strategy, trusted_proxies',
        percentage: { from: 20, to: 12.5 },
        other: 'strategy, trusted_proxies',
      },
      { service: 'b', what: 'stale: its last good version stays, disabled', percentage: null, other: 'disabled' },
      { service: 'fresh', what: 'added', percentage: null, other: 'added' },
      { service: 'gone', what: 'removed', percentage: null, other: 'removed' },
    ]);
  });

  const change = (what: string) => ({ service: 'a', what, percentage: null, other: what });

  it('are remembered with their author, until the service is removed', () => {
    const log = new ChangeLog(() => []);
    const ann = { by: 'ann', reason: 'quiet night' };
    expect(log.record(change('percentage 1 -> 2'), ann, 5)).to.deep.equal({ atMs: 5, ...ann });
    expect(log.lastOf('a')).to.deep.equal({ atMs: 5, ...ann });
    log.record(change('removed'), ann, 6);
    expect(log.lastOf('a')).to.equal(null);
  });

  it('of an author without a reason are given as the reason', () => {
    const log = new ChangeLog(() => []);
    log.record(change('percentage 1 -> 2'), { by: 'ann', reason: '' }, 5);
    expect(log.lastOf('a')).to.deep.equal({ atMs: 5, by: 'ann', reason: 'percentage 1 -> 2' });
  });

  it('have an announced author until that is taken back', () => {
    const log = new ChangeLog(() => []);
    const forget = log.announce('a', { by: 'ann', reason: '' });
    const later = log.announce('a', { by: 'bob', reason: '' });
    forget();
    expect(log.announcedOf('a')).to.deep.equal({ by: 'bob', reason: '' });
    later();
    expect(log.announcedOf('a')).to.equal(null);
  });
});
