/**
 * What can go wrong beside the clusters while `run --data-plane nginx` serves: ports, directories, a check that hangs or
 * refuses, killed processes. The last good configuration serves on, falling back works, all of it is told, and heals.
 * @needs nginx
 */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import type { StatusReport } from '../../src/status/report.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { clusterOf } from '../support/kept-connection.ts';
import { MixedLoad } from '../support/mixed-load.ts';
import { nginxBinary } from '../support/nginx-binary.ts';
import { freePort } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { makeReadOnly } from '../support/read-only.ts';
import { isAlive, type NginxOptions, nginxDirectory, RunningNginx } from '../support/running-nginx.ts';
import { SEED_HOST, SEED_SERVICE, seedYaml } from '../support/seed.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('what goes wrong around nginx', function () {
  this.timeout(90_000);
  let old: ToyCluster;
  let fresh: ToyCluster;
  let running: RunningNginx;
  let endings: (() => unknown)[];

  beforeEach(async () => {
    endings = [];
    [old, fresh] = [await ToyCluster.listen('old'), await ToyCluster.listen('new')];
    endings.push(() => Promise.all([old.close(), fresh.close()]));
  });
  afterEach(async () => {
    for (const end of endings.reverse()) await end();
  });

  const yaml = (percentage: number) =>
    seedYaml(
      { old: old.backend, new: fresh.backend },
      {
        percentage,
        // Long: this process is the clusters too, and on a busy machine it may not run for seconds.
        global: '  default_timeout: 20s\n  health_check_interval: 1h',
        canary: '{}',
        fallback: '{ max_failures: 3, failure_window: 60, recovery_time: 300 }',
      },
    );
  const start = async (text: string | null, options: NginxOptions = {}) => {
    running = await RunningNginx.start(text, options);
    endings.push(() => running.end());
  };
  const loadOn = () => {
    const load = new MixedLoad({ port: running.proxy.port, host: SEED_HOST });
    endings.push(() => load.stop());
    return load;
  };
  const cluster = async () => clusterOf(await ask(running.proxy.port, { host: SEED_HOST }));
  const status = () => running.proxy.status();
  const state = async () => (await running.proxy.service(SEED_SERVICE)).state;
  const toldOf = async (error: RegExp): Promise<StatusReport> =>
    eventually(
      'it is told',
      async () => {
        const told = await status();
        return told.nginx?.last_reload?.ok === false && error.test(told.nginx.last_reload.error ?? '') ? told : null;
      },
      30_000,
    );
  const shown = () => runCli(['status', '--admin', running.proxy.admin]);

  /** An nginx whose `-t` does what a file of its own beside it says, when it is there. */
  const fickle = () => {
    const directory = tempDir();
    const [program, hang, refuse] = ['nginx', 'hang', 'refuse'].map((name) => join(directory, name));
    const words = 'nginx: [emerg] unknown directive "garbage" in /d/nginx.conf:3';
    const check = `while [ -e ${hang} ]; do sleep 0.1; done; [ -e ${refuse} ] && { echo '${words}' >&2; exit 1; }`;
    const lines = ['#!/bin/sh', `case " $* " in *" -t "*) ${check};; esac`, `exec ${nginxBinary()} "$@"`, ''];
    writeFileSync(program, lines.join('\n'), { mode: 0o755 });
    endings.push(() => rmSync(hang, { force: true }));
    return { program, hang, refuse };
  };

  /** An edit to 0 % is not live for a while: everything else goes on. */
  const servesOn = async (error: RegExp, by: 'old' | 'new' = 'new') => {
    const told = await toldOf(error);
    expect(told.nginx).to.include({ up: true, running_generation: 1 });
    expect(told.generation).to.equal(2);
    expect(told.ready).to.equal(true);
    expect((await running.reloads()).failed).to.be.at.least(1);
    expect(running.proxy.process.stderr).to.match(/nginx keeps what it served: (check|install): /);
    const { code, stdout } = await shown();
    expect(code).to.equal(1);
    expect(stdout).to.match(/error +nginx serves generation 1, not 2: /);
    expect(await cluster()).to.equal(by);
  };
  const healed = async () => {
    await eventually('the edit is live', async () => (await cluster()) === 'old', 20_000);
    await eventually('that is told', async () => (await status()).nginx?.last_reload?.ok);
    const { generation, nginx } = await status();
    expect(nginx?.last_reload).to.include({ ok: true, error: null });
    expect(nginx).to.include({ up: true, running_generation: generation });
    const { code, stdout } = await shown();
    expect(code, stdout).to.equal(0);
  };

  it('a check that hangs: what runs serves on, the next edit is not lost', async () => {
    const { program, hang } = fickle();
    await start(yaml(100), { nginx: program });
    const load = loadOn();
    writeFileSync(hang, '');
    running.proxy.edit(yaml(0));
    await eventually('it is being checked', async () => (await status()).generation === 2);
    // Falling back needs no check, whatever hangs.
    await fresh.break('503');
    await eventually('it falls back', async () => (await state()) === 'fallen_back');
    expect(await cluster()).to.equal('old');
    await fresh.heal();
    await servesOn(/nginx -t did not end within 10(\.\d)? s/, 'old');
    rmSync(hang);
    const resumed = await runCli(['resume', SEED_SERVICE, '--admin', running.proxy.admin]);
    expect(resumed.code, resumed.stderr).to.equal(0);
    await healed();
    await load.stop();
    expect(load.lost.filter((one) => !load.cutOff.includes(one))).to.deep.equal([]);
  });

  it('a text that nginx refuses, and no service is to blame: its words are told, nothing changes', async () => {
    const { program, refuse } = fickle();
    await start(yaml(100), { nginx: program });
    const load = loadOn();
    writeFileSync(refuse, '');
    running.proxy.edit(yaml(0));
    await servesOn(/unknown directive "garbage"/);
    expect((await status()).config.errors).to.deep.equal([]);
    rmSync(refuse);
    await healed();
    await load.stop();
    expect(load.failed.filter((one) => !load.cutOff.includes(one))).to.deep.equal([]);
  });

  it('its directory is made read-only: told, also that a fallback cannot reach nginx; healed when it can be written', async function () {
    await start(yaml(100));
    const writable = makeReadOnly(running.directory);
    if (writable === null) {
      console.log('      skipped: root may write everywhere, and may not mount here');
      this.skip();
    }
    endings.push(writable);
    running.proxy.edit(yaml(0));
    await servesOn(/EROFS|EACCES/);
    if (process.getuid?.() === 0) {
      await runCli(['abort', SEED_SERVICE, '--admin', running.proxy.admin]);
      const { warnings } = await status();
      expect(warnings.map(({ message }) => message).join()).to.match(/nginx is not told of a change of state: .*EROFS/);
      expect(running.proxy.process.stderr).to.match(/nginx is not told of a change of state/);
      expect(await cluster()).to.equal('new');
      writable();
      await eventually('the hold is obeyed', async () => (await cluster()) === 'old', 2_000);
      expect((await status()).warnings).to.deep.equal([]);
      await runCli(['resume', SEED_SERVICE, '--admin', running.proxy.admin]);
    }
    writable();
    await healed();
  });

  it('a port that somebody has, and a directory that another of ours has: it does not start, and says why', async () => {
    await start(yaml(100));
    const load = loadOn();
    const refused = async (port: number, directory: string) => {
      const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${await freePort()}`];
      const plane = ['--data-plane', 'nginx', '--nginx', nginxBinary(), '--nginx-dir', directory];
      const { code, stderr } = await runCli(['run', '--local-config', running.proxy.file, ...listen, ...plane]);
      expect(code).to.equal(2);
      return stderr;
    };
    const taken = await refused(running.proxy.port, nginxDirectory());
    expect(taken).to.match(/^migration-proxy: nginx does not serve: .*bind\(\).*Address already in use/m);
    const owned = await refused(await freePort(), running.directory);
    expect(owned).to.match(/^migration-proxy: another migration-proxy \(pid \d+\) runs nginx in .*--nginx-dir/m);
    const pid = running.masterPid();
    await load.stop();
    expect(load.failed).to.deep.equal([]);
    expect(running.masterPid()).to.equal(pid);
    expect(isAlive(pid)).to.equal(true);
    // The admin port is looked at first: no nginx is started for a process that cannot be asked.
    const admin = [
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--admin-listen',
      `127.0.0.1:${running.proxy.adminPort}`,
    ];
    const directory = nginxDirectory();
    const plane = ['--data-plane', 'nginx', '--nginx', nginxBinary(), '--nginx-dir', directory];
    const { code, stderr } = await runCli(['run', '--local-config', running.proxy.file, ...admin, ...plane]);
    expect(code).to.equal(2);
    expect(stderr).to.include('--admin-listen');
  });

  it('a worker is killed: only what it had under way is lost, and everything after is served and counted', async () => {
    await start(yaml(100));
    const load = loadOn();
    await eventually('load flows', () => load.sent.length > 50);
    const [worker] = running.workers();
    process.kill(worker.pid, 'SIGKILL');
    await eventually('nginx has another', () => {
      const pids = running.workers().map(({ pid }) => pid);
      return pids.length === 2 && !pids.includes(worker.pid);
    });
    const before = load.sent.length;
    await eventually('load goes on', () => load.sent.length > before + 100);
    await load.stop();
    expect(load.failed.length).to.be.at.most(6);
    expect(load.failed.map(({ status: code }) => code)).to.deep.equal(load.failed.map(() => null));
    expect(await state()).to.equal('steady');
    expect((await running.reloads()).ok).to.equal(1);
    const counted = (await running.proxy.service(SEED_SERVICE)).new.requests;
    for (let at = 0; at < 20; at++) expect(await cluster()).to.equal('new');
    await eventually(
      'the next are counted',
      async () => (await running.proxy.service(SEED_SERVICE)).new.requests >= counted + 20,
    );
  });

  it('the master is killed: nginx is back by itself, with the state of its services, and it is told', async () => {
    await start(yaml(100));
    await fresh.break('503');
    await eventually('it falls back', async () => (await cluster()) && (await state()) === 'fallen_back');
    await fresh.heal();
    const load = loadOn();
    await eventually('load flows', () => load.sent.length > 50);
    const pid = running.masterPid();
    const killedMs = Date.now();
    process.kill(pid, 'SIGKILL');
    await eventually('another serves', async () => running.masterPid() !== pid && (await status()).nginx?.up === true);
    const before = load.sent.length;
    await eventually('load goes on', () => load.sent.slice(before).filter((one) => one.status === 200).length > 50);
    await load.stop();
    const lastMs = Math.max(killedMs, ...load.failed.map(({ atMs }) => atMs));
    console.log(`      the last failed request ${lastMs - killedMs} ms after the kill`);
    expect(load.servedBy('new')).to.equal(0);
    expect(load.failed.map(({ status: code }) => code)).to.deep.equal(load.failed.map(() => null));
    expect(running.proxy.process.stderr).to.include('nginx ended by itself').and.to.include('nginx serves again');
    expect(await state()).to.equal('fallen_back');
    await eventually('the killed one has left nobody', () => !isAlive(pid));
  });

  it('nginx dies again and again: not ready is what it says, and it serves as soon as it can', async () => {
    await start(yaml(100));
    for (let at = 0; at < 3; at++) {
      const pid = running.masterPid();
      process.kill(-pid, 'SIGKILL');
      await eventually('down is said', async () => (await status()).nginx?.up === false || running.masterPid() !== pid);
      await eventually('another serves', async () => running.masterPid() !== pid && (await cluster()) === 'new');
      await pause(20);
    }
    // It serves some moments before it is known to.
    await eventually('up is said', async () => (await status()).nginx?.up === true);
    expect((await status()).nginx?.running_generation).to.equal(1);
  });

  it('its directory is removed under it: nobody is refused, holds are obeyed again, and edits are live', async () => {
    await start(yaml(100));
    const pid = running.masterPid();
    let own = 0;
    const asked = () => {
      own++;
      return cluster();
    };
    const hold = ['abort', SEED_SERVICE, '--reason', 'x', '--admin', running.proxy.admin];
    expect((await runCli(hold)).code).to.equal(0);
    expect(await asked()).to.equal('old');
    const load = loadOn();
    rmSync(running.directory, { recursive: true });
    await eventually('the hold is obeyed', async () => (await asked()) === 'old');
    await eventually('it is told', () => /somebody removed .*; it was made anew/.test(running.proxy.process.stderr));
    running.proxy.edit(yaml(50));
    await eventually('the edit is live', async () => (await status()).nginx?.running_generation === 2);
    expect(await asked()).to.equal('old');
    await load.stop();
    expect(load.failed).to.deep.equal(load.cutOff);
    expect(running.masterPid()).to.equal(pid);
    const answered = load.sent.filter(({ status }) => status !== null).length + own;
    await eventually('each is counted once', async () => {
      const { old, new: fresh } = await running.proxy.service(SEED_SERVICE);
      return old.requests + fresh.requests === answered;
    });
  });

  it('nginx is gone and cannot be started: not ready is what it says, until it is back', async () => {
    const { program } = fickle();
    await start(yaml(100), { nginx: program });
    const readiness = async () => (await running.proxy.askAdmin('/readyz')).status;
    expect(await readiness()).to.equal(200);
    chmodSync(program, 0o600);
    process.kill(-running.masterPid(), 'SIGKILL');
    await eventually('not ready', async () => (await readiness()) === 503);
    expect(await status()).to.deep.include({ ready: false });
    expect((await running.proxy.askAdmin('/health')).status).to.equal(503);
    expect((await running.proxy.askAdmin('/livez')).status).to.equal(200);
    chmodSync(program, 0o755);
    await eventually('ready again', async () => (await readiness()) === 200, 20_000);
    expect(await cluster()).to.equal('new');
  });
});
