/**
 * A newer nginx is installed while one runs, as a package does it: the one that runs serves on and takes edits, also by a proxy that was
 * started after the upgrade; people are told until the new one runs. The new one here is the old one that says it is newer.
 * @needs nginx
 */
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { nginxBinary, nginxVersion } from '../support/nginx-binary.ts';
import { RunningNginx } from '../support/running-nginx.ts';
import { needsNginx } from '../support/small-nginx.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('an upgrade of nginx under a running one', function () {
  this.timeout(120_000);
  const running: RunningNginx[] = [];
  before(function () {
    needsNginx(this);
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.end();
  });

  const yaml = (percentage: number) => `services:
  - name: shop
    old_host: shop.test
    old_backend: 127.0.0.1:1
    new_host: new.test
    new_backend: 127.0.0.1:1
    migration: { percentage: ${percentage} }
`;

  it('is told, and changes nothing until nginx is started again', async () => {
    const { major, minor, patch } = nginxVersion();
    const program = join(tempDir(), 'nginx');
    copyFileSync(nginxBinary(), program);
    const first = await RunningNginx.start(yaml(10), { nginx: program });
    running.push(first);
    const pid = first.masterPid();
    const warnings = async (one: RunningNginx) =>
      (await one.proxy.status()).warnings.map(({ message }) => message).filter((message) => /of before/.test(message));
    const tookEdit = async (one: RunningNginx, percentage: number): Promise<void> => {
      const { ok } = await one.reloads();
      one.proxy.edit(yaml(percentage));
      await eventually('a reload', async () => (await one.reloads()).ok > ok);
      expect((await one.reloads()).failed).to.equal(0);
    };
    expect(await warnings(first)).to.deep.equal([]);

    renameSync(newerThan(nginxBinary()), program);
    const [warning] = await eventually('a warning', async () => {
      const found = await warnings(first);
      return found.length > 0 && found;
    });
    expect(warning).to.contain(`nginx 1.99.0 was installed, but nginx ${major}.${minor}.${patch} of before still runs`);
    await tookEdit(first, 20);

    await first.proxy.stop('SIGKILL');
    const second = await RunningNginx.start(null, { nginx: program, after: first });
    running.push(second);
    expect(second.masterPid()).to.equal(pid);
    expect(await eventually('the same warning', async () => (await warnings(second))[0])).to.equal(warning);
    await tookEdit(second, 30);
    const flags = ['--nginx', program, '--nginx-dir', second.directory, '--nginx-workers', '2'];
    const same = await runCli(['diff', second.proxy.file, '--listen', `127.0.0.1:${second.proxy.port}`, ...flags]);
    expect(same, same.stdout + same.stderr).to.deep.include({ code: 0, stdout: '' });
    if (minor < 27) {
      expect(readFileSync(join(second.directory, 'nginx.conf'), 'utf8')).not.to.contain('keepalive_min_timeout');
    }

    process.kill(-pid, 'SIGKILL');
    await eventually(
      'the new one runs',
      async () => second.masterPid() !== pid && (await warnings(second)).length === 0,
    );
  });
});

/** Path of a program that is the given nginx, and calls itself 1.99.0. */
function newerThan(nginx: string): string {
  const path = join(tempDir(), 'nginx');
  const says = `${nginx} -V 2>&1 | sed 's|nginx/[0-9.]*|nginx/1.99.0|' >&2`;
  writeFileSync(path, `#!/bin/sh\n[ "$1" != -V ] || { ${says}; exit; }\nexec ${nginx} "$@"\n`, { mode: 0o755 });
  return path;
}
