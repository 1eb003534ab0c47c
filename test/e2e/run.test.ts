import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ServiceReport, StatusReport } from '../../src/status/report.ts';
import { CliProcess, type CliResult, runCli } from '../support/cli.ts';
import { drainDelay } from '../support/drain-delay.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { answer, Recorder } from '../support/recorder.ts';
import { type ProxyOptions, RunningProxy } from '../support/running-proxy.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('run with a file', () => {
  let old: Recorder;
  let fresh: Recorder;
  let proxies: RunningProxy[];

  before(async () => {
    old = await Recorder.listen(() => answer(200, 'old'));
    fresh = await Recorder.listen(() => answer(200, 'new'));
  });
  after(async () => {
    await old.close();
    await fresh.close();
  });
  beforeEach(() => {
    proxies = [];
  });
  afterEach(async () => {
    for (const proxy of proxies) if (proxy.process.exitCode === null) await proxy.stop('SIGKILL');
  });

  /** Two services, `shop` and `pay`, each with a percentage. */
  const yaml = (shop: number | string, pay: number | string = 0) =>
    `# kept\nservices:\n${[['shop', shop] as const, ['pay', pay] as const].map(([name, percentage]) => service(name, percentage)).join('')}`;
  const service = (name: string, percentage: number | string) => `  - name: ${name}
    old_host: ${name}.old.test
    old_backend: 127.0.0.1:${old.port}
    new_host: ${name}.new.test
    new_backend: 127.0.0.1:${fresh.port}
    migration: { percentage: ${percentage} } # of ${name}
`;
  const start = async (text: string | null, options: ProxyOptions = {}) => {
    const proxy = await RunningProxy.start(text, options);
    proxies.push(proxy);
    return proxy;
  };
  const clusterOf = async (proxy: RunningProxy, name: string) =>
    (await ask(proxy.port, { host: `${name}.old.test` })).body.toString();
  const cli = (proxy: RunningProxy, ...args: string[]): Promise<CliResult> =>
    runCli(args, { env: { MIGRATION_PROXY_ADMIN: proxy.admin, USER: 'ann' } });
  const logOf = (proxy: RunningProxy) => proxy.process.stderr;

  describe('its life', () => {
    it('prints its addresses when it is ready, takes traffic, and drains at SIGTERM', async () => {
      const proxy = await start(yaml(100));
      expect(await clusterOf(proxy, 'shop')).to.equal('new');
      expect(await clusterOf(proxy, 'pay')).to.equal('old');
      const { code, stdout } = await proxy.stop();
      expect(code).to.equal(0);
      expect(stdout).to.equal(`proxy  http://127.0.0.1:${proxy.port}\nadmin  ${proxy.admin}\n`);
    });

    it('is not ready while it drains, and goes on taking traffic for the delay', async () => {
      const proxy = await start(yaml(100), { flags: drainDelay() });
      const ended = proxy.stop();
      await eventually('not ready', async () => (await proxy.askAdmin('/readyz')).status === 503);
      expect(await clusterOf(proxy, 'shop')).to.equal('new');
      expect((await ended).code).to.equal(0);
    });

    it('lets a request end, and ends at once at a second signal', async () => {
      const slow = await Recorder.listen(({ socket }) => {
        setTimeout(() => socket.write(answer(200, 'slow')), 700);
        return null;
      });
      const text = () => yaml(0).replaceAll(`127.0.0.1:${old.port}`, `127.0.0.1:${slow.port}`);
      const patient = await start(text());
      const asked = ask(patient.port, { host: 'shop.old.test' });
      await eventually('the request arrived', () => slow.requests.length === 1);
      const ended = patient.stop();
      expect((await asked).body.toString()).to.equal('slow');
      expect((await ended).code).to.equal(0);

      slow.script = () => null;
      const hasty = await start(text());
      const lost = ask(hasty.port, { host: 'shop.old.test' }).catch(() => 'lost');
      await eventually('the request arrived', () => slow.requests.length === 2);
      hasty.process.child.kill('SIGTERM');
      // What one Ctrl-C sends several times within half a second counts once.
      hasty.process.child.kill('SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(hasty.process.exitCode).to.equal(null);
      expect((await hasty.stop()).code).to.equal(143);
      await lost;
      await slow.close();
    });

    it('logs an exception that nobody caught, and ends: what it left half done is unknown', async () => {
      const script = "process.on('SIGUSR2', () => { throw new Error('half done'); })";
      const env = { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(script)}"` };
      const proxy = await start(yaml(0), { env });
      const { code, stderr } = await proxy.stop('SIGUSR2');
      expect(code).to.equal(2);
      expect(stderr).to.match(/"level":"error".*this should not have happened, ending: half done/);
    });

    it('cannot start on a port in use, and says which flag chooses another', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      const { port } = taken.address() as { port: number };
      const file = join(tempDir(), 'm.yaml');
      writeFileSync(file, yaml(0));
      const free = `127.0.0.1:${await freePort()}`;
      for (const [listen, admin, flag] of [
        [`127.0.0.1:${port}`, free, '--listen'],
        [free, `127.0.0.1:${port}`, '--admin-listen'],
      ]) {
        const args = ['run', '--local-config', file, '--listen', listen, '--admin-listen', admin];
        const { code, stdout, stderr } = await runCli(args);
        expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
        expect(stderr).to.include(`cannot listen on 127.0.0.1:${port}: the address is in use; ${flag} chooses another`);
      }
      taken.close();
    });

    it('reads standard input, and then has nothing to write to', async () => {
      const [port, adminPort] = [await freePort(), await freePort()];
      const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`];
      const process = new CliProcess(['run', '--local-config', '-', ...listen], { input: yaml(100) });
      await eventually('its addresses', () => process.stdout.includes('admin'));
      expect((await ask(port, { host: 'shop.old.test' })).body.toString()).to.equal('new');
      const env = { MIGRATION_PROXY_ADMIN: `http://127.0.0.1:${adminPort}` };
      const { code, stderr } = await runCli(['update', 'shop', '1'], { env });
      expect(code).to.equal(2);
      expect(stderr).to.match(/standard input and cannot be changed/);
      expect((await process.stop()).code).to.equal(0);
    });
  });

  describe('edits', () => {
    it('are live within a second, without a restart', async () => {
      const proxy = await start(yaml(0));
      expect(await clusterOf(proxy, 'shop')).to.equal('old');
      proxy.edit(yaml(100));
      await eventually('new answers', async () => (await clusterOf(proxy, 'shop')) === 'new', 1_000);
      const { changed, percentage } = await proxy.service('shop');
      expect(percentage).to.equal(100);
      expect(changed).to.include({ by: `file:${proxy.file}`, reason: 'percentage 0 -> 100' });
      expect((await proxy.service('pay')).changed).to.equal(null);
    });

    it('with a typo in one service leave all others, and its own last good version, at work', async () => {
      const proxy = await start(yaml(100, 100));
      proxy.edit(yaml(0, 'lots'));
      await eventually('shop moved', async () => (await clusterOf(proxy, 'shop')) === 'old');
      expect(await clusterOf(proxy, 'pay')).to.equal('new');
      const status = await proxy.status();
      const standing = (name: string) => status.services.find((one) => one.name === name)?.stale;
      expect([standing('shop'), standing('pay')]).to.deep.equal([false, true]);
      expect(status.config.errors).to.have.length(1);
      expect(status.config.errors[0]).to.include({
        service: 'pay',
        line: 14,
        path: 'services[1].migration.percentage',
      });
      const shown = await cli(proxy, 'status');
      expect(shown.code).to.equal(1);
      expect(shown.stdout).to.match(/\npay +stale .*\nshop +steady /);
      expect(shown.stdout).to.match(/\nerror {4}\S+migration\.yaml:14:\d+: services\[1\]\.migration\.percentage: /);
      proxy.edit(yaml(0, 0));
      await eventually('pay moved', async () => (await clusterOf(proxy, 'pay')) === 'old');
      expect((await cli(proxy, 'status')).code).to.equal(0);
    });

    it('that make no YAML at all, or remove the file, change nothing', async () => {
      const proxy = await start(yaml(100));
      proxy.edit('services: [');
      await eventually('the error', async () => (await proxy.status()).config.errors[0]?.code === 'syntax');
      expect(await clusterOf(proxy, 'shop')).to.equal('new');
      rmSync(proxy.file);
      await eventually('the error', async () => (await proxy.status()).config.errors[0]?.code === 'unreadable');
      expect(await clusterOf(proxy, 'shop')).to.equal('new');
      proxy.edit(yaml(0));
      await eventually('old answers', async () => (await clusterOf(proxy, 'shop')) === 'old');
    });

    it('are logged once each: a mistake that stays is no news', async () => {
      const proxy = await start(yaml(0, 'lots'));
      proxy.edit(`${yaml(1, 'lots')}# again\n`);
      await eventually('the edit', async () => (await proxy.service('shop')).percentage === 1);
      proxy.process.child.kill('SIGHUP');
      await eventually('the re-read', () => logOf(proxy).includes('reading the configuration again'));
      proxy.edit(yaml(2, 2));
      await eventually('the edit', async () => (await proxy.service('shop')).percentage === 2);
      expect(logOf(proxy).match(/"code":"\w+","service":"pay"/g)).to.have.length(2);
      expect(logOf(proxy)).to.match(/no longer in error: .*services\[1\]\.migration\.percentage/);
    });

    it('by the swap of a volume are taken up as well', async () => {
      const directory = tempDir();
      const version = (name: string, text: string) => {
        mkdirSync(join(directory, name));
        writeFileSync(join(directory, name, 'migration.yaml'), text);
        symlinkSync(name, join(directory, '..tmp'));
        renameSync(join(directory, '..tmp'), join(directory, '..data'));
      };
      version('..1', yaml(0));
      symlinkSync('..data/migration.yaml', join(directory, 'migration.yaml'));
      const proxy = await start(null, { env: {}, flags: ['--local-config', join(directory, 'migration.yaml')] });
      expect(await clusterOf(proxy, 'shop')).to.equal('old');
      version('..2', yaml(100));
      await eventually('new answers', async () => (await clusterOf(proxy, 'shop')) === 'new', 1_000);
    });

    it('of a CA file that is not there are an error of that service alone', async () => {
      const proxy = await start(yaml(0));
      proxy.edit(`${yaml(100)}    new_protocol: https\n    new_tls: { ca_file: ca.pem }\n`);
      await eventually('shop moved', async () => (await clusterOf(proxy, 'shop')) === 'new');
      const [error] = (await proxy.status()).config.errors;
      expect(error).to.include({ service: 'pay', path: 'services[1].new_tls.ca_file' });
      expect(error.message).to.match(/no such file/);
    });
  });

  describe('starts', () => {
    it('without its file wait for it, and are not ready', async () => {
      const proxy = await start(null, { ready: false });
      await eventually('an answer', async () => (await proxy.askAdmin('/readyz')).status === 503);
      expect((await proxy.askAdmin('/readyz')).body.toString()).to.match(/waiting for file:.*migration\.yaml/);
      expect((await proxy.askAdmin('/livez')).status).to.equal(200);
      expect(await ask(proxy.port).catch((error: Error) => error.message)).to.match(/ECONNREFUSED/);
      expect((await cli(proxy, 'status')).code).to.equal(1);
      proxy.edit(yaml(100));
      await proxy.ready();
      expect(await clusterOf(proxy, 'shop')).to.equal('new');
    });

    it('that still wait end at SIGTERM', async () => {
      const proxy = await start(null, { ready: false });
      await eventually('an answer', async () => (await proxy.askAdmin('/livez')).status === 200);
      expect(await proxy.stop()).to.include({ code: 0, stdout: '' });
    });

    it('with a broken file serve what was last good, and say so', async () => {
      const first = await start(yaml(100));
      await eventually('it is kept', () => readFileSync(join(first.directory, 'state', 'last-good.json'), 'utf8'));
      await first.stop('SIGKILL');
      writeFileSync(first.file, '{');
      const second = await start(null, { after: first });
      expect(await clusterOf(second, 'shop')).to.equal('new');
      const { config, services } = await second.status();
      expect(config).to.include({ loaded_from: 'last_good', loaded_at: null });
      expect(config.errors[0]).to.include({ code: 'syntax', line: 1 });
      expect(services.map(({ stale }) => stale)).to.deep.equal([true, true]);
      expect((await cli(second, 'status')).stdout).to.include('serving the last good configuration');
      second.edit(yaml(0));
      await eventually('old answers', async () => (await clusterOf(second, 'shop')) === 'old');
      expect((await second.status()).config.loaded_from).to.equal('source');
    });

    it('on the state directory of another live proxy are refused', async () => {
      const proxy = await start(yaml(0));
      const flags = ['--local-config', proxy.file, '--state-dir', join(proxy.directory, 'state')];
      const { code, stderr } = await runCli([
        'run',
        ...flags,
        '--listen',
        '127.0.0.1:0',
        '--admin-listen',
        '127.0.0.1:0',
      ]);
      expect(code).to.equal(2);
      expect(stderr).to.match(/in use by process \d+/);
    });

    it('with backends that lead back to us are errors', async () => {
      const proxy = await start(yaml(0));
      proxy.edit(yaml(0).replaceAll(`127.0.0.1:${fresh.port}`, `localhost:${proxy.port}`));
      await eventually('the error', async () => (await proxy.status()).config.errors[0]?.code === 'own_address');
    });
  });

  describe('commands', () => {
    it('update edits the file, is live when it answers, and is remembered with who and why', async () => {
      const proxy = await start(yaml(0));
      const result = await cli(proxy, 'update', 'shop', '100', '--reason', 'quiet night');
      expect(result).to.include({ code: 0, stdout: 'shop: 100 % goes to new\n', stderr: '' });
      expect(await clusterOf(proxy, 'shop')).to.equal('new');
      expect(readFileSync(proxy.file, 'utf8')).to.equal(yaml(100));
      expect((await proxy.service('shop')).changed).to.include({ by: 'cli:ann', reason: 'quiet night' });
      expect((await cli(proxy, 'update', 'shop', '100')).stdout).to.equal('shop: 100 % goes to new, as before\n');
    });

    it('update says no to what is not there, and what cannot be written', async () => {
      const proxy = await start(yaml(0));
      expect((await cli(proxy, 'update', 'nobody', '1')).code).to.equal(1);
      rmSync(proxy.file);
      const refused = await cli(proxy, 'update', 'shop', '1');
      expect(refused.code).to.equal(2);
      expect(refused.stderr).to.match(/cannot be read: no such file/);
      expect((await proxy.service('shop')).percentage).to.equal(0);
    });

    it('update --dry-run through the proxy shows a difference and changes nothing', async () => {
      const proxy = await start(yaml(5));
      const { stdout } = await cli(proxy, 'update', 'shop', '7', '--dry-run');
      expect(stdout.split('\n')[0]).to.equal(`--- ${proxy.file}\tbefore`);
      expect(stdout).to.match(/\n-.*percentage: 5.*\n\+.*percentage: 7/);
      expect(readFileSync(proxy.file, 'utf8')).to.equal(yaml(5));
    });

    it('abort holds over a restart until resume', async () => {
      const first = await start(yaml(100));
      const aborted = await cli(first, 'abort', 'shop', '--reason', 'checkout fails');
      expect(aborted).to.include({ code: 0, stdout: 'shop: held on the old cluster until it is resumed\n' });
      expect(await clusterOf(first, 'shop')).to.equal('old');
      expect((await first.service('shop')).hold).to.include({ by: 'cli:ann', reason: 'checkout fails' });
      const kept = () => readFileSync(join(first.directory, 'state', 'state.json'), 'utf8').includes('checkout fails');
      await eventually('it is kept', kept);
      await first.stop('SIGKILL');
      const second = await start(null, { after: first });
      expect(await clusterOf(second, 'shop')).to.equal('old');
      const shown = await cli(second, 'status');
      expect(shown.code).to.equal(1);
      expect(shown.stdout).to.match(/\nshop +held .* held by cli:ann: checkout fails\n/);
      expect((await cli(second, 'resume', 'shop')).code).to.equal(0);
      expect(await clusterOf(second, 'shop')).to.equal('new');
      expect((await cli(second, 'abort', 'nobody')).code).to.equal(1);
    });

    it('explain tells of the fallback as it stands', async () => {
      const proxy = await start(yaml(100));
      await cli(proxy, 'abort', 'shop');
      const { stdout } = await cli(proxy, 'explain', 'shop', '-o', 'json');
      expect(JSON.parse(stdout)).to.deep.include({
        cluster: 'old',
        reason: 'fallback',
        state: 'fallen_back',
        without_fallback: { cluster: 'new', reason: 'weight', rule: null },
      });
      expect((await cli(proxy, 'explain', 'shop')).stdout).to.match(
        /^shop -> old\nreason {4}fallback\n[\s\S]*otherwise +new \(weight\)/,
      );
      expect((await cli(proxy, 'explain', 'nobody')).code).to.equal(1);
    });

    it('status gives programs the very report of the server', async () => {
      const proxy = await start(yaml(5));
      const json = JSON.parse((await cli(proxy, 'status', '-o', 'json')).stdout) as StatusReport;
      expect(json.services.map(({ name }: ServiceReport) => name)).to.deep.equal(['pay', 'shop']);
      expect(Object.keys(json)).to.deep.equal(Object.keys(await proxy.status()));
      expect((await cli(proxy, 'status', '-o', 'yaml')).stdout).to.match(/^version: [\s\S]*\n {2}- name: pay\n/);
    });

    it('status --watch shows it again and again, over a restart of the proxy too', async () => {
      const proxy = await start(yaml(5));
      const args = ['status', '--watch', '--interval', '100ms', '-o', 'json', '--admin', proxy.admin];
      const watching = new CliProcess(args);
      const lines = () => watching.stdout.split('\n').filter(Boolean);
      await eventually('two looks', () => lines().length >= 2);
      expect(JSON.parse(lines()[1])).to.have.property('generation', 1);
      await proxy.stop();
      await eventually('it says so', () => watching.stderr.includes('cannot reach'));
      await start(null, { after: proxy });
      const seen = lines().length;
      await eventually('another look', () => lines().length > seen);
      await watching.stop('SIGINT');
    });

    it('completion knows the names of services', async () => {
      const proxy = await start(yaml(5));
      expect((await cli(proxy, '__complete', '--', 'update', 's')).stdout).to.equal('shop\n');
      expect((await cli(proxy, '__complete', '--', 'abort', '')).stdout).to.equal('pay\nshop\n');
    });

    it('writes need the token where one is set', async () => {
      const token = join(tempDir(), 'token');
      writeFileSync(token, '0123456789abcdef0123\n');
      chmodSync(token, 0o600);
      const proxy = await start(yaml(5), { flags: ['--admin-token-file', token] });
      const without = await cli(proxy, 'update', 'shop', '7');
      expect(without.code).to.equal(2);
      expect(without.stderr).to.match(/MIGRATION_PROXY_ADMIN_TOKEN/);
      const env = { MIGRATION_PROXY_ADMIN: proxy.admin, MIGRATION_PROXY_ADMIN_TOKEN: '0123456789abcdef0123' };
      expect((await runCli(['update', 'shop', '7'], { env })).code).to.equal(0);
      writeFileSync(token, 'short');
      const weak = await runCli(['run', '--local-config', proxy.file, '--admin-token-file', token]);
      expect(weak.code).to.equal(2);
      expect(weak.stderr).to.match(/shorter than 16 characters; `openssl rand -hex 16` makes one/);
    });
  });
});
