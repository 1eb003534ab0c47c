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
      { service: 'a', what: 'percentage 20 -> 12.5, strategy, trusted_proxies' },
      { service: 'b', what: 'stale: its last good version stays, disabled' },
      { service: 'fresh', what: 'added' },
      { service: 'gone', what: 'removed' },
    ]);
  });

  it('have the author who announced them, else the source itself', () => {
    const log = new ChangeLog();
    const forget = log.announce('a', { by: 'ann', reason: 'quiet night' });
    const changes = [
      { service: 'a', what: 'percentage 1 -> 2' },
      { service: 'b', what: 'added' },
    ];
    expect(log.record(changes, 'file:m.yaml', 5)).to.deep.equal([
      { service: 'a', what: 'percentage 1 -> 2', atMs: 5, by: 'ann', reason: 'quiet night' },
      { service: 'b', what: 'added', atMs: 5, by: 'file:m.yaml', reason: 'added' },
    ]);
    expect(log.lastOf('a')).to.deep.equal({ atMs: 5, by: 'ann', reason: 'quiet night' });
    forget();
    log.record([{ service: 'a', what: 'removed' }], 'file:m.yaml', 6);
    expect(log.lastOf('a')).to.equal(null);
  });

  it('of an author without a reason are given as the reason', () => {
    const log = new ChangeLog();
    log.announce('a', { by: 'ann', reason: '' });
    log.record([{ service: 'a', what: 'percentage 1 -> 2' }], 'file:m.yaml', 5);
    expect(log.lastOf('a')).to.deep.equal({ atMs: 5, by: 'ann', reason: 'percentage 1 -> 2' });
  });
});
