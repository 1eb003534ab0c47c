import { expect } from 'chai';
import { type Applied, loadedFrom, NOTHING_APPLIED } from './applied.ts';
import { applyReads } from './apply.ts';
import { formatConfigError } from './errors.ts';
import { fromLastGood, toLastGood } from './last-good.ts';
import type { OwnAddress } from './own-address.ts';
import { readSource, unreadableSource } from './parse.ts';

const service = (name: string, more = '', host = `${name}.example`) =>
  `  - { name: ${name}, old_host: ${host}, old_backend: "old-${name}:80", new_host: ${name}.new, new_backend: "new:80"${more && `, ${more}`} }\n`;
const text = (...services: string[]) => (services.length === 0 ? 'services: []' : `services:\n${services.join('')}`);

/** Applies texts by source, in order of age; null is a source that is gone. */
function apply(previous: Applied, texts: Record<string, string | null>, own: readonly OwnAddress[] = []): Applied {
  const reads = Object.entries(texts).map(([id, source]) => ({
    id,
    read: source === null ? ('gone' as const) : readSource({ file: id, text: source, kind: 'file' }),
  }));
  return applyReads(previous, reads, own, 1000);
}

function standings({ services }: Applied): string {
  return services.map(({ migration, standing }) => `${migration.name} ${standing} ${migration.shareBp}`).join(', ');
}

function codes({ errors }: Applied): string[] {
  return errors.map((error) => `${error.file}:${error.line} ${error.service} ${error.code}`);
}

describe('applying what was read', () => {
  const good = apply(NOTHING_APPLIED, {
    m: text(service('a', 'migration: { percentage: 20 }'), service('b', 'migration: { percentage: 30 }')),
  });

  it('serves what is valid, sorted and frozen', () => {
    const applied = apply(NOTHING_APPLIED, { m: text(service('b'), service('a')) });
    expect(standings(applied)).to.equal('a valid 0, b valid 0');
    expect(Object.isFrozen(applied.services[0].migration.old.tls)).to.equal(true);
    expect(loadedFrom(applied)).to.equal('source');
  });

  it('keeps the last good version of a bad service, and changes the others', () => {
    const applied = apply(good, {
      m: text(service('a', 'migration: { percentage: 200 }'), service('b', 'migration: { percentage: 40 }')),
    });
    expect(standings(applied)).to.equal('a stale 2000, b valid 4000');
    expect(codes(applied)).to.deep.equal(['m:2 a bad_value']);
    const again = apply(applied, { m: text(service('a', 'oops: 1'), service('b')) });
    expect(standings(again)).to.equal('a stale 2000, b valid 0');
    const healed = apply(again, { m: text(service('a'), service('b')) });
    expect(standings(healed)).to.equal('a valid 0, b valid 0');
    expect(healed.errors).to.deep.equal([]);
  });

  it('serves a service by old alone that never was good, also after a restart', () => {
    const applied = apply(NOTHING_APPLIED, { m: text(service('a', 'canary: 1')) });
    expect(standings(applied)).to.equal('a invalid 0');
    const restarted = fromLastGood(toLastGood(applied))!.applied;
    expect(standings(restarted)).to.equal('a invalid 0');
    expect(restarted.services[0].migration.old.address).to.equal('old-a');
  });

  it('removes a service that a valid text no longer lists, and all where the list is empty', () => {
    expect(standings(apply(good, { m: text(service('b')) }))).to.equal('b valid 0');
    expect(standings(apply(good, { m: text() }))).to.equal('');
  });

  it('removes nothing while the name of an entry does not read', () => {
    const applied = apply(good, { m: text(service('A'), service('b')) });
    expect(standings(applied)).to.equal('a stale 2000, b valid 0');
  });

  it('keeps everything where a text is none', () => {
    for (const broken of ['', '\t- [', 'services:', 'words', 'service: []']) {
      const applied = apply(good, { m: broken });
      expect(standings(applied), broken).to.equal('a stale 2000, b stale 3000');
      expect(applied.errors, broken).not.to.deep.equal([]);
      expect(standings(apply(applied, { m: text(service('a')) }))).to.equal('a valid 0');
    }
    const unreadable = applyReads(good, [{ id: 'm', read: unreadableSource('m', 'no such file') }], [], 0);
    expect(standings(unreadable)).to.equal('a stale 2000, b stale 3000');
    expect(codes(unreadable)).to.deep.equal(['m:1 null unreadable']);
  });

  it('keeps every service of a document whose globals are wrong', () => {
    const applied = apply(good, {
      m: `global: { retry_attemts: 1 }\n${text(service('a'), service('c'))}`,
      n: text(service('d')),
    });
    expect(standings(applied)).to.equal('a stale 2000, c invalid 0, d valid 0');
  });

  it('keeps what a source that is gone said last', () => {
    const applied = apply(good, { m: null });
    expect(standings(applied)).to.equal('a stale 2000, b stale 3000');
    expect(codes(applied)).to.deep.equal(['m:1 a source_gone', 'm:1 b source_gone']);
    expect(standings(apply(applied, {}))).to.equal('');
  });

  it('lets a service move to another source', () => {
    const both = apply(good, { m: text(service('b')), n: text(service('a')) });
    expect(standings(both)).to.equal('a valid 0, b valid 0');
    const gone = apply(good, { m: null, n: text(service('a')) });
    expect(standings(gone)).to.equal('a valid 0, b stale 3000');
    expect(codes(gone)).to.deep.equal(['m:1 b source_gone']);
  });

  it('does not serve what a source said long ago and another one has taken since', () => {
    const taken = apply(good, { m: null, n: text(service('x', '', 'a.example')) });
    expect(standings(taken)).to.equal('b stale 3000, x valid 0');
    expect(standings(apply(taken, { m: null, n: text() }))).to.equal('a stale 2000, b stale 3000');
  });
});

