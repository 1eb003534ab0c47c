/**
 * Run state on disk: which files stand for which state, that no step on the way admits more than where it comes from and
 * where it goes, and that a directory somebody else left is brought in order.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../test/support/eventually.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { type RunState, STEADY } from '../migration/run-state.ts';
import { FlagFiles } from './flag-files.ts';
import { type Flag, flagSteps, flagsOf } from './flag-set.ts';
import { flagId } from './text/flag-id.ts';

const run = (state: Partial<RunState>): RunState => ({ ...STEADY, state: 'probing', ...state });
const FALLEN = run({ state: 'fallen_back', admitBp: 0 });
const STATES: Readonly<Record<string, RunState>> = {
  steady: STEADY,
  fallen: FALLEN,
  one: run({ admitBp: 0, admission: 'one', methods: 'replayable' }),
  any: run({ admitBp: 0, admission: 'one', methods: 'all' }),
  ten: run({ admitBp: 1_000 }),
  quarter: run({ admitBp: 2_500 }),
  half: run({ admitBp: 5_000 }),
  all: run({ admitBp: 10_000 }),
};

/** How much goes to new with these files, as nginx sees it: 0, a single slot, or basis points. */
function admitted(flags: ReadonlySet<Flag>): { readonly bp: number; readonly slots: number } {
  if (!flags.has('')) return { bp: 10_000, slots: 0 };
  const shares: readonly (readonly [Flag, number])[] = [
    ['.a', 1_000],
    ['.b', 1_500],
    ['.c', 2_500],
    ['.d', 5_000],
  ];
  const bp = shares.reduce((sum, [flag, share]) => sum + (flags.has(flag) ? 0 : share), 0);
  return { bp, slots: flags.has('.any') ? 2 : flags.has('.one') ? 1 : 0 };
}

function expectSafeSteps(before: RunState, after: RunState, what: string): void {
  const files = new Set<Flag>(flagsOf(before));
  const ends = [admitted(files), admitted(new Set(flagsOf(after)))];
  const most = { bp: Math.max(...ends.map(({ bp }) => bp)), slots: Math.max(...ends.map(({ slots }) => slots)) };
  for (const { kind, flag } of flagSteps(new Set(files), flagsOf(after))) {
    if (kind === 'create') files.add(flag);
    else files.delete(flag);
    const now = admitted(files);
    expect(now.bp, what).to.be.at.most(most.bp);
    expect(now.slots, what).to.be.at.most(most.slots);
  }
  expect([...files], what).to.have.members([...flagsOf(after)]);
}

describe('flag files', () => {
  it('say which classes are closed', () => {
    expect(flagsOf(STATES.fallen)).to.deep.equal(['', '.a', '.b', '.c', '.d']);
    expect(flagsOf(STATES.one)).to.deep.equal(['', '.a', '.b', '.c', '.d', '.one']);
    expect(flagsOf(STATES.any)).to.deep.equal(['', '.a', '.b', '.c', '.d', '.one', '.any']);
    expect(flagsOf(STATES.ten)).to.deep.equal(['', '.b', '.c', '.d']);
    expect(flagsOf(STATES.half)).to.deep.equal(['', '.d']);
    expect(flagsOf(STATES.all)).to.deep.equal(['']);
    expect(flagsOf(STATES.steady)).to.deep.equal([]);
  });

  for (const [from, before] of Object.entries(STATES)) {
    it(`from ${from} to any other state, no step admits more than either`, () => {
      for (const [to, after] of Object.entries(STATES)) expectSafeSteps(before, after, `${from} to ${to}`);
    });
  }

  it('are brought in order after a restart, files of strangers left alone', () => {
    const directory = tempDir();
    for (const name of [flagId('gone'), `${flagId('shop')}.a`, flagId('pay'), 'README']) {
      writeFileSync(join(directory, name), '');
    }
    const flags = new FlagFiles({ directory, now: () => 0, onProblem: (message) => expect.fail(message) });
    flags.set('shop', FALLEN);
    flags.set('pay', STEADY);
    flags.reconcile();
    expect(readdirSync(directory)).to.have.members([...flagsOf(FALLEN).map((flag) => flagId('shop') + flag), 'README']);
    flags.retain(['pay']);
    expect(readdirSync(directory)).to.deep.equal(['README']);
    flags.stop();
  });

  it('of an earlier life are obeyed until something else is set', () => {
    const directory = tempDir();
    for (const flag of ['', '.a', '.one']) writeFileSync(join(directory, flagId('shop') + flag), '');
    writeFileSync(join(directory, flagId('gone')), '');
    const flags = new FlagFiles({ directory, now: () => 0, onProblem: (message) => expect.fail(message) });
    flags.takeUp();
    flags.reconcile();
    expect(readdirSync(directory)).to.have.length(4);
    flags.set('shop', FALLEN);
    expect(readdirSync(directory)).to.have.members([
      ...flagsOf(FALLEN).map((flag) => flagId('shop') + flag),
      flagId('gone'),
    ]);
    flags.retain(['shop']);
    expect(readdirSync(directory)).to.have.length(5);
    flags.stop();
  });

  it('are written in slices, all of them in the end', async () => {
    const directory = tempDir();
    let ms = 0;
    const flags = new FlagFiles({ directory, now: () => ms++, onProblem: (message) => expect.fail(message) });
    for (let i = 0; i < 50; i++) flags.set(`service-${i}`, FALLEN);
    expect(readdirSync(directory).length).to.be.below(100);
    await eventually('all files are there', () => readdirSync(directory).length === 250);
    flags.stop();
  });

  it('tell once that they cannot be written, and are tried again', async () => {
    const directory = join(tempDir(), 'flags');
    const problems: string[] = [];
    const flags = new FlagFiles({ directory, now: () => 0, onProblem: (message) => problems.push(message) });
    flags.set('shop', FALLEN);
    flags.set('pay', FALLEN);
    expect(problems).to.have.length(1);
    expect(problems[0]).to.include('ENOENT');
    expect(flags.problem).to.equal(problems[0]);
    mkdirSync(directory);
    await eventually('both are written', () => readdirSync(directory).length === 10);
    expect(flags.problem).to.equal(null);
    rmSync(directory, { recursive: true });
    flags.set('mail', FALLEN);
    expect(problems).to.have.length(2);
    flags.stop();
  });
});
