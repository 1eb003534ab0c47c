import { expect } from 'chai';
import { served } from '../allocator/sample.test.ts';
import { buildTable } from './build.ts';
import { compileTable } from './compile-table.ts';

const names = (table: ReturnType<typeof buildTable>): string[] => table.services.map(({ migration }) => migration.name);

describe('building the routing table', () => {
  it('begins with generation 1, in the order of names, frozen to the ground', () => {
    const table = buildTable(null, [served({ name: 'b' }), served({ name: 'a' }), served({ name: 'a-1' })]);
    expect(table.generation).to.equal(1);
    expect(names(table)).to.deep.equal(['a', 'a-1', 'b']);
    expect(table.hash).to.match(/^[0-9a-f]{64}$/);
    expect(() => Object.assign(table.services[0].migration.old, { port: 1 })).to.throw(TypeError);
  });

  it('leaves what it was given as it was', () => {
    const given = served();
    buildTable(null, [given]);
    expect(Object.isFrozen(given.migration)).to.equal(false);
  });

  it('stays the same table while the content is the same, in any order of services and keys', () => {
    const table = buildTable(null, [served({ name: 'a' }), served({ name: 'b' })]);
    const { migration, standing } = served({ name: 'a' });
    const turned = { standing, migration: Object.fromEntries(Object.entries(migration).reverse()) as typeof migration };
    expect(buildTable(table, [served({ name: 'b' }), turned])).to.equal(table);
    expect(buildTable(null, [served({ name: 'b' }), turned]).hash).to.equal(table.hash);
  });

  it('counts on with each change, of a standing too, and keeps what did not change', () => {
    const first = buildTable(null, [served({ name: 'a' }), served({ name: 'b' })]);
    const second = buildTable(first, [served({ name: 'a' }), served({ name: 'b', shareBp: 3_000 })]);
    expect(second.generation).to.equal(2);
    expect(second.hash).to.not.equal(first.hash);
    expect(second.services[0]).to.equal(first.services[0]);
    expect(second.services[1]).to.not.equal(first.services[1]);
    const third = buildTable(second, [served({ name: 'a' }, 'stale'), served({ name: 'b', shareBp: 3_000 })]);
    expect(third.generation).to.equal(3);
    expect(buildTable(third, []).services).to.deep.equal([]);
  });

  it('can cross a process boundary', () => {
    const table = buildTable(null, [served({ name: 'a' })]);
    const arrived = structuredClone(table);
    expect(buildTable(arrived, [served({ name: 'a' })])).to.equal(arrived);
  });

  it('throws on two services of one name', () => {
    expect(() => buildTable(null, [served(), served()])).to.throw('api');
  });
});

describe('compiling the routing table', () => {
  it('takes over what did not change, and renumbers it', () => {
    const first = buildTable(null, [served({ name: 'b' }), served({ name: 'c' })]);
    const compiled = compileTable(first);
    const second = buildTable(first, [served({ name: 'a' }), served({ name: 'b' }), served({ name: 'c', shareBp: 1 })]);
    const next = compileTable(second, compiled);
    expect(next.map(({ name, index }) => [name, index])).to.deep.equal([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(next[1].hash).to.equal(compiled[0].hash);
    expect(next[2].threshold).to.not.equal(compiled[1].threshold);
    expect(compileTable(second, next)).to.deep.equal(next);
  });
});
