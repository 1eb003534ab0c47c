/**
 * `run --data-plane nginx` that is told to end before nginx serves: it ends then, not after a check that takes long.
 * @needs nginx
 */
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { needsNginx, oddNginx } from '../support/small-nginx.ts';
import { tempDir } from '../support/temp-dir.ts';

const YAML = `services:
  - name: shop
    old_host: shop.old.test
    old_backend: 127.0.0.1:9
    new_host: shop.new.test
    new_backend: 127.0.0.1:9
    migration: { percentage: 20 }
`;

describe('an end while nginx is being started', function () {
  this.timeout(40_000);
  before(function () {
    needsNginx(this);
  });

  it('is not held up by a check, and is no failure', async () => {
    const parent = tempDir();
    chmodSync(parent, 0o711);
    const asked = join(parent, 'asked');
    const program = oddNginx(`[ "$1" = -t ] && touch ${asked} && exec sleep 3600`);
    const flags = ['--data-plane', 'nginx', '--nginx', program, '--nginx-dir', join(parent, 'nginx')];
    const proxy = await RunningProxy.start(YAML, { flags, ready: false });
    await eventually('nginx is asked', () => existsSync(asked), 20_000);
    const { code, stderr } = await proxy.stop('SIGTERM', 8_000);
    expect(code, stderr).to.equal(0);
    const errors = stderr
      .split('\n')
      .filter((line) => line.includes('"level":"error"') || line.includes('nginx_failed'));
    // Nobody listens where the service's clusters are: a check may have said so by then.
    expect(errors.filter((line) => !line.includes('old and new both fail')).join('\n')).to.equal('');
  });
});
