/**
 * `run --data-plane nginx` as people use it: started, edited, broken, held, killed and ended, with a real nginx and two toy
 * clusters; and that what it says of itself is true throughout.
 * @needs nginx
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { clusterOf, KeptConnection } from '../support/kept-connection.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { freePort } from '../support/ports.ts';
import { parsePrometheusText } from '../support/prometheus-text.ts';
import { ask } from '../support/raw-client.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { tempDir } from '../support/temp-dir.ts';

const HOST = 'shop.old.test';

describe('run --data-plane nginx', function () {
  this.timeout(40_000);
  let old: ToyCluster;
  let new_: ToyCluster;
  let directory: string;
  let proxy: RunningProxy | null;

  beforeEach(async () => {
    old = await ToyCluster.listen('old');
    new_ = await ToyCluster.listen('new');
    const parent = tempDir();
    // Where nginx is started by root its workers are somebody else.
    chmodSync(parent, 0o711);
    directory = join(parent, 'nginx');
    proxy = null;
  });

  afterEach(async () => {
    if (proxy?.process.exitCode === null) await proxy.stop('SIGKILL').catch(() => {});
    killNginx();
    await Promise.all([old.close(), new_.close()]);
  });

  function yaml(percentage: number | string, more = ''): string {
    return `global: { default_timeout: 2s, retry_attempts: 2, health_check_interval: 60s }
services:
  - name: shop
    old_host: ${HOST}
    old_backend: ${old.backend}
    new_host: shop.new.test
    new_backend: ${new_.backend}
    migration: { percentage: ${percentage} }
    fallback: { max_failures: 3, failure_window: 10, recovery_time: 60s }
${more}`;
  }

  async function start(text: string | null, after?: RunningProxy, more: readonly string[] = []): Promise<RunningProxy> {
    const flags = [
      '--data-plane',
      'nginx',
      '--nginx-dir',
      directory,
      '--nginx-workers',
      '2',
      '--nginx-shutdown-timeout',
      '2s',
      ...more,
    ];
    proxy = await RunningProxy.start(text, { flags, ...(after === undefined ? {} : { after }) });
    return proxy;
  }

  const masterPid = (): number => Number(readFileSync(join(directory, 'run', 'nginx.pid'), 'utf8'));

  function killNginx(): void {
    try {
      process.kill(-masterPid(), 'SIGKILL');
    } catch {
      // It is gone, or was never there.
    }
  }

  function isAlive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }

  async function metric(running: RunningProxy, name: string): Promise<Record<string, number>> {
    const text = (await running.askAdmin('/metrics')).body.toString();
    const samples = parsePrometheusText(text).get(name)?.samples ?? [];
    return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(), value]));
  }

  it('serves both clusters by the percentage, and counts what it served', async () => {
    const running = await start(yaml(50));
    expect(running.process.stdout).to.include(`proxy  http://127.0.0.1:${running.port}`);
    const connection = new KeptConnection(running.port);
    const seen = { old: 0, new: 0 };
    for (let i = 0; i < 200; i++) seen[clusterOf(await connection.ask({ host: HOST }))]++;
    connection.close();
    expect(seen.new).to.be.within(60, 140);
    expect((await ask(running.port, { host: 'nobody.test' })).status).to.equal(404);

    const status = await eventually('all are counted', async () => {
      const found = await running.status();
      const [{ old: o, new: n }] = found.services;
      return o.requests + n.requests === 200 ? found : null;
    });
    expect(status.data_plane).to.equal('nginx');
    expect(status.nginx).to.deep.include({ up: true, running_generation: 1 });
    expect(status.nginx?.last_reload).to.deep.include({ ok: true, error: null });
    expect(status.services[0].new.requests).to.equal(seen.new);
    expect(await metric(running, 'migration_proxy_nginx_up')).to.deep.equal({ '': 1 });
    await eventually('the refused one is counted too', async () => {
      return (await metric(running, 'migration_proxy_refused_requests_total')).no_such_host === 1;
    });
  });

  it('takes edits over under load: live when the command answers, not one request lost', async () => {
    const running = await start(yaml(0));
    const load = new MixedLoad({ port: running.port, host: HOST, clients: 4, afterClose: 'reconnect' });
    for (const percentage of [100, 0, 100]) {
      const { code, stderr } = await runCli(['update', 'shop', String(percentage), '--admin', running.admin]);
      expect(code, stderr).to.equal(0);
      expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal(percentage === 100 ? 'new' : 'old');
    }
    await load.stop();
    // A reload closes idle connections: what a client sent in that moment has no answer, and is for the client to repeat.
    expect(load.failed.filter(({ status }) => status !== null)).to.deep.equal([]);
    expect(load.servedBy('old')).to.be.above(0);
    expect(await metric(running, 'migration_proxy_nginx_reloads_total')).to.deep.equal({ ok: 4, failed: 0 });
    running.edit(`${yaml(100)}# a comment is no change\n`);
    running.process.child.kill('SIGHUP');
    expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('new');
    expect(await metric(running, 'migration_proxy_nginx_reloads_total')).to.deep.equal({ ok: 4, failed: 0 });
  });

  it('goes back to old when new fails, holds and resumes, all without a reload', async () => {
    const running = await start(yaml(100));
    const pid = masterPid();
    await new_.break('503');
    for (let i = 0; i < 3; i++) expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('old');
    const fallen = await eventually(
      'it has fallen back',
      async () => {
        const service = await running.service('shop');
        return service.state === 'fallen_back' ? service : null;
      },
      1_000,
    );
    expect(fallen.state_reason).to.include('3 failures in a row').and.to.include('status 503');
    const arrived = new_.requests;
    for (let i = 0; i < 20; i++) expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('old');
    expect(new_.requests).to.equal(arrived);

    await new_.heal();
    const resumed = await runCli(['resume', 'shop', '--admin', running.admin]);
    expect(resumed.code, resumed.stderr).to.equal(0);
    expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('new');
    const aborted = await runCli(['abort', 'shop', '--admin', running.admin]);
    expect(aborted.code, aborted.stderr).to.equal(0);
    expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('old');
    expect(await metric(running, 'migration_proxy_nginx_reloads_total')).to.deep.equal({ ok: 1, failed: 0 });
    expect(masterPid()).to.equal(pid);
  });

  it('is killed and traffic goes on; the next one takes nginx over, with the holds of before', async () => {
    const running = await start(yaml(100));
    const pid = masterPid();
    expect((await runCli(['abort', 'shop', '--admin', running.admin])).code).to.equal(0);
    await running.stop('SIGKILL');
    expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('old');
    const next = await start(null, running);
    expect(masterPid()).to.equal(pid);
    expect(await metric(next, 'migration_proxy_nginx_reloads_total')).to.deep.equal({ ok: 0, failed: 0 });
    expect(clusterOf(await ask(next.port, { host: HOST }))).to.equal('old');
    expect((await next.service('shop')).hold).to.not.equal(null);
    expect((await runCli(['resume', 'shop', '--admin', next.admin])).code).to.equal(0);
    expect(clusterOf(await ask(next.port, { host: HOST }))).to.equal('new');
    await eventually(
      'what the adopted one serves is counted',
      async () => (await next.service('shop')).new.requests > 0,
    );
  });

  it('brings nginx back when it dies, with the state of its services', async () => {
    const running = await start(yaml(100));
    expect((await runCli(['abort', 'shop', '--admin', running.admin])).code).to.equal(0);
    const pid = masterPid();
    process.kill(pid, 'SIGKILL');
    await eventually(
      'another nginx serves',
      async () => masterPid() !== pid && (await running.status()).nginx?.up === true,
    );
    expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('old');
    expect(running.process.stderr).to.include('nginx ended by itself');
  });

  it('drains at SIGTERM: what is under way ends, then nginx is gone', async () => {
    const slow = await ToyCluster.listen('new', { slowMs: 700 });
    await slow.break('slow');
    const running = await start(yaml(100).replace(new_.backend, slow.backend));
    const pid = masterPid();
    const underWay = ask(running.port, { host: HOST });
    await eventually('the request has arrived', () => slow.requests > 0);
    const { code } = await running.stop();
    expect(code).to.equal(0);
    expect(clusterOf(await underWay)).to.equal('new');
    expect(isAlive(pid)).to.equal(false);
    await slow.close();
  });

  it('says what nginx says when the port is taken', async () => {
    const taken = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    const file = join(tempDir(), 'migration.yaml');
    writeFileSync(file, yaml(50));
    const args = ['run', '--local-config', file, '--data-plane', 'nginx', '--nginx-dir', directory];
    const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${await freePort()}`];
    const { code, stderr } = await runCli([...args, ...listen]);
    taken.close();
    expect(code).to.equal(2);
    expect(stderr).to.match(/migration-proxy: nginx does not serve: .*bind\(\).*Address already in use/);
  });

  it('serves by old alone what this nginx refuses, and says so; the others are as they should be', async () => {
    const picky = join(tempDir(), 'nginx');
    const refuses = `case "$*" in *" -t "*|"-t "*) ! grep -q "server 127.0.0.1:1 " "$6" || { echo "nginx: [emerg] no such server in /x/nginx.conf:7" >&2; exit 1; };; esac`;
    writeFileSync(picky, `#!/bin/sh\n${refuses}\nPATH=$PATH:/usr/sbin exec nginx "$@"\n`, { mode: 0o755 });
    const more = `  - name: mail
    old_host: mail.old.test
    old_backend: ${old.backend}
    new_host: mail.new.test
    new_backend: 127.0.0.1:1
    migration: { percentage: 100 }
`;
    const running = await start(yaml(100, more), undefined, ['--nginx', picky]);
    expect(clusterOf(await ask(running.port, { host: HOST }))).to.equal('new');
    expect(clusterOf(await ask(running.port, { host: 'mail.old.test' }))).to.equal('old');
    const { config } = await running.status();
    expect(config.errors).to.have.length(1);
    const lines = yaml(100, more).split('\n');
    expect(config.errors[0]).to.deep.include({
      code: 'nginx_refused',
      service: 'mail',
      line: lines.indexOf('  - name: mail') + 1,
      column: 5,
      path: 'services[1]',
    });
    expect(config.errors[0].message).to.include('its old cluster alone serves it').and.to.include('no such server');
    expect(await metric(running, 'migration_proxy_config_errors')).to.deep.equal({ '': 1 });
  });

  it('diff compares a file with what nginx runs', async () => {
    const running = await start(yaml(20));
    const flags = ['--listen', `127.0.0.1:${running.port}`, '--nginx-dir', directory, '--nginx-workers', '2'];
    const more = ['--nginx-shutdown-timeout', '2s'];
    const equal = await runCli(['diff', running.file, ...flags, ...more]);
    expect(equal, equal.stdout + equal.stderr).to.deep.include({ code: 0, stdout: '' });
    const file = join(tempDir(), 'next.yaml');
    writeFileSync(file, yaml(30));
    const different = await runCli(['diff', file, ...flags, ...more]);
    expect(different.code, different.stderr).to.equal(1);
    expect(different.stdout)
      .to.match(/^-.*20%/m)
      .and.to.match(/^\+.*30%/m);
    const nowhere = await runCli(['diff', file, '--nginx-dir', join(directory, 'nowhere')]);
    expect(nowhere.code).to.equal(2);
    expect(nowhere.stderr).to.include('no such file or directory').and.to.include('--nginx-dir');
  });
});
