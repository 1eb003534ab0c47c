import { expect } from 'chai';
import fc from 'fast-check';
import { chosenEntries, entriesOf, type HistoryEntry, historyDocument, mergedEntries } from './history-entries.ts';

const BASE_MS = Date.UTC(2026, 0, 1);

function entry(id: string, seconds: number, changes: Partial<HistoryEntry> = {}): HistoryEntry {
  const at = new Date(BASE_MS + seconds * 1_000).toISOString();
  return {
    id,
    at,
    service: 'a',
    kind: 'percentage',
    by: 'ann',
    from: '1 %',
    to: '2 %',
    why: '',
    message: id,
    ...changes,
  };
}

const ids = (entries: readonly HistoryEntry[]) => entries.map(({ id }) => id);
const trip = (id: string, seconds: number, service = 'a') =>
  entry(id, seconds, { kind: 'fallen_back', from: 'steady', to: 'fallen_back', service });

describe('entries of the history', () => {
  it('of two replicas become one list in order of time, each entry once, as it was written first', () => {
    const own = [entry('x', 1), entry('y', 3, { by: 'me' })];
    const shared = [entry('z', 2), entry('y', 3, { by: 'other' })];
    const merged = mergedEntries(own, shared);
    expect(ids(merged)).to.deep.equal(['x', 'z', 'y']);
    expect(merged[2].by).to.equal('other');
  });

  it('a trip that two replicas saw on their own is one, as long as nothing lies between', () => {
    expect(ids(mergedEntries([trip('mine', 2)], [trip('theirs', 4)]))).to.deep.equal(['theirs']);
    expect(ids(mergedEntries([trip('mine', 2)], [trip('theirs', 14)]))).to.deep.equal(['mine', 'theirs']);
    expect(ids(mergedEntries([trip('mine', 2)], [trip('theirs', 4, 'b')]))).to.deep.equal(['mine', 'theirs']);
    const resumed = entry('resumed', 3, { kind: 'resumed' });
    expect(ids(mergedEntries([trip('mine', 2), resumed], [trip('theirs', 4)]))).to.have.length(3);
  });

  it('are at most 200: what the proxy did by itself goes before what people did', () => {
    const edits = Array.from({ length: 90 }, (_, i) => entry(`edit ${i}`, i));
    const trips = Array.from({ length: 900 }, (_, i) => trip(`trip ${i}`, 1_000 + i, `s${i}`));
    const kept = mergedEntries(edits, trips);
    expect(kept).to.have.length(200);
    expect(ids(kept).slice(0, 90)).to.deep.equal(ids(edits));
    expect(ids(kept).at(-1)).to.equal('trip 899');
    const many = mergedEntries(
      edits,
      Array.from({ length: 300 }, (_, i) => entry(`later ${i}`, 5_000 + i)),
    );
    expect(ids(many)[0]).to.equal('later 100');
  });

  it('survive being written and read, with members that are not known here; what has no sense is left out', () => {
    const later = { ...entry('later', 1), kind: 'drained', ticket: 'OPS-7' };
    const json = JSON.parse(JSON.stringify(historyDocument([entry('x', 0), later])));
    expect(entriesOf(json)).to.deep.equal([entry('x', 0), later]);
    expect(entriesOf({ ...json, entries: [7, null, { id: 'x' }, { ...later, at: 'yesterday' }, later] })).to.deep.equal(
      [later],
    );
    for (const other of [null, 7, [], { format: 2, entries: [] }, { format: 1 }])
      expect(entriesOf(other)).to.equal(null);
  });

  it('are chosen by service, the last ones', () => {
    const entries = [entry('x', 1), entry('y', 2, { service: 'b' }), entry('z', 3)];
    expect(ids(chosenEntries(entries, 'a', 200))).to.deep.equal(['x', 'z']);
    expect(ids(chosenEntries(entries, null, 2))).to.deep.equal(['y', 'z']);
    expect(ids(chosenEntries(entries, 'a', 1))).to.deep.equal(['z']);
  });

  it('merging again what was merged changes nothing', () => {
    const drawn = fc.record({ id: fc.nat(300), kind: fc.constantFrom('percentage', 'fallen_back', 'held') });
    const some = fc.array(drawn, { maxLength: 260 });
    const made = (entries: { id: number; kind: string }[]) =>
      entries.map(({ id, kind }) => entry(`${kind} ${id}`, id, { kind, service: `s${id % 3}` }));
    fc.assert(
      fc.property(some, some, (x, y) => {
        const merged = mergedEntries(made(x), made(y));
        expect(merged.length).to.be.at.most(200);
        expect(mergedEntries(merged, merged)).to.deep.equal(merged);
      }),
      { numRuns: 100 },
    );
  });
});
