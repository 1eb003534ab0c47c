/**
 * `history` of a proxy with a file: what people and the proxy did, in the words of the command, over restarts.
 */
import { expect } from 'chai';
import type { HistoryEntry } from '../../src/status/history-entries.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { OK, Recorder } from '../support/recorder.ts';
import { RunningProxy } from '../support/running-proxy.ts';

describe('history', function () {
  this.timeout(30_000);
  let old: Recorder;
  let deadPort: number;
  let proxy: RunningProxy;

  const yaml = (percentage: number | string) => `services:
  - name: shop
    old_host: shop.test
    old_backend: 127.0.0.1:${old.port}
    new_host: shop.new.test
    new_backend: 127.0.0.1:${deadPort}
    migration: { percentage: ${percentage} }
    fallback: { max_failures: 2 }
  - { name: cart, old_host: cart.test, old_backend: "127.0.0.1:${old.port}", new_host: c.test, new_backend: "c.test:80" }
`;
  const cli = (...args: string[]) => runCli([...args, '--admin', proxy.admin], { env: { USER: 'ada' } });
  const entries = async (...args: string[]) =>
    (JSON.parse((await cli('history', '--json', ...args)).stdout) as { entries: HistoryEntry[] }).entries;
  const kinds = async (...args: string[]) => (await entries(...args)).map(({ kind }) => kind);

  before(async () => {
    old = await Recorder.listen(OK);
    deadPort = await freePort();
    proxy = await RunningProxy.start(yaml(0));
  });

  after(async () => {
    await proxy.stop();
    await old.close();
  });

  it('has nothing to tell of a start', async () => {
    const { code, stderr, stdout } = await cli('history');
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: '' });
    expect(stderr).to.equal('migration-proxy: nothing has happened yet\n');
  });

  it('tells who did what, what was refused and what fell back, the newest last', async () => {
    await cli('update', 'shop', '100', '--reason', 'all of it');
    for (let i = 0; i < 2; i++) await ask(proxy.port, { host: 'shop.test' });
    await eventually('fell back', async () => (await kinds()).includes('fallen_back'));
    await cli('resume', 'shop', '--reason', 'go on');
    await cli('abort', 'cart', '--reason', 'errors');
    proxy.edit(yaml('lots'));
    await eventually('the mistake is known', async () => (await kinds()).includes('rejected'));
    proxy.edit(yaml(50));
    await eventually('mended', async () => (await kinds()).at(-1) === 'changed');
    const { code, stdout } = await cli('history');
    expect(code).to.equal(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/).slice(1).join(' | '));
    expect(lines.slice(0, 5)).to.deep.equal([
      'SERVICE | WHAT | BY | WHY',
      'shop | 0 % -> 100 % | cli:ada | all of it',
      lines[2],
      'shop | resumed | cli:ada | go on',
      'cart | held on old | cli:ada | errors',
    ]);
    expect(lines[2]).to.match(/^shop \| fell back \| \S+:\d+ \| 2 failures in a row in .*: connect refused$/);
    expect(lines[5]).to.match(
      /^shop \| rejected \| file:\S+ \| line 7, column \d+: services\[0\]\.migration\.percentage: /,
    );
    expect(lines.slice(6)).to.have.members([
      `shop | 100 % -> 50 % | file:${proxy.file}`,
      `shop | valid again | file:${proxy.file}`,
    ]);
  });

  it('of one service, as many as wanted; of an unknown one the answer is no', async () => {
    expect(await kinds('cart')).to.deep.equal(['held']);
    expect(await kinds('shop', '--limit', '1')).to.have.length(1);
    const unknown = await cli('history', 'shoop');
    expect(unknown.code).to.equal(1);
    expect(unknown.stderr).to.match(/no service of that name/);
    expect((await cli('history', '--limit', '0')).code).to.equal(2);
  });

  it('outlives a restart', async () => {
    const before = await entries();
    await proxy.stop();
    proxy = await RunningProxy.start(null, { after: proxy });
    expect(await entries()).to.deep.equal(before);
  });
});
