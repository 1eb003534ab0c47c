/**
 * An nginx that lives beside us, as in a pod: `nginx-beside.sh` starts it when we ask, and everything else is as with one of
 * our own. @needs nginx
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { NGINX, NginxBench, needsNginx, smallText, wordAt } from '../support/small-nginx.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', 'bin', 'nginx-beside.sh');

describe('an nginx that is started beside us', function () {
  this.timeout(60_000);
  const bench = new NginxBench();
  let beside: ChildProcess[] = [];
  before(function () {
    needsNginx(this);
  });
  afterEach(async () => {
    await bench.end();
    for (const script of beside) script.kill('SIGKILL');
    beside = [];
  });

  function startBeside(directory: string): ChildProcess {
    const script = spawn(SCRIPT, [directory, NGINX as string], { stdio: 'inherit' });
    beside.push(script);
    return script;
  }

  const serves = (port: number, word: string): Promise<unknown> =>
    eventually(`${word} on ${port}`, async () => (await wordAt(port).catch(() => null)) === word);

  it('serves, reloads, lives on without us, is taken over, and ends with us and stays ended', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const script = startBeside(directory);
    const first = bench.make(directory, { startedBy: 'beside' });
    expect(await first.nginx.install(smallText(directory, { port, word: 'one' }))).to.deep.equal({ ok: true });
    await serves(port, 'one');
    const pid = first.nginx.pid();
    expect(await first.nginx.install(smallText(directory, { port, word: 'two' }))).to.deep.equal({ ok: true });
    await serves(port, 'two');
    expect(first.nginx.pid()).to.equal(pid);

    await first.nginx.letGo();
    // Workers of before the reload take connections for 100 ms more.
    await serves(port, 'two');
    const second = bench.make(directory, { startedBy: 'beside' });
    expect(await second.nginx.adopt()).to.equal(true);
    expect(second.nginx.pid()).to.equal(pid);

    await second.nginx.stop(5_000);
    await eventually('its end is noted', () => existsSync(join(directory, 'run', 'ended')));
    expect(await wordAt(port).catch(() => 'nobody')).to.equal('nobody');
    expect(script.exitCode).to.equal(null);
    script.kill('SIGTERM');
    expect(await once(script, 'exit')).to.deep.equal([0, null]);
  });

  it('is started again when it dies', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    startBeside(directory);
    const { events, nginx } = bench.make(directory, { startedBy: 'beside' });
    await nginx.install(smallText(directory, { port, word: 'here' }));
    process.kill(nginx.pid() as number, 'SIGKILL');
    await eventually('it serves again', () => events.some(({ kind }) => kind === 'restarted'));
    await serves(port, 'here');
  });

  it("says in nginx's words why it did not start, and starts with the next text", async () => {
    const [directory, port, free] = [bench.directory(), await freePort(), await freePort()];
    startBeside(directory);
    const { nginx } = bench.make(directory, { startedBy: 'beside' });
    const holder = createServer().listen(port, '127.0.0.1');
    await once(holder, 'listening');
    const refused = await nginx.install(smallText(directory, { port, word: 'taken' }));
    holder.close();
    expect(refused).to.include({ ok: false, stage: 'start' });
    expect(refused.ok ? '' : refused.message).to.contain(`bind() to 127.0.0.1:${port} failed`);
    expect(await nginx.install(smallText(directory, { port: free, word: 'free' }))).to.deep.equal({ ok: true });
    await serves(free, 'free');
  });

  it('says what is missing where nobody starts it', async () => {
    const [directory, port] = [bench.directory(), await freePort()];
    const { nginx } = bench.make(directory, { startedBy: 'beside', deadlines: { confirmMs: 300 } });
    const refused = await nginx.install(smallText(directory, { port, word: 'alone' }));
    expect(refused.ok ? '' : refused.message).to.match(
      /nobody took up \S+\/run\/start within 0\.3\d* s: is nginx-beside\.sh \S+ at work/,
    );
    expect(existsSync(join(directory, 'run', 'start'))).to.equal(false);
  });
});
