/**
 * `node scripts/run.mjs WHAT ARGS...`: sets the checkout up where that is due, then runs one of the project's programs with
 * the Node of node_modules. In: a name of the table below. Out: that program's streams and exit code; signals pass through.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { SetupError } from './setup/cure.mjs';
import { environment, forget, NODE, ROOT, setUp } from './setup.mjs';

const modules = (...path) => join(ROOT, 'node_modules', ...path);
const PROXY = join(ROOT, 'bin', 'migration-proxy.mjs');
const TESTS = join(ROOT, 'scripts', 'test.ts');

// Each gives the arguments of Node. Biome's launcher is plain JavaScript too.
const PROGRAMS = {
  start: (args) => [PROXY, ...(args.length === 0 ? ['demo'] : ['run', ...args])],
  demo: (args) => [PROXY, 'demo', ...args],
  check: (args) => [TESTS, 'check', ...args],
  test: (args) => [TESTS, 'test', ...args],
  'test:full': (args) => [TESTS, 'full', ...args],
  coverage: (args) => [
    modules('c8', 'bin', 'c8.js'),
    '--src',
    'src',
    '--include',
    'src/**/*.ts',
    '--exclude',
    '**/*.test.ts',
    '-r',
    'text',
    '-r',
    'html',
    modules('mocha', 'bin', 'mocha.js'),
    '--reporter',
    'dot',
    'src/**/*.test.ts',
    ...args,
  ],
  build: (args) => [join(ROOT, 'scripts', 'build.ts'), ...args],
  bench: (args) => [join(ROOT, 'bench', 'bench.ts'), ...args],
  lint: (args) => [modules('@biomejs', 'biome', 'bin', 'biome'), 'lint', ...args],
  format: (args) => [modules('@biomejs', 'biome', 'bin', 'biome'), 'check', '--write', ...args],
};

async function main([what, ...args]) {
  const program = Object.hasOwn(PROGRAMS, what ?? '') ? PROGRAMS[what] : null;
  if (program === null) {
    process.stderr.write(`run: WHAT is one of ${Object.keys(PROGRAMS).join(', ')}\n`);
    return 2;
  }
  await setUp();
  return run(program(args));
}

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(NODE, args, { stdio: 'inherit', env: environment() });
    // A terminal sends Ctrl-C to the whole group: the program decides when it has ended, so we only wait for it.
    process.on('SIGINT', () => {});
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.once('error', (error) => {
      forget();
      process.stderr.write(`run: ${NODE}: ${error.message}; the same command again sets the checkout up anew\n`);
      resolve(2);
    });
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGKILL' ? 9 : 15)),
    );
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`set-up: ${error.message}\n`);
    process.exitCode = 2;
  },
);
