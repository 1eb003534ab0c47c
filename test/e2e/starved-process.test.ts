/**
 * A process that the machine kept from running for longer than its time limits (a throttled container, a frozen virtual machine):
 * what came meanwhile is there, and nobody is blamed for having been silent. The process holds itself up here, by counting.
 */
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { checkTarget } from '../../src/checks/check-target.ts';
import { Direct, HOST } from '../support/direct.ts';
import { requestBytes } from '../support/raw-client.ts';
import { answer, Recorder } from '../support/recorder.ts';

const LIMIT_MS = 400;

/** Nothing of this process runs until the limits that were set before are over. */
function holdUp(): void {
  const endMs = performance.now() + 2 * LIMIT_MS;
  while (performance.now() < endMs);
}

describe('a process that was kept from running', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  it('takes the answer that waits for it, and holds no timeout against the cluster', async () => {
    direct = await Direct.start({
      migration: { timeoutMs: LIMIT_MS },
      new: ({ socket }) => {
        socket.write(answer(200, 'in time'));
        holdUp();
        return null;
      },
    });
    expect((await direct.ask()).body.toString()).to.equal('in time');
    expect(direct.outcomes.map(({ cluster, failure }) => [cluster, failure])).to.deep.equal([['new', null]]);
  });

  it('takes the rest of an answer that waits for it', async () => {
    const body = 'x'.repeat(200_000);
    const whole = answer(200, body);
    let backend: Socket | null = null;
    direct = await Direct.start({
      migration: { timeoutMs: LIMIT_MS },
      new: ({ socket }) => {
        backend = socket;
        return whole.slice(0, 100_000);
      },
    });
    const client = await direct.client();
    client.socket.once('data', () => {
      backend?.write(whole.slice(100_000));
      holdUp();
    });
    client.send(requestBytes({ host: HOST }));
    expect((await client.response()).body.toString()).to.equal(body);
    client.destroy();
  });

  it('serves the request that waits for it on a kept connection', async () => {
    direct = await Direct.start({ plane: { limits: { keepAliveMs: LIMIT_MS } } });
    const client = await direct.client();
    client.socket.once('data', () => {
      client.send(requestBytes({ host: HOST, path: '/2' }));
      holdUp();
    });
    client.send(requestBytes({ host: HOST, path: '/1' }));
    expect((await client.response()).status).to.equal(200);
    expect((await client.response()).status).to.equal(200);
    client.destroy();
  });

  it('takes the rest of a request that waits for it', async () => {
    const request = requestBytes({ host: HOST, method: 'POST', body: 'x'.repeat(1_000) });
    direct = await Direct.start({ plane: { limits: { bodyTimeoutMs: LIMIT_MS } } });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    expect((await client.response()).status).to.equal(200);
    direct.new.sockets[0].once('data', () => {
      client.send(request.subarray(500));
      holdUp();
    });
    client.send(request.subarray(0, 500));
    expect((await client.response()).status).to.equal(200);
    client.destroy();
  });

  it('has its active check answered', async () => {
    direct = await Direct.start();
    const recorder = await Recorder.listen(({ socket }) => {
      socket.write(answer(200, 'healthy'));
      holdUp();
      return null;
    });
    const target = {
      address: '127.0.0.1',
      port: recorder.port,
      protocol: 'http' as const,
      host: HOST,
      tlsName: HOST,
      ca: null,
      insecureSkipVerify: false,
      path: '/healthz',
      connectTimeoutMs: LIMIT_MS,
      timeoutMs: LIMIT_MS,
    };
    expect(await checkTarget(target, { now: Date.now })).to.deep.equal({ error: null });
    await recorder.close();
  });
});
