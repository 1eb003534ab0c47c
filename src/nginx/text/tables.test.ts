import { expect } from 'chai';
import { served } from '../../allocator/sample.test.ts';
import type { Match, Migration, ServedMigration } from '../../migration/model.ts';
import type { Block } from './block.ts';
import { variable } from './expression.ts';
import type { NginxSettings } from './settings.ts';
import { decisionTables } from './tables.ts';

const settings = {
  version: { major: 1, minor: 22, patch: 1 },
  listen: { host: null, port: 8000 },
  instance: 'migration-proxy',
  njsModule: null,
  limits: { replayBytes: 65_536 },
} as NginxSettings;

const rule = (value: string) => ({
  header: 'x-team',
  match: { kind: 'exact', value } as Match,
  target: 'new' as const,
});

function service(name: string, changes: Partial<Migration> = {}): ServedMigration {
  const sample = served({ cohort: name, ...changes, name });
  const old = { ...sample.migration.old, host: `${name}.test` };
  return { ...sample, migration: { ...sample.migration, old } };
}

const tablesOf = (...services: ServedMigration[]) => decisionTables(services, settings);
const named = (blocks: readonly Block[], name: string) => blocks.find((block) => block.variable === name);

/** With five shares and up to three rules. */
function many(count: number): ServedMigration[] {
  return Array.from({ length: count }, (_, i) =>
    service(`s${i}`, {
      shareBp: 1_000 * (i % 5),
      strategy: i % 2 === 0 ? 'weight' : 'user',
      headerRules: Array.from({ length: i % 4 }, (_, k) => rule(`v${i}-${k}`)),
      userRules: i % 3 === 0 ? [{ header: 'x-user-id', from: i % 10, to: 20, target: 'old' }] : [],
    }),
  );
}

describe('tables for nginx', () => {
  it('grow in rows, never in variables, with services', () => {
    const few = tablesOf(...many(60)).blocks;
    const more = tablesOf(...many(600)).blocks;
    expect(more.map((block) => block.variable)).to.deep.equal(few.map((block) => block.variable));
  });

  it('are the same in any order of services, each variable once', () => {
    const services = many(50);
    const tables = tablesOf(...services);
    expect(tablesOf(...services.toReversed())).to.deep.equal(tables);
    const names = tables.blocks.map((block) => block.variable);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('have nothing of what no service asks for', () => {
    const { blocks, values, scripts } = tablesOf(service('a'), service('b'));
    for (const name of ['rules_1', 'sticky_id', 'peer_trusted', 'rid', 'bad_path', 'lanes_of', 'exposed', 'user_id']) {
      expect(named(blocks, name), name).to.equal(undefined);
    }
    expect(values.forwardedFor).to.deep.equal([variable('remote_addr')]);
    expect(values.requestId).to.deep.equal([variable('own_id')]);
    expect([values.stickySet, values.exposed, scripts]).to.deep.equal([null, null, []]);
  });

  it('share one split of all services with the same percentage, new first', () => {
    const { blocks } = tablesOf(service('a', { shareBp: 2_000 }), service('b', { shareBp: 2_000 }));
    expect(
      blocks.filter(({ kind, variable }) => kind === 'split_clients' && !variable.startsWith('probe')),
    ).to.deep.equal([
      {
        kind: 'split_clients',
        key: [variable('own_id')],
        variable: 'weight_2000',
        rows: [{ shareBp: 2_000, value: 'new:weight' }],
        rest: 'old:weight',
      },
    ]);
    expect(named(blocks, 'ruled')).to.equal(undefined);
  });

  it('split nothing at 0 and 100 %, nor for who is disabled or was never valid', () => {
    const { blocks } = tablesOf(
      service('none', { shareBp: 0 }),
      service('all', { shareBp: 10_000 }),
      service('off', { enabled: false }),
      { ...service('bad', { hash: 'murmur3', trustedProxies: ['x'] }), standing: 'invalid' },
    );
    const ruled = named(blocks, 'ruled');
    const rows = ruled?.kind === 'map' ? ruled.rows.map(({ key, value }) => [Object.values(key)[1], ...value]) : [];
    expect(rows).to.deep.equal([
      ['all', 'new:weight'],
      ['bad', 'old:invalid'],
      ['none', 'old:weight'],
      ['off', 'old:disabled'],
    ]);
    const flags = named(blocks, 'flag');
    expect(flags?.kind === 'map' && flags.rows.map(({ key }) => Object.values(key)[1])).to.deep.equal(['all', 'none']);
  });

  it('leave out a service that needs njs where there is none, and say so', () => {
    const murmur3 = service('flags', { hash: 'murmur3', strategy: 'user' });
    const without = tablesOf(service('a'), murmur3);
    expect(without.refused).to.have.length(1);
    expect(without.refused[0]).to.have.property('service', 'flags');
    expect(without.refused[0].message).to.contain('needs the njs module').and.to.contain('libnginx-mod-http-js');
    expect(without.blocks).to.deep.equal(tablesOf(service('a')).blocks);
    const found = decisionTables([service('a'), murmur3], { ...settings, njsModule: '/modules/js.so' });
    expect(found.refused).to.deep.equal([]);
    expect(found.scripts.map(({ property }) => property)).to.deep.equal(['place_1', 'place_2']);
  });

  it('leave out a service whose value is too long for a word of nginx', () => {
    const dollars = (count: number) => service('b', { headerRules: [rule('x'), rule('$'.repeat(count))] });
    expect(tablesOf(service('a'), dollars(400)).refused).to.deep.equal([]);
    const { refused } = tablesOf(service('a'), dollars(1_024));
    expect(refused.map(({ service }) => service)).to.deep.equal(['b']);
    expect(refused[0].message).to.contain('canary.header_rules[1].value').and.to.contain('4096');
  });

  it('leave out a service whose headers are too many for njs to hash', () => {
    const hashed = (name: string, from: number, count: number) =>
      service(name, {
        hash: 'murmur3',
        userRules: Array.from({ length: count }, (_, i) => ({
          header: `x-${from + i}`,
          from: 0,
          to: 9,
          target: 'new',
        })),
      });
    const services = [hashed('a', 0, 32), hashed('b', 20, 32), hashed('c', 40, 32), hashed('d', 0, 10)];
    const { refused } = decisionTables(services, { ...settings, njsModule: '/modules/js.so' });
    expect(refused.map(({ service }) => service)).to.deep.equal(['c']);
  });
});
