import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import type { ConfigMapObject } from './api.ts';
import { isNewer, ObjectSet } from './object-set.ts';
import { toConfigMap } from './objects.ts';

function object(name: string, resourceVersion: number, uid = 'one'): ConfigMapObject {
  return toConfigMap({ metadata: { namespace: 'shop', name, uid, resourceVersion: String(resourceVersion) } });
}

function list(set: ObjectSet, ...items: ConfigMapObject[]): boolean {
  return set.beginList()(items);
}

const versions = (set: ObjectSet) =>
  Object.fromEntries([...set.objects].map(([key, { meta }]) => [key, `${meta.uid} ${meta.resourceVersion}`]));

describe('the set of objects', () => {
  it('compares versions as integers', () => {
    expect(isNewer('100', '99')).to.equal(true);
    expect(isNewer('99', '100')).to.equal(false);
    expect(isNewer('100', '100')).to.equal(false);
    expect(isNewer('9007199254740993', '9007199254740992')).to.equal(true);
    expect(isNewer('abc', 'abd')).to.equal(true);
    expect(isNewer('abc', 'abc')).to.equal(false);
  });

  it('ignores what is older than what it has, and what it has', () => {
    const set = new ObjectSet();
    list(set, object('a', 10));
    expect(set.put(object('a', 9))).to.equal(false);
    expect(set.put(object('a', 10))).to.equal(false);
    expect(set.remove(object('a', 9))).to.equal(false);
    expect(set.put(object('a', 11))).to.equal(true);
    expect(versions(set)).to.deep.equal({ 'shop/a': 'one 11' });
  });

  it('keeps an object that was made anew under the same name when the word of the old one comes late', () => {
    const set = new ObjectSet();
    list(set, object('a', 10));
    set.put(object('a', 13, 'two'));
    expect(set.remove(object('a', 12, 'one'))).to.equal(false);
    expect(set.put(object('a', 11, 'one'))).to.equal(false);
    expect(versions(set)).to.deep.equal({ 'shop/a': 'two 13' });
  });

  it('does not bring back what is gone for an answer that was under way', () => {
    const set = new ObjectSet();
    list(set, object('a', 10));
    expect(set.remove(object('a', 12))).to.equal(true);
    expect(set.put(object('a', 11))).to.equal(false);
    expect(set.remove(object('a', 9))).to.equal(false);
    expect(set.put(object('a', 11))).to.equal(false);
    expect(set.put(object('a', 14, 'two'))).to.equal(true);
  });

  it('believes a list, also where it goes back', () => {
    const set = new ObjectSet();
    list(set, object('a', 1000), object('b', 1001));
    expect(list(set, object('a', 40, 'restored'))).to.equal(true);
    expect(versions(set)).to.deep.equal({ 'shop/a': 'restored 40' });
    expect(list(set, object('a', 40, 'restored'))).to.equal(false);
    expect(set.put(object('a', 41, 'restored'))).to.equal(true);
  });

  it('keeps what changed while a list was on its way', () => {
    const set = new ObjectSet();
    list(set, object('a', 10), object('b', 11));
    const take = set.beginList();
    set.put(object('a', 12));
    set.remove(object('b', 13));
    set.put(object('c', 14));
    expect(take([object('a', 10), object('b', 11)])).to.equal(false);
    expect(versions(set)).to.deep.equal({ 'shop/a': 'one 12', 'shop/c': 'one 14' });
    expect(list(set, object('a', 12), object('c', 14))).to.equal(false);
  });

  it('takes no list that was asked for before one that is here', () => {
    const set = new ObjectSet();
    const [early, late] = [set.beginList(), set.beginList()];
    late([object('a', 20)]);
    expect(early([object('a', 10)])).to.equal(false);
    expect(versions(set)).to.deep.equal({ 'shop/a': 'one 20' });
  });

  it('ends with the newest of each object in whatever order, and how often, events come', () => {
    const change = fc.record({ name: fc.constantFrom('a', 'b'), isDeleted: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat()), (changes, draws) => {
        const events = changes.map(({ name, isDeleted }, i) => ({ isDeleted, object: object(name, i + 1) }));
        const shuffled = [...events, ...events]
          .map((event) => ({ event, at: draws.next().value as number }))
          .sort((x, y) => x.at - y.at);
        const set = new ObjectSet();
        for (const { event } of shuffled) event.isDeleted ? set.remove(event.object) : set.put(event.object);
        const expected: Record<string, string> = {};
        for (const {
          isDeleted,
          object: { meta },
        } of events) {
          if (isDeleted) delete expected[`shop/${meta.name}`];
          else expected[`shop/${meta.name}`] = `one ${meta.resourceVersion}`;
        }
        expect(versions(set)).to.deep.equal(expected);
      }),
      { numRuns: runsOf(1_000) },
    );
  });
});
