/**
 * The set-up of a fresh clone, with an npm that does what the test says: what it installs is a fake, what it does about
 * locks, missing scripts and failures is the real thing.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { REPOSITORY } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Does what `npm ci` does, with one package; the shell script's directory is the checkout. */
const GOOD_CI = `mkdir -p node_modules/node/bin node_modules/a
echo '#!/bin/sh' > node_modules/node/bin/node; echo 'echo v24.0.0' >> node_modules/node/bin/node
chmod +x node_modules/node/bin/node
cp package-lock.json node_modules/.package-lock.json`;

class Checkout {
  readonly root = tempDir();

  constructor(npm: string) {
    for (const part of ['scripts/setup.mjs', 'scripts/setup']) {
      mkdirSync(dirname(join(this.root, part)), { recursive: true });
      cpSync(join(REPOSITORY, part), join(this.root, part), { recursive: true });
    }
    const packages = { '': {}, 'node_modules/a': { version: '1.0.0' } };
    writeFileSync(join(this.root, 'package-lock.json'), JSON.stringify({ packages }));
    this.npm(npm);
  }

  npm(script: string): void {
    mkdirSync(join(this.root, 'bin'), { recursive: true });
    writeFileSync(join(this.root, 'bin', 'npm'), `#!/bin/sh\necho "$@" >> "${this.root}/npm.log"\n${script}\n`);
    chmodSync(join(this.root, 'bin', 'npm'), 0o755);
  }

  /** What npm was asked for, a line a call. */
  get calls(): string[] {
    const log = join(this.root, 'npm.log');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  }

  get lock(): string {
    return join(this.root, '.cache', 'set-up.lock');
  }

  start(path = `${join(this.root, 'bin')}:${process.env.PATH}`): SetUp {
    return new SetUp(
      spawn(process.execPath, ['scripts/setup.mjs'], { cwd: this.root, env: { ...process.env, PATH: path } }),
    );
  }
}

class SetUp {
  stderr = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }
}

describe('the set-up', () => {
  it('installs once, says so line by line, and is silent the second time', async () => {
    const checkout = new Checkout(GOOD_CI);
    const first = checkout.start();
    expect(await first.ended, first.stderr).to.equal(0);
    expect(checkout.calls).to.deep.equal(['ci --include=dev --no-audit --no-fund --loglevel=error']);
    expect(first.stderr).to.match(
      /^set-up: installing 1 packages .*\nset-up: Node v24\.0\.0 runs\nset-up: ready after \d+ s\n$/,
    );
    expect(existsSync(checkout.lock)).to.equal(false);
    const second = checkout.start();
    expect(await second.ended).to.equal(0);
    expect(second.stderr).to.equal('');
    expect(checkout.calls).to.have.length(1);
  });

  it('installs again after a change of the lock file, and not after an npm ci by hand', async () => {
    const checkout = new Checkout(GOOD_CI);
    await checkout.start().ended;
    const packages = { '': {}, 'node_modules/a': { version: '1.0.1' } };
    writeFileSync(join(checkout.root, 'package-lock.json'), JSON.stringify({ packages }));
    cpSync(join(checkout.root, 'package-lock.json'), join(checkout.root, 'node_modules', '.package-lock.json'));
    const byHand = checkout.start();
    expect(await byHand.ended).to.equal(0);
    expect(byHand.stderr).to.match(/packages are there/);
    packages['node_modules/a'].version = '1.0.2';
    writeFileSync(join(checkout.root, 'package-lock.json'), JSON.stringify({ packages }));
    expect(await checkout.start().ended).to.equal(0);
    expect(checkout.calls).to.have.length(2);
  });

  it('repairs a Node that was left out with the install scripts', async () => {
    const checkout = new Checkout(`[ "$1" = rebuild ] || { mkdir -p node_modules/a; exit 0; }\n${GOOD_CI}`);
    const run = checkout.start();
    expect(await run.ended, run.stderr).to.equal(0);
    expect(checkout.calls[1]).to.match(/^rebuild node --ignore-scripts=false /);
    expect(run.stderr).to.match(/Node is missing .*\nset-up: Node v24/);
  });

  for (const [what, npm, cure] of [
    ['a full disk', 'echo npm error code ENOSPC >&2; exit 1', /cure: the disk is full/],
    ['no network', 'echo npm error code EAI_AGAIN >&2; exit 1', /cure: the package registry does not answer/],
    ['a Node that never comes', 'mkdir -p node_modules/a', /cure: allow the install script of the package node/],
    ['something else', 'echo odd; exit 7', /npm ci ended with 7\nodd\n {2}cure: read npm's words above/],
  ] as const) {
    it(`ends with the cure for ${what}, and leaves no lock`, async () => {
      const checkout = new Checkout(npm);
      const run = checkout.start();
      expect(await run.ended).to.equal(2);
      expect(run.stderr).to.match(cure);
      expect(run.stderr).not.to.match(/ at .*\.mjs/);
      expect(existsSync(checkout.lock)).to.equal(false);
    });
  }

  it('says what to do without npm', async () => {
    const run = new Checkout(GOOD_CI).start('/nowhere');
    expect(await run.ended).to.equal(2);
    expect(run.stderr).to.match(/cure: npm is not on the PATH/);
  });

  it('waits for another set-up and then has nothing to do', async () => {
    const checkout = new Checkout(`while [ ! -e go ]; do sleep 0.05; done\n${GOOD_CI}`);
    const first = checkout.start();
    await eventually('the first holds the lock', () => checkout.calls.length === 1);
    const second = checkout.start();
    await eventually('the second waits', () => /another set-up is at work \(process \d+ on/.test(second.stderr));
    writeFileSync(join(checkout.root, 'go'), '');
    expect(await Promise.all([first.ended, second.ended])).to.deep.equal([0, 0]);
    expect(checkout.calls).to.have.length(1);
  });

  it('takes over the lock of one that is gone, and gives its own back when it is interrupted', async () => {
    const checkout = new Checkout(GOOD_CI);
    const gone = spawn('true');
    await new Promise((resolve) => gone.once('close', resolve));
    mkdirSync(dirname(checkout.lock));
    writeFileSync(checkout.lock, `${gone.pid} ${hostname()} 0`);
    const run = checkout.start();
    expect(await run.ended).to.equal(0);
    expect(run.stderr).to.match(/taking over from a set-up that has ended/);

    const slow = new Checkout('exec sleep 20');
    const interrupted = slow.start();
    await eventually('it holds the lock', () => slow.calls.length === 1);
    interrupted.child.kill('SIGINT');
    await eventually('it ended', () => interrupted.child.exitCode === 130);
    expect(existsSync(slow.lock)).to.equal(false);
  });
});
