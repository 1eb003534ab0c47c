/**
 * Texts installed in a real nginx: each serves, or the last good one serves on and the answer says why, in nginx's words.
 * @needs nginx
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Installed } from '../../src/nginx/process/candidate.ts';
import { eventually } from '../support/eventually.ts';
import { freePort, freePorts } from '../support/ports.ts';
import { makeReadOnly } from '../support/read-only.ts';
import { NginxBench, needsNginx, oddNginx, smallText, wordAt } from '../support/small-nginx.ts';

const bench = new NginxBench();

function refused(installed: Installed, stage: string): string {
  if (installed.ok) throw new Error('it was installed');
  expect(installed.stage, installed.message).to.equal(stage);
  return installed.message;
}

function holding(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

const serves = (port: number, word: string): Promise<unknown> =>
  eventually(`${word} on ${port}`, async () => (await wordAt(port)) === word);

describe('installing a text in nginx', function () {
  this.timeout(60_000);
  before(function () {
    needsNginx(this);
  });
  afterEach(() => bench.end());

  it('starts with the first, reloads with the next, and does nothing for the same', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    expect(nginx.runningToken()).to.equal(null);
    const one = smallText(directory, { port, word: 'one' });
    expect(await nginx.install(one)).to.deep.equal({ ok: true });
    expect(await wordAt(port)).to.equal('one');
    const pid = nginx.pid();
    const two = smallText(directory, { port, word: 'two' });
    expect(await nginx.install(two)).to.deep.equal({ ok: true });
    await serves(port, 'two');
    expect([nginx.pid(), nginx.runningToken()]).to.deep.equal([pid, two.token]);
    expect(readFileSync(join(directory, 'nginx.conf.last-good'), 'utf8')).to.equal(one.text);
    expect(statSync(join(directory, 'nginx.conf')).mode & 0o777).to.equal(0o600);
    const written = statSync(join(directory, 'nginx.conf')).ino;
    expect(await nginx.install(two)).to.deep.equal({ ok: true });
    expect(statSync(join(directory, 'nginx.conf')).ino).to.equal(written);
    expect((await nginx.connections())?.active).to.be.at.least(1);
  });

  it("says in nginx's words why a text is no good, and the last good one serves on", async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const good = smallText(directory, { port, word: 'good' });
    const bad = smallText(directory, { port, word: 'bad', http: 'proxy_pass_headers on;' });
    expect(refused(await nginx.install(bad), 'check')).to.match(/^unknown directive "proxy_pass_headers" in \//);
    expect(existsSync(join(directory, 'nginx.conf'))).to.equal(false);
    expect(await nginx.install(good)).to.deep.equal({ ok: true });
    const words = refused(await nginx.install(bad), 'check');
    expect(words).to.contain(`in ${directory}/nginx.conf:`).and.not.to.contain('scratch');
    refused(await nginx.install({ ...bad, text: '\u0000\u001b{{{;;; "' }), 'check');
    refused(await nginx.install({ ...bad, text: '' }), 'check');
    expect(await nginx.check(good)).to.equal(null);
    expect(await nginx.check(bad)).to.contain('proxy_pass_headers');
    expect(await wordAt(port)).to.equal('good');
    expect(readFileSync(join(directory, 'nginx.conf'), 'utf8')).to.equal(good.text);
    expect(readdirSync(directory)).to.not.include('scratch');
  });

  it('checks without touching what runs', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx, events } = bench.make(directory);
    await nginx.install(smallText(directory, { port, word: 'live' }));
    const seen = (): unknown[] =>
      ['run/control.sock', 'run/nginx.pid', 'log/error.log', 'nginx.conf'].map((name) => {
        const { ino, size, mtimeMs } = statSync(join(directory, name));
        return [name, ino, size, mtimeMs];
      });
    const before = seen();
    const one = `server { listen 127.0.0.1:${await freePort()}; server_name a; }`;
    const twice = `${one} ${one}`;
    expect(await nginx.check(smallText(directory, { port, word: 'other', http: twice }))).to.equal(null);
    expect(seen()).to.deep.equal(before);
    expect(await wordAt(port)).to.equal('live');
    await nginx.install(smallText(directory, { port, word: 'other', http: twice }));
    expect(JSON.stringify(events)).to.contain('conflicting server name \\"a\\"');
  });

  it('names a port that another process has, at a start', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const holder = await holding(port);
    try {
      const words = refused(await nginx.install(smallText(directory, { port, word: 'x' })), 'start');
      expect(words).to.contain(`bind() to 127.0.0.1:${port} failed`).and.to.contain('Address already in use');
      expect(nginx.runningToken()).to.equal(null);
    } finally {
      holder.close();
    }
    expect(await nginx.install(smallText(directory, { port, word: 'x' }))).to.deep.equal({ ok: true });
  });

  it('names a port that another process has, at a reload that nginx says it did', async () => {
    const directory = bench.directory();
    const [port, taken] = await freePorts(2);
    const { nginx } = bench.make(directory);
    const good = smallText(directory, { port, word: 'good' });
    await nginx.install(good);
    const holder = await holding(taken);
    try {
      const moved = smallText(directory, { port: taken, word: 'moved' });
      expect(await nginx.check(moved)).to.equal(null);
      expect(refused(await nginx.install(moved), 'reload')).to.contain(`bind() to 127.0.0.1:${taken} failed`);
      expect(nginx.runningToken()).to.equal(good.token);
      expect(await wordAt(port)).to.equal('good');
      expect(readFileSync(join(directory, 'nginx.conf'), 'utf8')).to.equal(good.text);
    } finally {
      holder.close();
    }
    expect(await nginx.install(smallText(directory, { port: taken, word: 'moved' }))).to.deep.equal({ ok: true });
    await serves(taken, 'moved');
  });

  it('goes back where the new generation does not answer with its token', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory, { deadlines: { confirmMs: 700 } });
    const wrong = smallText(directory, { port, word: 'wrong', answered: 'another' });
    expect(refused(await nginx.install(wrong), 'confirm')).to.contain('within 0.7 s');
    await eventually('nobody listens', () =>
      wordAt(port).then(
        () => false,
        () => true,
      ),
    );
    const good = smallText(directory, { port, word: 'good' });
    await nginx.install(good);
    expect(refused(await nginx.install(wrong), 'confirm')).to.contain('did not answer with the new generation');
    await serves(port, 'good');
    expect(nginx.runningToken()).to.equal(good.token);
    expect(readFileSync(join(directory, 'nginx.conf'), 'utf8')).to.equal(good.text);
  });

  it('goes back where the master takes a text under which no worker can work', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const idle = smallText(directory, { port, word: 'idle', main: 'working_directory /nowhere;' });
    expect(refused(await nginx.install(idle), 'start')).to.match(/chdir.*\/nowhere.*cannot be respawned/);
    const good = smallText(directory, { port, word: 'good' });
    await nginx.install(good);
    expect(refused(await nginx.install(idle), 'confirm')).to.match(/chdir.*\/nowhere.*cannot be respawned/);
    await serves(port, 'good');
    expect(nginx.runningToken()).to.equal(good.token);
  });

  it('waits for no check that hangs', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const flag = join(directory, 'hang');
    const program = oddNginx(`[ "$1" = -t ] && [ -e ${flag} ] && sleep 3600`);
    const { nginx } = bench.make(directory, { nginx: program, deadlines: { checkMs: 500 } });
    await nginx.install(smallText(directory, { port, word: 'good' }));
    writeFileSync(flag, '');
    const words = refused(await nginx.install(smallText(directory, { port, word: 'new' })), 'install');
    expect(words).to.equal('nginx -t did not end within 0.5 s');
    expect(await wordAt(port)).to.equal('good');
  });

  it('says that there is no nginx, and blames no text for it', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory, { nginx: '/nowhere/nginx' });
    const text = smallText(directory, { port, word: 'x' });
    expect(refused(await nginx.install(text), 'install'))
      .to.contain('/nowhere/nginx')
      .and.to.contain('ENOENT');
    const error = await nginx.check(text).then(() => null, String);
    expect(error).to.contain('/nowhere/nginx');
  });

  it('takes the files that a text names, and drops them when nothing names them any more', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const withFile = (name: string): Parameters<typeof nginx.install>[0] => ({
      ...smallText(directory, { port, word: name, http: `include ${directory}/tls/${name}.pem;` }),
      files: new Map([[`tls/${name}.pem`, `server_tokens off; # ${name}\n`]]),
    });
    const files = (): string[] => readdirSync(join(directory, 'tls')).sort();
    expect(await nginx.install(withFile('a'))).to.deep.equal({ ok: true });
    expect(await nginx.install(withFile('b'))).to.deep.equal({ ok: true });
    expect(files()).to.deep.equal(['a.pem', 'b.pem']);
    expect(await nginx.install(withFile('c'))).to.deep.equal({ ok: true });
    expect(files()).to.deep.equal(['b.pem', 'c.pem']);
    const outside = { ...withFile('d'), files: new Map([['../d.pem', '']]) };
    expect(refused(await nginx.install(outside), 'install')).to.contain('../d.pem');
    await serves(port, 'c');
  });

  it('reports a place that cannot be written, and serves on', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory);
    const [one, two] = ['one', 'two'].map((word) => smallText(directory, { port, word }));
    await nginx.install(one);
    for (const name of ['nginx.conf.last-good', 'nginx.conf.tmp', 'nginx.conf.last-good.tmp', 'scratch']) {
      const path = join(directory, name);
      if (name === 'scratch') writeFileSync(path, '');
      else mkdirSync(join(path, 'in the way'), { recursive: true });
      const installed = await nginx.install(two);
      if (name === 'scratch') {
        expect(installed).to.deep.equal({ ok: true });
        continue;
      }
      expect(refused(installed, 'install'), name).to.contain(path);
      expect(await wordAt(port)).to.equal('one');
      expect(readFileSync(join(directory, 'nginx.conf'), 'utf8')).to.equal(one.text);
      rmdirSync(join(path, 'in the way'));
      rmdirSync(path);
    }
  });

  it('reports a directory that was made read-only, and serves on', async function () {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx, events } = bench.make(directory);
    const one = smallText(directory, { port, word: 'one' });
    await nginx.install(one);
    const writable = makeReadOnly(directory);
    if (writable === null) {
      console.log('      skipped: root may write everywhere, and may not mount here');
      this.skip();
    }
    try {
      const words = refused(await nginx.install(smallText(directory, { port, word: 'two' })), 'install');
      expect(words)
        .to.match(/EROFS|EACCES/)
        .and.to.contain(directory);
      expect(await wordAt(port)).to.equal('one');
      expect(await nginx.install(one)).to.deep.equal({ ok: true });
      process.kill(-(nginx.pid() as number), 'SIGKILL');
      // Of a mount all that is below is read-only, of a mode only the directory itself: a restart finds its way.
      const after = await eventually('a restart or none', () => events.find(({ kind }) => kind.startsWith('restart')));
      if (after.kind === 'restart_failed') expect(after.message).to.match(/EROFS|EACCES/);
    } finally {
      writable();
    }
    await eventually('a restart', () => events.some(({ kind }) => kind === 'restarted'));
    expect(await wordAt(port)).to.equal('one');
  });

  it('has workers of another user see flags and open logs anew', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: only root may start workers of another user');
      this.skip();
    }
    const [directory, port] = [bench.directory(), await freePort()];
    chmodSync(join(directory, '..'), 0o711);
    const { nginx } = bench.make(directory, { workerUser: 'daemon' });
    const server = `access_log ${directory}/log/outcome.log; if (-f ${directory}/flags/f) { return 200 "flagged"; }`;
    const text = smallText(directory, { port, word: 'plain', server });
    const changed = { ...text, text: text.text.replace('user root;', 'user daemon;') };
    expect(await nginx.install(changed)).to.deep.equal({ ok: true });
    expect(await wordAt(port)).to.equal('plain');
    writeFileSync(join(directory, 'flags', 'f'), '');
    expect(await wordAt(port)).to.equal('flagged');
    const log = join(directory, 'log', 'outcome.log');
    rmSync(log);
    nginx.reopenLogs();
    await eventually(
      'the log is written',
      async () => (await wordAt(port)) && existsSync(log) && statSync(log).size > 0,
    );
  });

  it('keeps logs that nobody reads within bounds, and serves on when they are full', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory, { largestFileBytes: 4_096 });
    const [http, server] = ["log_format l '$uri';", `access_log ${directory}/log/outcome.log l;`];
    await nginx.install(smallText(directory, { port, word: 'fine', http, server }));
    for (let i = 0; i < 40; i++) expect(await wordAt(port, `/${'x'.repeat(500)}`)).to.equal('fine');
    expect(statSync(join(directory, 'log', 'outcome.log')).size).to.equal(4_096);
    expect(nginx.runningToken()).to.not.equal(null);
  });

  it('is refused a directory that another of ours has', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const text = smallText(directory, { port, word: 'x' });
    const first = bench.make(directory).nginx;
    await first.install(text);
    const second = bench.make(directory).nginx;
    expect(refused(await second.install(text), 'install')).to.contain(`another migration-proxy (pid ${process.pid})`);
    await first.letGo();
    expect(await wordAt(port)).to.equal('x');
    expect(await second.adopt()).to.equal(true);
    expect(second.runningToken()).to.equal(text.token);
  });
});
