import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { cpuSecondsIn, type Result, runSuite, unrunnable } from './run-suite.ts';
import { chosen, type Suite, suitesOf } from './suites.ts';
import { tableOf, timesOf, totalsOf } from './table.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the test run', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'migration-proxy-test-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(file: string, text: string): string {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    return join(root, file);
  }

  function suite(run: Suite['run'], limitMs = 20_000): Suite {
    return { name: 'x', run, company: 'many', needs: [], limitMs };
  }

  it('finds suites by tier, and what a file needs in its head comment alone', () => {
    write('test/golden/config.test.ts', '');
    write('test/conformance/one.test.ts', '');
    write('test/docs/pages.test.ts', '');
    write('test/e2e/plain.test.ts', "import { x } from 'y';\n/** @needs nothing */");
    write('test/e2e/deep/nginx.test.ts', '/**\n * About nginx.\n * @needs nginx, openssl\n * @alone\n */');
    write('test/e2e/rolled-out.test.ts', '/** On a real API server. @needs kubernetes helm */');
    write('test/e2e/swift.test.ts', '/** Has short time limits. @calm */');
    write('test/full/soak.test.ts', '/** Long. */');
    const names = (tier: 'check' | 'test' | 'full'): string[] => suitesOf(tier, root).map(({ name }) => name);
    expect(names('check')).to.include.members(['types', 'unit 1', 'unit 2', 'format', 'lint']);
    expect(names('test').slice(names('check').length)).to.deep.equal([
      ...['golden', 'conformance/one', 'docs', 'e2e/deep/nginx', 'e2e/plain', 'e2e/rolled-out', 'e2e/swift'],
    ]);
    expect(names('full').slice(names('test').length)).to.deep.equal(['full/soak']);
    const found = Object.fromEntries(suitesOf('full', root).map((one) => [one.name, [one.company, one.needs]]));
    expect(found['e2e/deep/nginx']).to.deep.equal(['none', ['nginx', 'openssl']]);
    expect(found['e2e/plain']).to.deep.equal(['many', []]);
    expect(found['e2e/rolled-out']).to.deep.equal(['many', ['kubernetes', 'helm']]);
    expect(found['e2e/swift']).to.deep.equal(['one', []]);
    expect(found['full/soak']).to.deep.equal(['none', []]);
  });

  it('makes one suite of files that belong together, and finds each of them by its name', () => {
    write('test/e2e/a-one.test.ts', '/** One. @together pair @needs kubernetes */');
    write('test/e2e/b.test.ts', '');
    write('test/e2e/c-two.test.ts', '/** Two. @together pair @needs kubernetes nginx */');
    const suites = suitesOf('test', root).filter(({ name }) => name.startsWith('e2e/'));
    const shown = (some: readonly Suite[]) => some.map(({ name, run }) => [name, run.kind === 'mocha' && run.files]);
    const [one, two] = ['test/e2e/a-one.test.ts', 'test/e2e/c-two.test.ts'];
    const alone = ['e2e/b', ['test/e2e/b.test.ts']];
    expect(shown(suites)).to.deep.equal([['e2e/pair', [one, two]], alone]);
    expect(suites[0].needs).to.deep.equal(['kubernetes', 'nginx']);
    expect(shown(chosen(suites, []))).to.deep.equal(shown(suites));
    expect(shown(chosen(suites, ['pair']))).to.deep.equal([['e2e/pair', [one, two]]]);
    expect(shown(chosen(suites, ['two', 'e2e/b']))).to.deep.equal([['e2e/pair', [two]], alone]);
    expect(chosen(suites, ['nothing'])).to.deep.equal([]);
  });

  it('counts tests, names skipped ones and shows what failed', async () => {
    const text =
      "describe('a', () => { it('b', () => {}); it('c'); it('d', () => { throw new Error('broken d'); }); });";
    const files = [write('x.test.mjs', text)];
    const result = await runSuite(suite({ kind: 'mocha', files }), { root: ROOT, manyRuns: 'no' });
    expect([result.outcome, result.passed, result.failed, result.skipped]).to.deep.equal(['failed', 1, 1, 1]);
    expect(result.remark).to.equal('1 skipped: a c');
    expect(result.output).to.contain('broken d');
  });

  it('a suite that dies or hangs has failed', async () => {
    const node = (code: string, limitMs: number): Promise<Result> =>
      runSuite(suite({ kind: 'node', args: ['-e', code] }, limitMs), { root: ROOT, manyRuns: 'no' });
    const died = await node('process.kill(process.pid, "SIGKILL")', 20_000);
    expect([died.outcome, died.failed]).to.deep.equal(['failed', 1]);
    const hung = await node('setInterval(() => {}, 1000)', 200);
    expect([hung.outcome, hung.remark]).to.deep.equal(['failed', 'ended after 0.2 s']);
  });

  it('ends with a table and one plain line', () => {
    const passed: Result = {
      ...unrunnable(suite({ kind: 'node', args: [] }), '', 'skipped'),
      outcome: 'passed',
      seconds: 1.25,
      cpuSeconds: 2.5,
      passed: 12,
      skipped: 0,
    };
    const results = [passed, unrunnable({ ...passed.suite, name: 'nginx' }, 'nginx: not installed', 'skipped')];
    expect(tableOf(results)).to.equal(
      [
        'suite           seconds  cpu s  passed',
        'x      run          1.3    2.5      12',
        'nginx  skipped      0.0              0  nginx: not installed',
      ].join('\n'),
    );
    expect(totalsOf(results)).to.equal('12 passed, 0 failed, 1 skipped');
    expect(timesOf(results, 185.7)).to.equal('3 min 5 s, 3 s of processor time');
  });

  it('counts the processor time of a suite and of the processes that it started', async () => {
    const spin = 'while (process.cpuUsage().user < 100_000) for (let i = 0; i < 1_000_000; i += 1);';
    const code = `${spin} require('node:child_process').execFileSync(process.execPath, ['-e', '${spin}'])`;
    const { cpuSeconds } = await runSuite(suite({ kind: 'node', args: ['-e', code] }), { root: ROOT, manyRuns: 'no' });
    expect(cpuSeconds).to.be.within(0.2, 5);
    expect(cpuSecondsIn('')).to.equal(null);
    expect(cpuSecondsIn('0m0.00s 0m0.00s\n2m1.50s 0m0.25s\n')).to.equal(121.75);
  });
});
