import { expect } from 'chai';
import type { Happening } from './happening.ts';
import { History } from './history.ts';

const happening = (changes: Partial<Happening> = {}): Happening => ({
  kind: 'percentage',
  service: 'a',
  atMs: Date.UTC(2026, 0, 1),
  by: 'ann',
  from: '1 %',
  to: '2 %',
  why: '',
  message: 'a: 1 % -> 2 %',
  identity: 'uid@1',
  about: null,
  ...changes,
});

describe('History', () => {
  it('keeps what happened, each thing once, and says when there is more', () => {
    const history = new History();
    let changes = 0;
    history.onChange(() => changes++);
    history.add(happening());
    history.add(happening({ atMs: Date.UTC(2026, 0, 2) }));
    history.add(happening({ identity: 'uid@2' }));
    expect(changes).to.equal(3);
    expect(history.entries().map(({ id }) => id)).to.have.length(2);
    expect(history.entries()[0]).to.include({ at: '2026-01-01T00:00:00.000Z', from: '1 %', kind: 'percentage' });
  });

  it('is written down and read again; what was read is no change', () => {
    const history = new History();
    history.add(happening({ message: 'ü'.repeat(2_000), why: 'y'.repeat(2_000) }));
    const stored = JSON.parse(history.toStored());
    const again = new History();
    let changes = 0;
    again.onChange(() => changes++);
    expect(again.restore(stored)).to.equal(true);
    expect(again.restore(stored)).to.equal(true);
    expect(changes).to.equal(1);
    expect(again.entries()).to.deep.equal(history.entries());
    expect(Buffer.byteLength(history.entries()[0].message)).to.be.at.most(1_024);
    expect(again.restore({ format: 2 })).to.equal(false);
  });

  it('what only this replica knows makes it ahead, until a shared text shows it', () => {
    const history = new History();
    history.add(happening());
    expect(history.isAhead).to.equal(false);
    history.add(happening({ kind: 'resumed', identity: 'resume 1' }), 'here');
    expect(history.isAhead).to.equal(true);
    const other = new History();
    other.add(happening());
    history.merge(other.entries());
    expect(history.isAhead).to.equal(true);
    history.restore(JSON.parse(history.toStored()));
    expect(history.isAhead).to.equal(false);
    history.add(happening({ kind: 'resumed', identity: 'resume 2' }), 'here');
    for (let i = 0; i < 300; i++) other.add(happening({ identity: `uid@${i}`, atMs: Date.UTC(2026, 0, 2) + i }));
    history.merge(other.entries());
    expect(history.isAhead, 'too old to be shown').to.equal(false);
  });

  it('thousands in one turn leave the newest 200, whatever asks for them', () => {
    const history = new History();
    for (let i = 0; i < 3_000; i++) history.add(happening({ identity: `uid@${i}`, atMs: Date.UTC(2026, 0, 1) + i }));
    expect(history.entries()).to.have.length(200);
    expect(history.entries().at(-1)?.at).to.equal('2026-01-01T00:00:02.999Z');
  });
});
