/** How `run` ends: in time, whatever is still under way. */
import { createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { answer, Recorder } from '../support/recorder.ts';
import { RunningProxy } from '../support/running-proxy.ts';

describe('the end of run', () => {
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

  it('does not wait for a health check that gets no answer', async () => {
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
