/** Long-lived and large exchanges through the direct data plane: tunnels, event streams, big bodies, limits, drain. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { WebSocket, WebSocketServer } from 'ws';
import { Direct, HOST } from '../support/direct.ts';
import { eventually, within } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { requestBytes } from '../support/raw-client.ts';
import { answer } from '../support/recorder.ts';

describe('streaming', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  it('a WebSocket echoes frames of all sizes, both ways, and closes with its code', async () => {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    direct = await Direct.start();
    const migration = direct.migration();
    direct.apply({ ...migration, new: { ...migration.new, port: (http.address() as AddressInfo).port } });
    const socket = new WebSocket(`ws://127.0.0.1:${direct.port}/echo`, { headers: { Host: HOST } });
    await within('open', new Promise((resolve) => socket.once('open', resolve)));
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
      const sent = Buffer.alloc(size, size % 251);
      const got = within(`echo of ${size}`, new Promise<Buffer>((resolve) => socket.once('message', resolve)));
      socket.send(sent);
      expect((await got).equals(sent), `${size} bytes`).to.equal(true);
    }
    const closed = within('close', new Promise<number>((resolve) => socket.once('close', resolve)));
    socket.close(4001, 'bye');
    expect(await closed).to.equal(4001);
    const [record] = await direct.recorded(1);
    expect(record).to.include({ status: 101, cluster: 'new' });
    expect(direct.outcomes[0]).to.include({ failure: null, status: 101 });
    sockets.close();
    http.close();
  });

  it('a refused upgrade is an ordinary answer; what follows it is a request', async () => {
    direct = await Direct.start({ new: answer(426, 'no') });
    const client = await direct.client();
    const upgrade = { Upgrade: 'websocket, h2c', Connection: 'Upgrade', 'Sec-WebSocket-Key': 'x' };
    client.send(
      Buffer.concat([requestBytes({ host: HOST, headers: upgrade }), requestBytes({ host: HOST, path: '/2' })]),
    );
    expect((await client.response()).status).to.equal(426);
    expect((await client.response()).status).to.equal(426);
    expect(field(direct.new.requests[0], 'upgrade')).to.equal('websocket');
    expect(field(direct.new.requests[0], 'connection')).to.equal('Upgrade');
    expect(field(direct.new.requests[1], 'upgrade')).to.equal(null);
    client.destroy();
  });

  it('early bytes and half-closes pass through a tunnel', async () => {
    const seen: string[] = [];
    direct = await Direct.start({
      new: ({ socket }) => {
        socket.removeAllListeners('end');
        socket.on('data', (chunk) => seen.push(chunk.toString()));
        socket.on('end', () => socket.end('and good night'));
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello');
        return null;
      },
    });
    const client = await direct.client();
    const upgrade = { Upgrade: 'echo', Connection: 'Upgrade' };
    client.send(Buffer.concat([requestBytes({ host: HOST, headers: upgrade }), Buffer.from('early')]));
    const response = await client.response();
    expect(response.status).to.equal(101);
    expect(field(response, 'upgrade')).to.equal('echo');
    await eventually('early bytes', () => seen.join('') === 'early');
    client.end();
    expect((await client.closed()).toString()).to.equal('helloand good night');
  });

  it('each event of an event stream arrives when it is sent, and its idle end is no failure', async () => {
    let stream: Socket | null = null;
    direct = await Direct.start({
      migration: { timeoutMs: 100, streamIdleTimeoutMs: 400 },
      new: ({ socket }) => {
        stream = socket;
        socket.write(
          'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n\r\n',
        );
        return null;
      },
    });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    await client.queue.until('\r\n\r\n', 2_000);
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 150)); // longer than timeoutMs: streams have their own limit
      const sentAt = performance.now();
      (stream as unknown as Socket).write(`data: ${i}\n\n`);
      await client.queue.until(`data: ${i}\n\n`, 1_000);
      expect(performance.now() - sentAt).to.be.lessThan(400);
    }
    await client.closed(5_000);
    expect(direct.outcomes.map(({ failure }) => failure)).to.deep.equal([null]);
    expect(direct.records.map(({ status }) => status)).to.deep.equal([200]);
  });

  const BIG = 96 * 1024 * 1024;

  it('large bodies stream both ways at flat memory, however slow the reader', async () => {
    const piece = Buffer.alloc(256 * 1024, 7);
    const server = createServer((request, response) => {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => {
        response.writeHead(200, {
          'X-Hash': hash.digest('hex'),
          ...(request.url === '/length' ? { 'Content-Length': BIG } : {}),
        });
        let sent = 0;
        const more = (): void => {
          while (sent < BIG) {
            sent += piece.length;
            if (!response.write(piece)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    direct = await Direct.start({ migration: { timeoutMs: 20_000 } });
    const migration = direct.migration({ timeoutMs: 20_000 });
    direct.apply({ ...migration, new: { ...migration.new, port: (server.address() as AddressInfo).port } });
    const before = process.memoryUsage.rss();
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
    for (const path of ['/length', '/chunked']) {
      const socket = connect(direct.port, '127.0.0.1');
      socket.write(`POST ${path} HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${BIG}\r\nConnection: close\r\n\r\n`);
      const expected = createHash('sha256');
      for (let sent = 0; sent < BIG; sent += piece.length) {
        expected.update(piece);
        if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
      }
      let got = 0;
      let head = '';
      let pauses = 0;
      for await (const chunk of socket) {
        if (head === '') head = chunk.toString('latin1', 0, 400);
        got += chunk.length;
        if (pauses++ < 20) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(head).to.include(`X-Hash: ${expected.digest('hex')}`);
      expect(got).to.be.greaterThan(BIG);
    }
    clearInterval(watch);
    server.close();
    // The test's own client and server live in this process too.
    expect(peak - before).to.be.lessThan(200 * 1024 * 1024);
  }).timeout(60_000);

  it('Expect: 100-continue: the backend is asked first, then the body goes', async () => {
    direct = await Direct.start();
    direct.new.script = () => answer(200, 'thanks');
    const http = createServer();
    http.on('checkContinue', (request, response) => {
      response.writeContinue();
      request.resume().on('end', () => response.end('thanks'));
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const migration = direct.migration();
    direct.apply({ ...migration, new: { ...migration.new, port: (http.address() as AddressInfo).port } });
    const client = await direct.client();
    client.send(`PUT / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    const first = (await client.queue.until('\r\n\r\n', 5_000)).toString();
    expect(first).to.match(/^HTTP\/1\.1 100 /);
    client.send('hello');
    expect((await client.response()).status).to.equal(200);
    client.destroy();
    http.close();
  });

  it('an answer before the whole body ends the connection after it', async () => {
    let backend: Socket | null = null;
    direct = await Direct.start();
    direct.new.sockets.length = 0;
    const server = (await import('node:net')).createServer((socket) => {
      backend = socket;
      socket.once('data', () => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig'));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const migration = direct.migration();
    direct.apply({ ...migration, new: { ...migration.new, port: (server.address() as AddressInfo).port } });
    const client = await direct.client();
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`);
    const response = await client.response();
    expect(response.status).to.equal(413);
    expect(field(response, 'connection')).to.equal('close');
    await client.closed();
    await eventually('the backend connection is not kept', () => (backend as Socket | null)?.destroyed);
    server.close();
  });

  describe('time limits of clients', () => {
    const limits = { headTimeoutMs: 150, bodyTimeoutMs: 150, keepAliveMs: 150 };

    it('a head that does not end gets 408, silence is closed, an idle connection too', async () => {
      direct = await Direct.start({ plane: { limits } });
      const slow = await direct.client();
      slow.send('GET / HTTP/1.1\r\nHos');
      expect((await slow.response()).status).to.equal(408);
      await slow.closed();
      const silent = await direct.client();
      expect((await silent.closed(2_000)).length).to.equal(0);
      const idle = await direct.client();
      idle.send(requestBytes({ host: HOST }));
      await idle.response();
      expect((await idle.closed(2_000)).length).to.equal(0);
      expect(direct.refused).to.deep.equal(['request_timeout']);
    });

    it('one byte now and then does not stretch the limit of a head', async () => {
      direct = await Direct.start({ plane: { limits } });
      const client = await direct.client();
      const drip = setInterval(() => client.socket.writable && client.send('a'), 30);
      client.send('GET /');
      const response = await client.response({ withinMs: 1_500 });
      clearInterval(drip);
      expect(response.status).to.equal(408);
    });

    it('a body that stops gets 408 and the backend never sees it completed', async () => {
      direct = await Direct.start({ plane: { limits } });
      const client = await direct.client();
      client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
      expect((await client.response()).status).to.equal(408);
      await client.closed();
      await eventually('backend connection closed', () => direct.new.sockets[0].destroyed);
      expect(direct.new.requests).to.deep.equal([]);
      expect(direct.outcomes).to.deep.equal([]);
    });

    it('a body that breaks its framing gets 400 and the backend never sees it completed', async () => {
      direct = await Direct.start();
      const client = await direct.client();
      client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
      await eventually('body arrives', () => direct.new.received[0]?.includes('hello'));
      client.send('0x5\r\n');
      expect((await client.response()).status).to.equal(400);
      await eventually('backend connection closed', () => direct.new.sockets[0].destroyed);
      expect(direct.new.requests).to.deep.equal([]);
    });
  });

  describe('drain', () => {
    it('ends requests under way, tells keep-alive clients to close, cuts tunnels at the deadline', async () => {
      let release: ((bytes: string) => void) | null = null;
      direct = await Direct.start({
        new: ({ request, socket }) => {
          if (request.startLine.includes('/tunnel')) {
            return 'HTTP/1.1 101 X\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n';
          }
          if (!request.startLine.includes('/slow')) return answer(200, 'quick');
          release = (bytes) => socket.write(bytes);
          return null;
        },
      });
      const idle = await direct.client();
      idle.send(requestBytes({ host: HOST }));
      await idle.response();
      const tunnel = await direct.client();
      tunnel.send(requestBytes({ host: HOST, path: '/tunnel', headers: { Upgrade: 'echo', Connection: 'Upgrade' } }));
      expect((await tunnel.response()).status).to.equal(101);
      const busy = await direct.client();
      busy.send(requestBytes({ host: HOST, path: '/slow' }));
      await eventually('slow request under way', () => release);
      const drained = direct.plane.drain(800);
      await idle.closed(2_000);
      (release as unknown as (bytes: string) => void)(answer(200, 'done'));
      const response = await busy.response();
      expect(response.body.toString()).to.equal('done');
      expect(field(response, 'connection')).to.equal('close');
      await within('drained', drained, 3_000);
      expect((await tunnel.closed(1_000)).length).to.equal(0);
    });
  });
});
