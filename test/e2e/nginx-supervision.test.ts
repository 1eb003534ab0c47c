/**
 * nginx over deaths: its own, its workers', and ours. It serves again by itself, is never there twice, and outlives us.
 * @needs nginx
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { NginxBench, needsNginx, oddNginx, smallText, wordAt } from '../support/small-nginx.ts';

const KEEPER = fileURLToPath(new URL('../support/small-nginx-keeper.ts', import.meta.url));
const bench = new NginxBench();

const serves = (port: number, word: string): Promise<unknown> =>
  eventually(`${word} on ${port}`, async () => (await wordAt(port)) === word);

/** Masters whose configuration is the directory's. */
function mastersIn(directory: string): number[] {
  return pids().filter((pid) => {
    // A worker bears its master's title until it has one of its own.
    return statOf(pid)?.[2] === String(pid) && titleOf(pid).includes(` -c ${directory}/nginx.conf `);
  });
}

function workersOf(master: number): number[] {
  return pids().filter((pid) => {
    const fields = statOf(pid);
    return fields !== null && Number(fields[2]) === master && pid !== master && fields[0] !== 'Z';
  });
}

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

describe('nginx in our care', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  before(function () {
    needsNginx(this);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await bench.end();
  });

  /** The pid of the nginx that it keeps; `said` is all that it said until then. */
  async function keeper(directory: string, port: number, word: string) {
    const child = spawn(process.execPath, [KEEPER, directory, String(port), word], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let said = '';
    child.stdout.on('data', (piece: Buffer) => {
      said += piece;
    });
    const ready = await eventually('the keeper is ready', () => /ready (\d+)/.exec(said));
    return { child, pid: bench.note(Number(ready[1])), said };
  }

  it('serves again when the whole of nginx was killed', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx, events } = bench.make(directory);
    const text = smallText(directory, { port, word: 'here' });
    await nginx.install(text);
    const pid = nginx.pid() as number;
    process.kill(-pid, 'SIGKILL');
    await eventually('a restart', () => events.some(({ kind }) => kind === 'restarted'));
    expect(events[0]).to.deep.include({ kind: 'exited', pid, signal: 'SIGKILL' });
    expect(await wordAt(port)).to.equal('here');
    expect(nginx.runningToken()).to.equal(text.token);
    expect(mastersIn(directory)).to.deep.equal([nginx.pid()]);
  });

  it('serves again when the master alone was killed: its workers let go of the ports and finish their requests', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx, events } = bench.make(directory);
    await nginx.install(smallText(directory, { port, word: 'here', workers: 2 }));
    const pid = nginx.pid() as number;
    const workers = workersOf(pid);
    expect(workers).to.have.length(2);
    const held = connect(port, '127.0.0.1');
    held.setEncoding('latin1');
    let answer = '';
    held.on('data', (piece: string) => {
      answer += piece;
    });
    // Half a head: a request is under way.
    held.write('GET /x HTTP/1.1\r\nHost: a\r\n');
    await once(held, 'ready').catch(() => {});
    await eventually('a worker reads the head', () => nginx.connections().then((now) => (now?.reading ?? 0) >= 1));
    process.kill(pid, 'SIGKILL');
    await eventually('a restart', () => events.some(({ kind }) => kind === 'restarted'));
    expect(await wordAt(port)).to.equal('here');
    expect(nginx.pid()).to.not.equal(pid);
    held.write('\r\n');
    await eventually('the old worker answers', () => answer.endsWith('here'));
    held.destroy();
    await eventually('the old workers are gone', () => workersOf(pid).length === 0);
    expect(workersOf(nginx.pid() as number)).to.have.length(2);
  });

  it('has a worker that was killed back from nginx itself', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx, events } = bench.make(directory);
    await nginx.install(smallText(directory, { port, word: 'here', workers: 1 }));
    const [worker] = workersOf(nginx.pid() as number);
    process.kill(worker, 'SIGKILL');
    await eventually('another worker', () => workersOf(nginx.pid() as number).some((pid) => pid !== worker));
    await serves(port, 'here');
    expect(events).to.deep.equal([]);
  });

  it('tries again and again where it cannot be restarted, says so, and takes a text that can', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const broken = join(directory, 'broken');
    const program = oddNginx(`[ "$1" != -t ] && [ -e ${broken} ] && echo 'no luck' >&2 && exit 3`);
    const { nginx, events } = bench.make(directory, { nginx: program });
    await nginx.install(smallText(directory, { port, word: 'one' }));
    writeFileSync(broken, '');
    process.kill(-(nginx.pid() as number), 'SIGKILL');
    const tries = await eventually('three tries', () => {
      const failed = events.filter((event) => event.kind === 'restart_failed');
      return failed.length >= 3 ? failed : null;
    });
    expect(tries.slice(0, 3).map(({ nextTryMs }) => nextTryMs)).to.deep.equal([200, 400, 800]);
    expect(tries[0].message).to.equal('no luck');
    expect([nginx.runningToken(), nginx.pid()]).to.deep.equal([null, null]);
    const installed = await nginx.install(smallText(directory, { port, word: 'two' }));
    expect(installed).to.deep.equal({ ok: false, stage: 'start', message: 'no luck' });
    rmSync(broken);
    await eventually('a restart', () => events.some(({ kind }) => kind === 'restarted'));
    expect(await wordAt(port)).to.equal('one');
    expect(await nginx.install(smallText(directory, { port, word: 'two' }))).to.deep.equal({ ok: true });
    await serves(port, 'two');
    expect(mastersIn(directory)).to.have.length(1);
  });

  it('outlives us, and is taken over by the next of us without a reload', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const first = await keeper(directory, port, 'kept');
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(await wordAt(port)).to.equal('kept');
    const workers = workersOf(first.pid);
    const second = await keeper(directory, port, 'kept');
    expect(second.said).to.match(/^adopted\n/);
    expect([second.pid, workersOf(second.pid)]).to.deep.equal([first.pid, workers]);
    second.child.kill('SIGKILL');
    await once(second.child, 'exit');

    const { nginx, events } = bench.make(directory);
    expect(await nginx.adopt()).to.equal(true);
    expect(nginx.pid()).to.equal(first.pid);
    expect(await nginx.install(smallText(directory, { port, word: 'next' }))).to.deep.equal({ ok: true });
    await serves(port, 'next');
    expect(nginx.pid()).to.equal(first.pid);
    process.kill(-first.pid, 'SIGKILL');
    await eventually('a restart of the one taken over', () => events.some(({ kind }) => kind === 'restarted'));
    expect(await wordAt(port)).to.equal('next');
  });

  it('is taken over with the text that it runs, where we died between writing and reloading', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const one = smallText(directory, { port, word: 'one' });
    await nginx.install(one);
    await nginx.letGo();
    writeFileSync(join(directory, 'nginx.conf.last-good'), one.text);
    writeFileSync(join(directory, 'nginx.conf'), smallText(directory, { port, word: 'never confirmed' }).text);
    const { nginx: next, events } = bench.make(directory);
    expect(await next.adopt()).to.equal(true);
    expect(next.runningToken()).to.equal(one.token);
    process.kill(-(next.pid() as number), 'SIGKILL');
    await eventually('a restart', () => events.some(({ kind }) => kind === 'restarted'));
    expect(await wordAt(port)).to.equal('one');
  });

  it('is found without its pid file, and a pid file of another process misleads nobody', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    await nginx.install(smallText(directory, { port, word: 'here' }));
    const pid = nginx.pid();
    await nginx.letGo();
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      detached: true,
      stdio: 'ignore',
    });
    children.push(stranger);
    writeFileSync(join(directory, 'run', 'nginx.pid'), `${stranger.pid}\n`);
    const next = bench.make(directory).nginx;
    expect(await next.adopt()).to.equal(true);
    expect(next.pid()).to.equal(pid);
    await next.stop(0);
    writeFileSync(join(directory, 'run', 'nginx.pid'), `${stranger.pid}\n`);
    const last = bench.make(directory).nginx;
    expect(await last.adopt()).to.equal(false);
    expect(await last.install(smallText(directory, { port, word: 'anew' }))).to.deep.equal({ ok: true });
    expect(await wordAt(port)).to.equal('anew');
    expect([stranger.exitCode, stranger.signalCode]).to.deep.equal([null, null]);
  });

  it('makes room where an nginx of ours is there that no longer answers, or its workers alone', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const first = bench.make(directory).nginx;
    await first.install(smallText(directory, { port, word: 'mute' }));
    const mute = bench.note(first.pid() as number);
    await first.letGo();
    rmSync(join(directory, 'run', 'control.sock'));
    const second = bench.make(directory).nginx;
    expect(await second.adopt()).to.equal(false);
    expect(await second.install(smallText(directory, { port, word: 'second' }))).to.deep.equal({ ok: true });
    expect(mastersIn(directory)).to.deep.equal([second.pid()]);
    expect(workersOf(mute)).to.deep.equal([]);

    const orphans = bench.note(second.pid() as number);
    await second.letGo();
    process.kill(orphans, 'SIGKILL');
    await eventually('the master is dead', () => mastersIn(directory).length === 0);
    expect(await wordAt(port)).to.equal('second');
    const third = bench.make(directory).nginx;
    expect(await third.adopt()).to.equal(false);
    expect(await third.install(smallText(directory, { port, word: 'third' }))).to.deep.equal({ ok: true });
    expect(await wordAt(port)).to.equal('third');
    await eventually('the orphans are gone', () => workersOf(orphans).length === 0);
  });

  it('ends with what is under way, and without what takes longer than the grace', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    await nginx.install(smallText(directory, { port, word: 'last' }));
    const pid = nginx.pid() as number;
    const held = connect(port, '127.0.0.1');
    held.on('error', () => {});
    held.write('GET / HTTP/1.1\r\nHost: a\r\n');
    await eventually('a worker reads the head', () => nginx.connections().then((now) => (now?.reading ?? 0) >= 1));
    const stopped = nginx.stop(20_000);
    await eventually('nobody is let in', () =>
      wordAt(port).then(
        () => false,
        () => true,
      ),
    );
    held.write('\r\n');
    const [piece] = await once(held, 'data');
    expect(String(piece)).to.contain('200 OK').and.to.contain('last');
    held.destroy();
    await stopped;
    expect([mastersIn(directory), workersOf(pid), existsSync(join(directory, 'run', 'nginx.pid'))]).to.deep.equal([
      [],
      [],
      false,
    ]);

    const other = bench.make(directory).nginx;
    await other.install(smallText(directory, { port, word: 'stuck' }));
    const stuck = other.pid() as number;
    for (const worker of workersOf(stuck)) process.kill(worker, 'SIGSTOP');
    await other.stop(100);
    expect([mastersIn(directory), workersOf(stuck)]).to.deep.equal([[], []]);
    expect(await other.install(smallText(directory, { port, word: 'x' }))).to.deep.include({ ok: false });
  });

  it('opens its logs anew', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const server = `access_log ${directory}/log/outcome.log;`;
    await nginx.install(smallText(directory, { port, word: 'logged', server }));
    const log = join(directory, 'log', 'outcome.log');
    rmSync(log);
    nginx.reopenLogs();
    await eventually('the log is there again', () => existsSync(log));
    await eventually('it is written', async () => (await wordAt(port)) && readFileSync(log, 'utf8').length > 0);
  });
});
