#!/usr/bin/env node
/**
 * The command's front door: plain JavaScript that even old Nodes can read. Where the present Node is too old for the program, it
 * runs itself again with the Node 24 that the `node` package puts into node_modules, and passes streams, signals and
 * the exit code on. In a checkout it starts the sources, in a published package what was compiled from them.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const CANNOT = 2;
// Half of them look names up. Of Node's four a few names of a silent name server leave none for the others; it is read once.
process.env.UV_THREADPOOL_SIZE ??= '32';
const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '..');

if (isFit(process.versions.node)) await start();
else startWithFitNode();

/** 22.18 is the first Node that runs TypeScript without a flag. */
function isFit(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

async function start() {
  const main = mainFile();
  if (main === null) {
    return fail(`the program is missing beside ${here}`, 'install the package again; in a checkout: `git status`');
  }
  if (main.endsWith('.ts')) keepCompiled();
  try {
    await import(pathToFileURL(main).href);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' || existsSync(join(root, 'node_modules', 'commander'))) throw error;
    fail('its dependencies are not installed', `run \`npm ci\` in ${root}`);
  }
}

/** Types are not stripped below a node_modules: there only the compiled program can run. */
function mainFile() {
  const source = join(root, 'src', 'cli', 'main.ts');
  if (existsSync(source) && !root.split(sep).includes('node_modules')) return source;
  const compiled = join(root, 'dist', 'cli', 'main.js');
  return existsSync(compiled) ? compiled : null;
}

/**
 * Taking the types out of the sources is half the CPU of a start, so what is left of them is kept beside them: who can write there
 * can write the sources too. A published package has no such place (a directory in /tmp could be somebody else's), and gains little.
 */
function keepCompiled() {
  // Coverage counts functions from a cache less exactly.
  if (process.env.NODE_COMPILE_CACHE !== undefined || process.env.NODE_V8_COVERAGE !== undefined) return;
  const place = join(root, '.cache', 'compiled');
  // It says in what it returns, and never throws, that there is no writing. Our threads find the place by the variable.
  if (module.enableCompileCache(place).directory !== undefined) process.env.NODE_COMPILE_CACHE = place;
}

function startWithFitNode() {
  const node = bundledNode();
  if (node === null) {
    return fail(
      `Node 22.18 or later is needed, this is ${process.version}`,
      `in a checkout run \`npm ci\` (it brings Node 24 along); else install Node 24 from https://nodejs.org`,
    );
  }
  // The fourth stream is closed by the kernel when this process dies, even of SIGKILL: `run` ends then too.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    fail(`${node} does not run: ${error.message}`, 'run `npm ci` again, or install Node 24 from https://nodejs.org');
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const handled of signals) process.removeAllListeners(handled);
    process.kill(process.pid, signal);
  });
}

/** The nearest one at or above our directory: our own dependencies' or, installed as a dependency, our host's. */
function bundledNode() {
  for (let directory = root; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', 'node');
    const node = join(candidate, 'bin', 'node');
    // Without a fit version the second run would end here again, for ever.
    if (existsSync(node) && isFit(JSON.parse(readFileSync(join(candidate, 'package.json'), 'utf8')).version))
      return node;
    if (dirname(directory) === directory) return null;
  }
}

function fail(problem, cure) {
  process.stderr.write(`migration-proxy: ${problem}; ${cure}\n`);
  process.exitCode = CANNOT;
}
