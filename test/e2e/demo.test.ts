/**
 * The demo as a newcomer plays it: watch, break new, see nothing fail, heal, see it recover, move the share, end it.
 */

import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect } from 'chai';
import type { ServiceReport, StatusReport } from '../../src/status/report.ts';
import { CliProcess, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';

describe('the demo', function () {
  this.timeout(120_000);
  let [port, adminPort, switchPort] = [0, 0, 0];
  let demo: CliProcess;

  before(async () => {
    [port, adminPort, switchPort] = await freePorts(3);
    demo = new CliProcess(['demo', ...flags()]);
    await eventually('a live line', () => liveLines().length > 0 || demo.exitCode !== null, 30_000);
  });
  after(async () => {
    if (demo.exitCode === null) await demo.stop('SIGKILL');
  });

  function flags(): string[] {
    return [
      '--listen',
      `127.0.0.1:${port}`,
      '--admin-listen',
      `127.0.0.1:${adminPort}`,
      '--switch-port',
      `${switchPort}`,
    ];
  }

  function liveLines(): string[] {
    return demo.stdout.split('\n').filter((line) => line.includes(' req/s '));
  }

  async function shop(): Promise<ServiceReport> {
    const answer = await ask(adminPort, { path: '/status', host: `127.0.0.1:${adminPort}` });
    return (JSON.parse(answer.body.toString()) as StatusReport).services[0];
  }

  async function throwSwitch(path: string): Promise<void> {
    expect((await ask(switchPort, { method: 'POST', path, body: '' })).status).to.equal(200);
  }

  function expectNoFailure(): void {
    expect(
      liveLines().filter((line) => !line.includes('failed 0 ')),
      demo.stdout,
    ).to.deep.equal([]);
  }

  it('shows traffic on both clusters and says what to try', async () => {
    expect(demo.stdout, demo.stderr).to.match(/npx migration-proxy update shop 50/);
    expect(demo.stdout).to.contain(`http://127.0.0.1:${switchPort}/new/break?how=refuse`);
    await eventually(
      'about a fifth on new',
      () => /old +\d\d % +new +[1-3]\d % +failed 0 +state steady/.test(demo.stdout),
      20_000,
    );
  });

  it('breaks new without one failed request, and recovers after healing', async () => {
    await throwSwitch('/new/break?how=refuse');
    await eventually('the service falls back', async () => (await shop()).state === 'fallen_back', 20_000);
    expect((await shop()).state_reason)
      .to.be.a('string')
      .and.not.equal('');
    await eventually('all on old', () => /new +0 % +failed 0 +state fallen_back/.test(demo.stdout), 20_000);
    await throwSwitch('/new/heal');
    await eventually('new is used again', async () => (await shop()).state === 'steady', 60_000);
    expectNoFailure();
  });

  it('obeys update from the command line at once', async () => {
    const updated = await runCli(['update', 'shop', '100', '--admin', `http://127.0.0.1:${adminPort}`]);
    expect(updated.code, updated.stderr).to.equal(0);
    const answer = await ask(port, { host: 'shop.demo', headers: { 'X-User-ID': 'anybody' } });
    expect(JSON.parse(answer.body.toString()).cluster).to.equal('new');
  });

  it('names a taken port and the flag that chooses another', async () => {
    const [free, other] = await freePorts(2);
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = `127.0.0.1:${(taken.address() as { port: number }).port}`;
    const listen = ['--listen', address, '--admin-listen', `127.0.0.1:${free}`, '--switch-port', `${other}`];
    const refused = await runCli(['demo', ...listen]);
    taken.close();
    expect(refused.code).to.equal(2);
    expect(refused.stdout + refused.stderr).to.match(new RegExp(`${address} is taken .*--listen`));
  });

  it('leaves nothing behind at Ctrl-C', async () => {
    expectNoFailure();
    const file = /configuration +(\S+)/.exec(demo.stdout)?.[1] ?? '';
    expect(readFileSync(file, 'utf8')).to.contain('percentage: 100');
    const { code } = await demo.stop('SIGINT');
    expect(code).to.equal(0);
    expect(existsSync(file)).to.equal(false);
    for (const closed of [port, adminPort, switchPort]) {
      const error = (await ask(closed).catch((reason: Error) => reason)) as NodeJS.ErrnoException;
      expect(error.code).to.equal('ECONNREFUSED');
    }
  });
});
