/** How `run` ends: in time, whatever is still under way, and without forgetting what somebody was told. */
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { CliProcess, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/ports.ts';
import { answer, Recorder } from '../support/recorder.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { tempDir } from '../support/temp-dir.ts';

describe('holds and the end of run', () => {
  let old: Recorder;
  let silent: Server;
  let asked: Socket[];

  before(async () => {
    old = await Recorder.listen(() => answer(200, 'old'));
    asked = [];
    silent = createServer((socket) => asked.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    await old.close();
    for (const socket of asked) socket.destroy();
    silent.close();
  });

  it('an abort that was answered is kept, also with kill -9 and no time to spare', async () => {
    const yaml = `services:
  - name: shop
    old_host: shop.old.test
    old_backend: 127.0.0.1:${old.port}
    new_host: shop.new.test
    new_backend: 127.0.0.1:${old.port}
`;
    const proxy = await RunningProxy.start(yaml);
    const aborted = await runCli(['abort', 'shop', '--reason', 'deploy', '--admin', proxy.admin]);
    await proxy.stop('SIGKILL');
    expect(aborted.stdout).to.equal('shop: held on the old cluster until it is resumed\n');
    const again = await RunningProxy.start(null, { after: proxy });
    expect((await again.service('shop')).hold).to.include({ reason: 'deploy' });
    await again.stop();
  });

  it('where nothing is kept, an abort says so', async () => {
    const file = join(tempDir(), 'migration.yaml');
    const [port, adminPort] = await freePorts(2);
    const yaml = `services: [{ name: shop, old_host: shop.test, old_backend: "127.0.0.1:${old.port}", new_host: n.test, new_backend: "127.0.0.1:${old.port}" }]`;
    writeFileSync(file, yaml);
    const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`];
    const stateless = new CliProcess(['run', '--local-config', file, ...listen]);
    const admin = `http://127.0.0.1:${adminPort}`;
    await eventually('ready', async () => (await runCli(['status', '--admin', admin])).code === 0);
    const { stdout } = await runCli(['abort', 'shop', '--admin', admin]);
    expect(stdout).to.equal(
      'shop: held on the old cluster until it is resumed; without --state-dir a restart forgets it\n',
    );
    stateless.child.kill('SIGKILL');
  });

  it('the end does not wait for a health check that gets no answer', async () => {
    const port = (silent.address() as { port: number }).port;
    const proxy = await RunningProxy.start(`global: { health_check_interval: 50ms, default_timeout: 60s }
services:
  - name: shop
    old_host: shop.old.test
    old_backend: 127.0.0.1:${old.port}
    new_host: shop.new.test
    new_backend: 127.0.0.1:${port}
    health_check: { path: /health }
    migration: { percentage: 20 }
`);
    await eventually('a check is under way', async () => asked.length > 0);
    const begunMs = performance.now();
    const { code } = await proxy.stop();
    expect(code).to.equal(0);
    expect(performance.now() - begunMs).to.be.below(10_000);
  });
});
