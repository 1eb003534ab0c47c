/**
 * Makes a fresh clone ready, and is done at once where it is ready already. In: package-lock.json and what the machine has
 * (Node 18 or later, npm). Out: node_modules as the lock file says, with a Node that runs this project's sources, and a
 * stamp that says so. No dependencies: it runs before there are any. Refuses to know what is run afterwards.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cureFor, SetupError } from './setup/cure.mjs';
import { withLock } from './setup/lock.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.set-up-for');
/** The Node that comes with the development dependencies. */
export const NODE = join(MODULES, 'node', 'bin', 'node');

/** Resolves when the checkout is ready; rejects with a SetupError whose message ends with the cure. */
export async function setUp() {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    throw new SetupError(
      `Node ${process.version} is too old`,
      'install Node 18 or later (Debian: apt-get install nodejs)',
    );
  }
  if (isReady()) return;
  await withLock(join(ROOT, '.cache', 'set-up.lock'), say, async () => {
    // Whoever held the lock before may have done it all.
    if (!isReady()) await makeReady();
  });
}

/** The environment in which the project's programs and its Node come first. */
export function environment() {
  const path = [join(MODULES, '.bin'), process.env.PATH ?? ''].join(delimiter);
  return { ...process.env, PATH: path };
}

/** Forgets that the checkout is ready: the next set-up looks at everything again. */
export function forget() {
  rmSync(STAMP, { force: true });
}

async function makeReady() {
  const began = Date.now();
  forget();
  if (isInstalled()) say('packages are there as package-lock.json says');
  else await install();
  await provideNode();
  writeFileSync(STAMP, wanted());
  say(`ready after ${((Date.now() - began) / 1000).toFixed(0)} s`);
}

function isReady() {
  try {
    return readFileSync(STAMP, 'utf8') === wanted() && existsSync(NODE);
  } catch {
    return false;
  }
}

// Not the version of the Node that happens to run this: packages are the same for each, and the project runs on its own.
function wanted() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  return `${process.platform} ${process.arch} ${createHash('sha256').update(lock).digest('hex')}\n`;
}

/** True where `npm ci` was already run by hand: every package that is not optional has the version of the lock file. */
function isInstalled() {
  try {
    const read = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
    const installed = read(join(MODULES, '.package-lock.json'));
    const locked = Object.entries(read(join(ROOT, 'package-lock.json')));
    return locked.every(([path, entry]) => {
      if (path === '' || entry.optional || entry.peer) return true;
      return installed[path]?.version === entry.version && existsSync(join(ROOT, path));
    });
  } catch {
    return false;
  }
}

async function install() {
  const count = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages).length - 1;
  say(`installing ${count} packages (npm ci), about 350 MB on disk`);
  // NODE_ENV=production would leave out what the tests and the demo run on.
  await npm('install the packages', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
}

// The binary of the package `node` comes by its install script, which `ignore-scripts` and some npm settings leave out.
async function provideNode() {
  if (versionOf(NODE) === null) {
    say("node_modules' Node is missing (install scripts were left out): npm rebuild node");
    await npm('fetch Node', ['rebuild', 'node', '--ignore-scripts=false', '--foreground-scripts', '--loglevel=error']);
  }
  const version = versionOf(NODE);
  if (version === null) {
    throw new SetupError(
      `${NODE} does not run`,
      "allow the install script of the package node: 'npm rebuild node', then again",
    );
  }
  say(`Node ${version} runs`);
}

function versionOf(node) {
  const run = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return run.status === 0 ? run.stdout.trim() : null;
}

function npm(what, args) {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    const end = () => child.kill();
    process.once('exit', end);
    const began = Date.now();
    const patience = setInterval(() => say(`npm is at work, ${Math.round((Date.now() - began) / 1000)} s`), 15_000);
    child.once('error', (error) => {
      clearInterval(patience);
      reject(new SetupError(`could not ${what}: ${error.message}`, cureFor(error.message)));
    });
    child.once('close', (code) => {
      clearInterval(patience);
      process.off('exit', end);
      if (code === 0) return resolve();
      // npm's first lines say what was wrong; what follows is its usage.
      const words = output.trim().split('\n').slice(0, 12).join('\n');
      reject(new SetupError(`could not ${what}: npm ${args[0]} ended with ${code}\n${words}`, cureFor(output)));
    });
  });
}

function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setUp().catch((error) => {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`set-up: ${error.message}\n`);
    process.exitCode = 2;
  });
}
