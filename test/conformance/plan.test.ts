/** Differences of a plane cannot be silent, nor outlive their cause. */
import { expect } from 'chai';
import { differencesIn, plan } from './plan.ts';
import { type Plane, PlaneFault } from './plane-under-test.ts';
import { mustDiffer, mustPass } from './suite.ts';
import type { Theme } from './theme.ts';

const THEMES: readonly Theme[] = [
  { name: 'a', cases: [{ name: 'one', run: async () => undefined }] },
  { name: 'b', cases: [{ name: 'one', run: async () => undefined }] },
];

describe('plan of the conformance table', () => {
  it('marks what is named, with its reason, and nothing else', () => {
    const marked = plan(THEMES, { 'b: one': 'it cannot' }).map(({ theme, cases }) => [theme, cases[0].differs]);
    expect(marked).to.deep.equal([
      ['a', null],
      ['b', 'it cannot'],
    ]);
  });

  it('takes no difference in a case that is not there, and none without a reason', () => {
    expect(() => plan(THEMES, { 'a: two': 'it cannot' })).to.throw('differences in no case: a: two');
    expect(() => plan(THEMES, { 'a: one': ' ' })).to.throw('no reason why a: one differs');
  });

  it('takes no two cases of one name', () => {
    expect(() => plan([THEMES[0], THEMES[0]], {})).to.throw('two cases are named a: one');
  });

  it('knows which differences are of some themes', () => {
    expect(differencesIn([THEMES[1]], { 'a: one': 'x', 'b: one': 'y' })).to.deep.equal({ 'b: one': 'y' });
  });

  it('a difference that passes, or a plane that does not start, is a failure', async () => {
    const messageOf = (run: () => Promise<void>): Promise<string> =>
      mustDiffer(run()).then(
        () => '',
        (error: Error) => error.message,
      );
    expect(await messageOf(async () => undefined)).to.equal('it passes: no difference any more');
    expect(await messageOf(() => Promise.reject(new Error('not as it should be')))).to.equal('');
    const fault = new PlaneFault('nginx did not start');
    expect(await messageOf(() => Promise.reject(fault))).to.equal('nginx did not start');
  });

  it('a case that fails is tried again with longer limits, and has failed when it fails with those too', async () => {
    const plane = { patienceMs: 10, longer: 1 } as Plane;
    const limits: number[] = [];
    const needing = (longer: number) => ({
      name: 'one',
      run: async (under: Plane) => {
        limits.push(under.longer);
        if (under.longer < longer) throw new Error(`not within ${under.longer}`);
      },
    });
    await mustPass(needing(1), plane);
    await mustPass(needing(10), plane);
    expect(limits).to.deep.equal([1, 1, 10]);
    const said = await mustPass(needing(11), plane).catch((error: Error) => error.message);
    expect(said).to.equal('not within 10');
  });
});
