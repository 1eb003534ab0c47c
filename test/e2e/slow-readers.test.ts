/** Clients that take their answer slowly: they get every byte unharmed, and hold nothing for ever. */
import { createHash, randomBytes } from 'node:crypto';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { expect } from 'chai';
import { CertificateAuthority } from '../support/certificates.ts';
import { Direct, HOST } from '../support/direct.ts';
import { eventually } from '../support/eventually.ts';
import { type RawClient, requestBytes } from '../support/raw-client.ts';

const MIB = 1024 * 1024;
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('slow readers', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  /** A client that takes nothing until the bytes of `backend` are stuck on their way. */
  const stuck = async (request: Buffer, backend: () => Socket | null): Promise<RawClient> => {
    const client = await direct.client();
    client.socket.pause();
    client.send(request);
    let last = -1;
    await eventually('the backend can send no more', () => {
      const waiting = backend()?.writableLength ?? 0;
      const still = waiting > 0 && waiting === last;
      last = waiting;
      return still;
    });
    return client;
  };

  it('an answer that ends the connection is whole, however late its reader comes', async () => {
    const body = randomBytes(16 * MIB);
    let backend: Socket | null = null;
    direct = await Direct.start({
      plane: { limits: { lingerMs: 100 } },
      new: ({ socket }) => {
        backend = socket;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.write(body);
        return null;
      },
    });
    const client = await stuck(requestBytes({ host: HOST, headers: { Connection: 'close' } }), () => backend);
    // Takes what the kernels hold bit by bit, so that the end of the answer waits in the proxy for longer than it lingers.
    const rest = client.response({ withinMs: 20_000 });
    for (let i = 0; i < 60; i++) {
      client.socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 2));
      client.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    client.socket.resume();
    expect(hashOf((await rest).body)).to.equal(hashOf(body));
  }).timeout(30_000);

  it('a tunnel that both sides have ended still delivers what is on its way', async () => {
    const bytes = randomBytes(16 * MIB);
    let backend: Socket | null = null;
    direct = await Direct.start({
      new: ({ socket }) => {
        backend = socket;
        socket.removeAllListeners('end');
        socket.on('end', () => socket.end(bytes));
        return 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n';
      },
    });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST, headers: { Upgrade: 'echo', Connection: 'Upgrade' } }));
    expect((await client.response()).status).to.equal(101);
    client.socket.pause();
    client.end();
    await eventually('the backend is sending', () => (backend?.writableLength ?? 0) > 0);
    for (let taken = 0; taken < bytes.length / 2; taken = client.queue.waiting.length) {
      client.socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 1));
      client.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 20)); // the reader is slow: that is the case
    }
    client.socket.resume();
    expect(hashOf(await client.closed())).to.equal(hashOf(bytes));
    await eventually('nothing is held', () => direct.plane.connections().new === 0);
  }).timeout(30_000);

  describe('over TLS', () => {
    let authority: CertificateAuthority;
    let server: Server;
    let backend: Socket | null;
    before(() => {
      authority = new CertificateAuthority();
    });
    afterEach(() => server.close());

    const serve = async (onRequest: (socket: Socket, index: number) => void): Promise<void> => {
      backend = null;
      let index = 0;
      server = createServer({ ...authority.leaf('shop.new.example') }, (socket) => {
        backend = socket;
        socket.on('error', () => {});
        socket.on('data', () => onRequest(socket, index++));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      direct = await Direct.start();
      const base = direct.migration();
      const tls = { ca: authority.ca, caFile: null, serverName: null, insecureSkipVerify: false };
      const { port } = server.address() as AddressInfo;
      direct.apply({ ...base, new: { ...base.new, port, protocol: 'https', tls } });
    };

    it('what passes through a tunnel arrives as it was sent', async () => {
      const bytes = randomBytes(24 * MIB);
      await serve((socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
        socket.write(bytes);
      });
      const upgrade = { Upgrade: 'echo', Connection: 'Upgrade' };
      const client = await stuck(requestBytes({ host: HOST, headers: upgrade }), () => backend);
      client.socket.resume();
      expect((await client.response()).status).to.equal(101);
      const got = await client.queue.exactly(bytes.length, 20_000);
      expect(hashOf(got)).to.equal(hashOf(bytes));
      client.destroy();
    }).timeout(30_000);

    it('the connection serves again after an answer that had to wait', async () => {
      const body = randomBytes(12 * MIB + 5);
      await serve((socket, index) => {
        const answer = index === 0 ? body : Buffer.from('next');
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n`);
        socket.write(answer);
      });
      const client = await stuck(requestBytes({ host: HOST }), () => backend);
      client.socket.resume();
      expect(hashOf((await client.response({ withinMs: 20_000 })).body)).to.equal(hashOf(body));
      client.send(requestBytes({ host: HOST }));
      expect((await client.response()).body.toString()).to.equal('next');
      expect(direct.outcomes.map(({ failure }) => failure)).to.deep.equal([null, null]);
      client.destroy();
    }).timeout(30_000);
  });
});
