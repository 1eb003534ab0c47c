/**
 * `render` as people use it: the text goes to standard output and is the same every time, what is wrong goes to standard
 * error, and neither an nginx nor a network is needed.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCli } from '../support/cli.ts';
import { tempDir } from '../support/temp-dir.ts';

const yaml = (mail: string) => `services:
  - name: shop
    old_host: shop.old.test
    old_backend: backend.invalid:80
    new_host: shop.new.test
    new_backend: 127.0.0.1:81
    migration: { percentage: 30 }
  - name: mail
    old_host: mail.old.test
    old_backend: 127.0.0.1:82
    new_host: mail.new.test
    new_backend: 127.0.0.1:83
    migration: { ${mail} }
`;

describe('render', function () {
  this.timeout(30_000);
  const flags = ['--nginx-version', '1.28.0', '--nginx-dir', '/dev/shm/of-a-test', '--nginx', 'no-such-nginx'];

  function file(text: string): string {
    const path = join(tempDir(), 'migration.yaml');
    writeFileSync(path, text);
    return path;
  }

  it('prints the text with names as they are written, the same each time', async () => {
    const path = file(yaml('percentage: 40'));
    const first = await runCli(['render', path, ...flags]);
    expect(first, first.stderr).to.include({ code: 0, stderr: '' });
    expect(first.stdout).to.include('server backend.invalid:80 ').and.to.include('/dev/shm/of-a-test/run/nginx.pid');
    expect(first.stdout)
      .to.match(/^ +30% +new:weight;$/m)
      .and.to.match(/^ +40% +new:weight;$/m);
    expect((await runCli(['render', path, ...flags])).stdout).to.equal(first.stdout);
  });

  it('prints addresses with --resolve, and a dead peer for a name that has none', async () => {
    const { code, stdout, stderr } = await runCli(['render', file(yaml('percentage: 40')), ...flags, '--resolve']);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.not.include('server backend.invalid');
  });

  it('prints the good services, the bad ones on standard error, and exits with 1', async () => {
    const path = file(yaml('percentage: 400'));
    const { code, stdout, stderr } = await runCli(['render', path, ...flags]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/migration\.yaml:13:\d+: services\[1\]\.migration\.percentage: /);
    expect(stdout)
      .to.include('server_name shop.old.test;')
      .and.to.match(/old:invalid;/);
  });

  it('says what keeps it from rendering', async () => {
    const missing = await runCli(['render', '/no/such/file', ...flags]);
    expect(missing).to.include({ code: 2, stdout: '' });
    const old = await runCli(['render', file(yaml('percentage: 40')), '--nginx-version', '1.18.0']);
    expect(old.code).to.equal(2);
    expect(old.stderr).to.include('from 1.22 on');
    const none = await runCli(['render', file(yaml('percentage: 40')), '--nginx', '/no/such/nginx']);
    expect(none.code).to.equal(2);
    expect(none.stderr).to.include('there is no nginx at /no/such/nginx; install nginx 1.22 or newer');
  });
});
