import { expect } from 'chai';
import { MOST_DEEP, MOST_VALUES, tooHeavy } from './json-weight.ts';

describe('the weight of a JSON text', () => {
  it('is that of its values, not of its strings', () => {
    expect(tooHeavy('')).to.equal(null);
    expect(tooHeavy(JSON.stringify({ a: ['x', 1, null], b: { c: '[[[['.repeat(1_000) } }))).to.equal(null);
    expect(tooHeavy(JSON.stringify({ a: '","'.repeat(MOST_VALUES) }))).to.equal(null);
    expect(tooHeavy(JSON.stringify(['\\"', '['.repeat(MOST_DEEP + 1)]))).to.equal(null);
  });

  it('is too much for very many values, whatever they are', () => {
    for (const value of ['{}', '[]', '0', '{"a":0}']) {
      const text = `[${`${value},`.repeat(MOST_VALUES)}0]`;
      expect(tooHeavy(text), value).to.equal(`it has more than ${MOST_VALUES} values`);
    }
    expect(tooHeavy(`[${'0,'.repeat(MOST_VALUES - 2)}0]`)).to.equal(null);
  });

  it('is too much for what is nested deeper than anybody writes', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(tooHeavy(nested(MOST_DEEP))).to.equal(null);
    expect(tooHeavy(nested(MOST_DEEP + 1))).to.equal(`it is nested deeper than ${MOST_DEEP} levels`);
    expect(tooHeavy('{"a":'.repeat(MOST_DEEP + 1))).to.include('deeper');
  });
});
