/** Attempts at their edges: bodies that nobody asked for yet, handshakes that end early, tunnels that end by halves. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { Direct, HOST } from '../support/direct.ts';
import { eventually } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { requestBytes } from '../support/raw-client.ts';
import { answer } from '../support/recorder.ts';

describe('edges of attempts', () => {
  let direct: Direct;
  let server: Server | null = null;
  afterEach(async () => {
    await direct.stop();
    server?.close();
    server = null;
  });

  const listen = async (each: Parameters<typeof createServer>[1]): Promise<number> => {
    server = createServer({ allowHalfOpen: true }, each);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };

  it('a client that waits for 100 gets it from old when new refused the connection', async () => {
    let got = '';
    const port = await listen((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        got += bytes.toString('latin1');
        if (got.endsWith('\r\n\r\n') && /^expect: 100-continue$/im.test(got))
          socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        if (got.endsWith('hello')) socket.write(answer(200, 'thanks'));
      });
    });
    direct = await Direct.start();
    await direct.new.close();
    const migration = direct.migration();
    direct.apply({ ...migration, old: { ...migration.old, port } });
    const client = await direct.client();
    client.send(`PUT / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    expect((await client.queue.until('\r\n\r\n', 2_000)).toString()).to.match(/^HTTP\/1\.1 100 /);
    client.send('hello');
    expect((await client.response()).body.toString()).to.equal('thanks');
    client.destroy();
  });

  for (const [how, reset] of [
    ['closed', false],
    ['reset', true],
  ] as const) {
    it(`a handshake that is ${how} is a failure of TLS, and old answers`, async () => {
      const port = await listen((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => (reset ? socket.resetAndDestroy() : socket.end()));
      });
      direct = await Direct.start();
      const migration = direct.migration();
      direct.apply({ ...migration, new: { ...migration.new, port, protocol: 'https' } });
      expect((await direct.ask({ method: 'POST', body: 'x' })).body.toString()).to.equal('ok');
      expect(direct.outcomes[0]).to.include({ cluster: 'new', failure: 'tls' });
      expect(direct.outcomes[0].message).to.include(`127.0.0.1:${port}`);
    });
  }

  it('protocols are not switched in the middle of a body: a client could make new look broken', async () => {
    direct = await Direct.start();
    const client = await direct.client();
    client.send(
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 5\r\n\r\nhello`,
    );
    expect((await client.response()).status).to.equal(200);
    expect(field(direct.new.requests[0], 'upgrade')).to.equal(null);
    client.destroy();
  });

  it('a tunnel whose backend has said all still takes what the client says', async () => {
    let heard = '';
    const port = await listen((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.end('HTTP/1.1 101 X\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nall said');
        socket.on('data', (bytes) => {
          heard += bytes.toString();
        });
      });
    });
    direct = await Direct.start();
    const migration = direct.migration();
    direct.apply({ ...migration, new: { ...migration.new, port } });
    const client = await direct.client();
    client.socket.allowHalfOpen = true;
    client.send(requestBytes({ host: HOST, headers: { Upgrade: 'echo', Connection: 'Upgrade' } }));
    expect((await client.response()).status).to.equal(101);
    expect((await client.closed()).toString()).to.equal('all said');
    client.send('thank you');
    client.end();
    await eventually('the backend heard it', () => heard === 'thank you');
    await eventually('both are closed', () => direct.plane.connections().client === 0);
    expect(direct.plane.connections().new).to.equal(0);
  });

  it('a backend that floods interim answers takes nobody’s memory nor time', async () => {
    const hints = Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n'.repeat(1000));
    let isCut = false;
    const port = await listen((socket) => {
      socket.on('error', () => {});
      socket.on('close', () => {
        isCut = true;
      });
      const flood = (): void => {
        socket.write(hints, (error) => {
          if (!error) flood();
        });
      };
      socket.once('data', flood);
    });
    direct = await Direct.start();
    const migration = direct.migration({ timeoutMs: 20_000 });
    direct.apply({ ...migration, new: { ...migration.new, port } });
    const client = await direct.client();
    client.socket.pause();
    const before = process.memoryUsage.rss();
    client.send(requestBytes({ host: HOST }));
    const [record] = await direct.recorded(1);
    expect(record.status).to.equal(502);
    expect(record.attempts.map(({ failure, message }) => `${failure}: ${message}`)).to.deep.equal([
      'invalid_response: interim answers without end',
    ]);
    await eventually('the backend is cut off', () => isCut);
    expect(process.memoryUsage.rss() - before).to.be.lessThan(100 * 1024 * 1024);
    client.destroy();
  }).timeout(30_000);

  it('after an interim answer that announces a body a connection serves no further request', async () => {
    const odd = 'HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n';
    direct = await Direct.start({ new: ({ index }) => (index === 0 ? odd : '') + answer(200, 'whole') });
    for (const connection of [0, 1, 1]) {
      expect((await direct.ask()).body.toString()).to.equal('whole');
      expect(direct.new.requests.at(-1)?.connection).to.equal(connection);
    }
  });
});