describe('duplicates', () => {
  it('give the name to the older source, and within one to the earlier line', () => {
    const applied = apply(NOTHING_APPLIED, {
      old: text(service('a', 'migration: { percentage: 1 }')),
      young: text(
        service('a', '', 'other.example'),
        service('b'),
        service('b', 'migration: { percentage: 2 }', 'bb.example'),
      ),
    });
    expect(standings(applied)).to.equal('a valid 100, b valid 0');
    expect(codes(applied)).to.deep.equal(['young:2 a duplicate_service', 'young:4 b duplicate_service']);
    expect(formatConfigError(applied.errors[0])).to.contain('old:2, which comes first');
  });

  it('give the host and prefix to the first, whatever the order in which sources were read', () => {
    const texts = { old: text(service('a', '', 'h.example')), young: text(service('b', '', 'H.example')) };
    const young = apply(NOTHING_APPLIED, { young: texts.young });
    expect(standings(young)).to.equal('b valid 0');
    const both = apply(young, texts);
    expect(standings(both)).to.equal('a valid 0');
    expect(standings(apply(NOTHING_APPLIED, texts))).to.equal(standings(both));
  });

  it('keep the last good version of the loser where it had another host', () => {
    const before = apply(NOTHING_APPLIED, { m: text(service('a'), service('b')) });
    const applied = apply(before, { m: text(service('a'), service('b', '', 'a.example')) });
    expect(standings(applied)).to.equal('a valid 0, b stale 0');
    expect(applied.services[1].migration.old.host).to.equal('b.example');
  });

  it('are none with other prefixes', () => {
    const applied = apply(NOTHING_APPLIED, {
      m: text(
        service('a', '', 'h.example'),
        service('b', 'path_prefix: /x', 'h.example'),
        service('c', 'path_prefix: /x/', 'h.example'),
      ),
    });
    expect(standings(applied)).to.equal('a valid 0, b valid 0');
  });

  it('are not settled anew by a typo of the first', () => {
    const texts = { old: text(service('a', '', 'h.example')), young: text(service('b', '', 'h.example')) };
    const broken = apply(apply(NOTHING_APPLIED, texts), { ...texts, old: 'services: [' });
    expect(standings(broken)).to.equal('a stale 0');
    const typo = apply(apply(NOTHING_APPLIED, texts), { ...texts, old: text(service('a', 'x: 1', 'h.example')) });
    expect(standings(typo)).to.equal('a stale 0');
  });
});

