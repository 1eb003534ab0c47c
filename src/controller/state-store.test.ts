import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type OpenedStore, openStateStore, type StateStore, type StateStoreOptions } from './state-store.ts';

const STORE = new URL('./state-store.ts', import.meta.url).href;

describe('controller/state-store', () => {
  let dir: string;
  let problems: string[];
  let recovered: string[];
  let retries: { fire: () => void; delayMs: number }[];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'state-'));
    problems = [];
    recovered = [];
    retries = [];
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const options = (more: Partial<StateStoreOptions> = {}): StateStoreOptions => ({
    dir,
    setTimer: (fire, delayMs) => {
      const timer = { fire, delayMs };
      retries.push(timer);
      return () => {
        retries = retries.filter((other) => other !== timer);
      };
    },
    onProblem: (message) => problems.push(message),
    onRecovered: (message) => recovered.push(message),
    ...more,
  });
  const opened = async (more: Partial<StateStoreOptions> = {}): Promise<StateStore> => {
    const result = await openStateStore(options(more));
    if (!result.ok) throw new Error(result.message);
    return result.store;
  };
  const onDisk = (file: string): unknown => JSON.parse(readFileSync(join(dir, file), 'utf8'));

  it('gives back what was saved, from a directory it makes itself', async () => {
    dir = join(dir, 'deep', 'er');
    const store = await opened();
    expect(store.found('state.json')).to.equal(undefined);
    store.save('state.json', () => '{"n":1}');
    store.save('last-good.json', () => '{"good":true}');
    await store.close();
    const again = await opened();
    expect(again.found('state.json')).to.deep.equal({ n: 1 });
    expect(again.found('last-good.json')).to.deep.equal({ good: true });
    await again.close();
    expect(problems).to.deep.equal([]);
    expect(readdirSync(dir).sort()).to.deep.equal(['last-good.json', 'state.json']);
  });

  it('a burst of changes is one write, and what came during a write follows it', async () => {
    const texts: string[] = [];
    let finish = (): void => {};
    const write = (_path: string, text: string): Promise<void> => {
      texts.push(text);
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const store = await opened({ write });
    for (let i = 0; i < 500; i++) store.save('state.json', () => `${i}`);
    await Promise.resolve();
    await Promise.resolve();
    for (let i = 500; i < 600; i++) store.save('state.json', () => `${i}`);
    expect(texts).to.deep.equal(['499']);
    finish();
    await new Promise(setImmediate);
    expect(texts).to.deep.equal(['499', '599']);
    finish();
    await store.close();
  });

  it('a change that comes in the very moment a write ends is written too', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const texts: string[] = [];
      const store = await opened({ write: async (_path, text) => void texts.push(text) });
      store.save('state.json', () => 'before');
      for (let i = 0; i < turns; i++) await Promise.resolve();
      store.save('state.json', () => 'after');
      await new Promise(setImmediate);
      expect(texts.at(-1), `${turns} turns later`).to.equal('after');
      await store.close();
    }
  });

  it('a text that is long in the making is made at intervals, unless somebody waits for it', async () => {
    const texts: string[] = [];
    const store = await opened({ write: async (_path, text) => void texts.push(text) });
    const laborious = (text: string) => () => {
      const endMs = performance.now() + 5;
      while (performance.now() < endMs);
      return text;
    };
    store.save('state.json', laborious('1'));
    await new Promise(setImmediate);
    store.save('state.json', laborious('2'));
    await new Promise(setImmediate);
    expect(texts).to.deep.equal(['1']);
    expect(retries[0].delayMs, 'nine tenths of the time are left for traffic').to.be.at.least(45);
    retries[0].fire();
    await new Promise(setImmediate);
    expect(texts).to.deep.equal(['1', '2']);
    store.save('state.json', laborious('3'));
    expect(await store.isKept('state.json', 1000)).to.equal(true);
    store.save('state.json', laborious('4'));
    await store.close();
    expect(texts).to.deep.equal(['1', '2', '3', '4']);
  });

  it('says whether what was saved is on disk, and does not wait for a disk that hangs', async () => {
    let write = async (): Promise<void> => {};
    const store = await opened({ write: () => write() });
    expect(await store.isKept('state.json', 1000), 'nothing to keep').to.equal(true);
    store.save('state.json', () => '1');
    expect(await store.isKept('state.json', 1000)).to.equal(true);
    write = async () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    store.save('state.json', () => '2');
    expect(await store.isKept('state.json', 1000)).to.equal(false);
    expect(await store.isKept('state.json', 1000), 'while it waits for the retry').to.equal(false);
    let finish = (): void => {};
    write = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    retries[0].fire();
    const kept = store.isKept('state.json', 77);
    retries.find(({ delayMs }) => delayMs === 77)?.fire();
    expect(await kept).to.equal(false);
    finish();
    await store.close();
  });

  it('damaged files: starts clean, says so, keeps them aside', async () => {
    for (const text of ['', '{"format":1,"serv', '\u0000\u0000\u0000', 'garbage']) {
      writeFileSync(join(dir, 'state.json'), text);
      problems = [];
      const store = await opened();
      expect(store.found('state.json')).to.equal(undefined);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.include('state.json is damaged');
      expect(readFileSync(join(dir, 'state.json.unreadable'), 'utf8')).to.equal(text);
      await store.close();
    }
  });

  it('a failing disk is reported once, tried again ever more slowly, and said to be well again', async () => {
    let failing = true;
    let written = '';
    const write = async (_path: string, text: string): Promise<void> => {
      if (failing) throw Object.assign(new Error('disk'), { code: 'ENOSPC' });
      written = text;
    };
    const store = await opened({ write });
    store.save('state.json', () => 'first');
    const delays: number[] = [];
    for (let i = 0; i < 8; i++) {
      await new Promise(setImmediate);
      expect(retries).to.have.length(1);
      delays.push(retries[0].delayMs);
      store.save('state.json', () => `newest ${i}`);
      retries.shift()?.fire();
    }
    expect(delays).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(problems).to.have.length(1);
    expect(problems[0]).to.include('ENOSPC');
    failing = false;
    await new Promise(setImmediate);
    retries.shift()?.fire();
    await new Promise(setImmediate);
    expect(written).to.equal('newest 7');
    expect(recovered).to.have.length(1);
    await store.close();
  });

  it('a really full disk keeps the last whole file and leaves no debris', async function () {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]).status !== 0) this.skip();
    try {
      const store = await opened();
      store.save('state.json', () => '{"small":1}');
      await new Promise((resolve) => setTimeout(resolve, 50));
      store.save('state.json', () => JSON.stringify('x'.repeat(1_000_000)));
      await store.close();
      expect(problems.join()).to.include('ENOSPC');
      expect(onDisk('state.json')).to.deep.equal({ small: 1 });
      expect(readdirSync(dir)).to.deep.equal(['state.json']);
    } finally {
      spawnSync('umount', [dir]);
    }
  });

  it('a directory that vanished is made again', async () => {
    const store = await opened();
    rmSync(dir, { recursive: true });
    store.save('state.json', () => '1');
    await store.close();
    expect(onDisk('state.json')).to.equal(1);
  });

  it('a directory that cannot be is reported, and nothing else happens', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    const store = await opened({ dir: join(file, 'state') });
    expect(problems[0]).to.include('cannot be written (ENOTDIR)');
    store.save('state.json', () => '1');
    await store.close();
  });

  it('a read-only file system is still read', async function () {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]).status !== 0) this.skip();
    try {
      writeFileSync(join(dir, 'state.json'), '7');
      expect(spawnSync('mount', ['-o', 'remount,ro', dir]).status).to.equal(0);
      const store = await opened();
      expect(store.found('state.json')).to.equal(7);
      expect(problems[0]).to.include('cannot be written (EROFS)');
      store.save('state.json', () => '8');
      await store.close();
      expect(problems).to.have.length(2);
      expect(onDisk('state.json')).to.equal(7);
    } finally {
      spawnSync('umount', [dir]);
    }
  });

  describe('one process to a directory', () => {
    it('a second one is refused, by name, until the first lets go', async () => {
      const first = await opened();
      const second = (await openStateStore(options())) as Extract<OpenedStore, { ok: false }>;
      expect(second).to.include({ ok: false, code: 'state_dir_in_use' });
      expect(second.message).to.include(`in use by process ${process.pid}`);
      await first.close();
      await (await opened()).close();
    });

    it('takes over what the dead, the damaged and other hosts left', async () => {
      const dead = spawnSync('true').pid;
      const left = [
        '',
        'garbage',
        JSON.stringify({ pid: dead, host: 'x', started: null }),
        JSON.stringify({ pid: process.pid, host: (await import('node:os')).hostname(), started: 'another life' }),
        JSON.stringify({ pid: 1, host: 'another-host', started: null }),
      ];
      for (const text of left) {
        writeFileSync(join(dir, 'lock'), text);
        await (await opened()).close();
        expect(existsSync(join(dir, 'lock')), text).to.equal(false);
      }
    });

    it('of many at once exactly one gets in, stale lock or not', async () => {
      for (const stale of [null, 'garbage']) {
        if (stale !== null) writeFileSync(join(dir, 'lock'), stale);
        const all = await Promise.all(Array.from({ length: 20 }, () => openStateStore(options())));
        const winners = all.filter((result) => result.ok);
        expect(winners).to.have.length(1);
        for (const winner of winners) await winner.store.close();
        expect(readdirSync(dir)).to.deep.equal([]);
      }
    });
  });

  it('kill -9 at any moment leaves the old text or the new, and the next process starts', async function () {
    this.timeout(20_000);
    mkdirSync(dir, { recursive: true });
    // Counts up, as fast as the disk goes, in texts long enough that half of one would show.
    const program = `
      import { openStateStore } from ${JSON.stringify(STORE)};
      const opened = await openStateStore({ dir: process.argv[1], setTimer: () => () => {},
        onProblem: (text) => { console.log('problem ' + text); }, onRecovered: () => {} });
      if (!opened.ok) throw new Error(opened.message);
      const before = opened.store.found('state.json');
      let n = before === undefined ? 0 : before.n;
      console.log('found ' + n);
      setInterval(() => { n++; opened.store.save('state.json', () => JSON.stringify({ n, pad: 'x'.repeat(50000), end: n })); }, 0);
    `;
    let last = 0;
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (bytes: Buffer) => {
        output += bytes;
      });
      while (!output.includes('found')) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      await new Promise((resolve) => setTimeout(resolve, 5 + round * 7));
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      expect(output).to.not.include('problem');
      const found = Number(/found (\d+)/.exec(output)?.[1]);
      expect(found).to.be.at.least(last);
      last = found;
      if (!existsSync(join(dir, 'state.json'))) continue;
      const { n, pad, end } = onDisk('state.json') as { n: number; pad: string; end: number };
      expect([n, pad.length]).to.deep.equal([end, 50_000]);
    }
    expect(last).to.be.above(0);
  });
});
