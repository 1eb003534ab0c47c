/** Skips of the conformance table cannot be silent, nor outlive their cause. */
import { expect } from 'chai';
import { plan } from './plan.ts';
import type { Theme } from './theme.ts';

const THEMES: readonly Theme[] = [
  { name: 'a', cases: [{ name: 'one', run: async () => undefined }] },
  { name: 'b', cases: [{ name: 'one', run: async () => undefined }] },
];

describe('plan of the conformance table', () => {
  it('skips what is named, with its reason, and nothing else', () => {
    const skipped = plan(THEMES, { 'b: one': 'it cannot' }).map(({ theme, cases }) => [theme, cases[0].skipped]);
    expect(skipped).to.deep.equal([
      ['a', null],
      ['b', 'it cannot'],
    ]);
  });

  it('takes no skip of a case that is not there, and none without a reason', () => {
    expect(() => plan(THEMES, { 'a: two': 'it cannot' })).to.throw('skips of no case: a: two');
    expect(() => plan(THEMES, { 'a: one': ' ' })).to.throw('no reason to skip a: one');
  });

  it('takes no two cases of one name', () => {
    expect(() => plan([THEMES[0], THEMES[0]], {})).to.throw('two cases are named a: one');
  });
});