describe('own addresses', () => {
  const own = [{ address: '127.0.0.1', port: 8000 }];
  const to = (side: 'old' | 'new', backend: string) =>
    text(service('a').replace(side === 'old' ? '"old-a:80"' : '"new:80"', `"${backend}"`));

  it('are refused as backends', () => {
    const asNew = apply(NOTHING_APPLIED, { m: to('new', 'localhost:8000') }, own);
    expect(standings(asNew)).to.equal('a invalid 0');
    expect(codes(asNew)).to.deep.equal(['m:2 a own_address']);
    const asOld = apply(NOTHING_APPLIED, { m: to('old', '127.0.0.1:8000') }, own);
    expect(standings(asOld)).to.equal('');
    expect(codes(asOld)).to.deep.equal(['m:2 a own_address']);
  });

  it('leave the last good version at work', () => {
    const before = apply(NOTHING_APPLIED, { m: text(service('a', 'migration: { percentage: 5 }')) }, own);
    expect(standings(apply(before, { m: to('new', '0.0.0.0:8000') }, own))).to.equal('a stale 500');
  });

  it('are those of this port alone', () => {
    expect(standings(apply(NOTHING_APPLIED, { m: to('new', '127.0.0.1:8001') }, own))).to.equal('a valid 0');
    expect(standings(apply(NOTHING_APPLIED, { m: to('new', '127.0.0.2:8000') }, own))).to.equal('a valid 0');
    const every = [{ address: '0.0.0.0', port: 8000 }];
    expect(standings(apply(NOTHING_APPLIED, { m: to('new', '127.0.0.2:8000') }, every))).to.equal('a invalid 0');
  });
});

describe('the last good configuration as text', () => {
  const applied = apply(NOTHING_APPLIED, {
    m: `global: { retry_attempts: 1 }\n${text(service('a', 'migration: { percentage: 7.5 }'), service('b', 'x: 1'))}`,
  });

  it('comes back stale, with the same meaning', () => {
    const back = fromLastGood(toLastGood(applied))!.applied;
    expect(standings(back)).to.equal('a stale 750, b invalid 0');
    expect(back.services.map(({ migration }) => migration)).to.deep.equal(
      applied.services.map(({ migration }) => migration),
    );
    expect(loadedFrom(back)).to.equal('last_good');
    expect(toLastGood(back)).to.equal(toLastGood(applied));
  });

  it('serves until the source reads, and not a moment longer', () => {
    const back = fromLastGood(toLastGood(applied))!.applied;
    const missing = applyReads(back, [{ id: 'm', read: unreadableSource('m', 'no such file') }], [], 0);
    expect(standings(missing)).to.equal('a stale 750, b invalid 0');
    expect(loadedFrom(missing)).to.equal('last_good');
    const read = apply(missing, { m: text(service('a')) });
    expect(standings(read)).to.equal('a valid 0');
    expect(loadedFrom(read)).to.equal('source');
  });

  it('is nothing where it is broken, cut short or of another format', () => {
    const whole = toLastGood(applied);
    const hostile = ['{"format":1,"sources":[{}]}', '{"format":1,"sources":[{"id":"m","services":[null]}]}'];
    for (const broken of [
      '',
      '{',
      'null',
      '[]',
      whole.slice(0, -3),
      whole.replace('"format":1', '"format":2'),
      ...hostile,
    ]) {
      expect(fromLastGood(broken), broken).to.equal(null);
    }
  });

  it('leaves out what this version no longer reads', () => {
    const older = JSON.stringify({
      format: 1,
      sources: [{ id: 'm', services: [{ global: null, service: { name: 'x' } }, { global: 1 }, {}] }],
    });
    expect(standings(fromLastGood(older)!.applied)).to.equal('');
  });
});
