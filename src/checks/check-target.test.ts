import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { expect } from 'chai';
import { type Certificates, makeCertificates, type Pair } from './certificates.test.ts';
import { checkTarget } from './check-target.ts';
import type { CheckTarget } from './target.ts';

const TARGET: CheckTarget = {
  address: '127.0.0.1',
  port: 0,
  protocol: 'http',
  host: 'new.example',
  tlsName: 'new.example',
  ca: null,
  insecureSkipVerify: false,
  path: null,
  connectTimeoutMs: 2000,
  timeoutMs: 2000,
};

async function problem(target: Partial<CheckTarget>): Promise<string | null> {
  return (await checkTarget({ ...TARGET, ...target }, { now: Date.now })).error;
}

describe('checks/check-target', () => {
  const open: { server: Server; sockets: Set<Socket> }[] = [];
  let certificates: Certificates;

  async function listen(server: Server): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    });
    open.push({ server, sockets });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  const secure = ({ key, cert }: Pair): Promise<number> => {
    const server = createTlsServer({ key, cert }, (socket) => socket.on('error', () => {}));
    return listen(server.on('tlsClientError', () => {}));
  };
  const web = (listener: RequestListener): Promise<number> => listen(createHttpServer(listener));

  before(() => {
    certificates = makeCertificates();
  });
  after(() => certificates.remove());
  afterEach(async () => {
    for (const { server, sockets } of open.splice(0)) {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('a check that is called off ends at once, whatever it waits for', async () => {
    const silent = await listen(createServer(() => {}));
    const waits: Partial<CheckTarget>[] = [{ protocol: 'https' }, { path: '/health' }];
    for (const wait of waits) {
      const calledOff = new AbortController();
      const target = { ...TARGET, port: silent, connectTimeoutMs: 60_000, timeoutMs: 60_000, ...wait };
      const checked = checkTarget(target, { now: Date.now, signal: calledOff.signal });
      setTimeout(() => calledOff.abort(), 20);
      expect((await checked).error).to.be.a('string');
    }
  });

  it('a connect is enough without a path, and leaves no connection behind', async () => {
    const closed = new Promise<void>((resolve) => {
      const server = createServer((socket) => socket.resume().on('close', () => resolve()));
      void listen(server).then(async (port) => expect(await problem({ port })).to.equal(null));
    });
    await closed;
  });

  it('a refused connection', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    open.length = 0;
    expect(await problem({ port })).to.equal('connect ECONNREFUSED');
  });

  it('a name that does not exist', async () => {
    const lookup: LookupFunction = (_host, _options, done) =>
      done(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND', syscall: 'getaddrinfo' }), '');
    const result = await checkTarget({ ...TARGET, address: 'nowhere.invalid', port: 80 }, { now: Date.now, lookup });
    expect(result.error).to.equal('connect ENOTFOUND: the name is not known');
  });

  it('GET must be answered below 500, with the Host of new', async () => {
    let status = 200;
    const seen: unknown[] = [];
    const port = await web((request, response) => {
      seen.push([request.method, request.url, request.headers.host]);
      response.writeHead(status).end('x'.repeat(100_000));
    });
    expect(await problem({ port, path: '/health?x=1' })).to.equal(null);
    expect(seen).to.deep.equal([['GET', '/health?x=1', 'new.example']]);
    for (const [answered, error] of [
      [302, null],
      [404, null],
      [499, null],
      [500, 'GET /h answered 500'],
      [503, 'GET /h answered 503'],
    ] as const) {
      status = answered;
      expect(await problem({ port, path: '/h' })).to.equal(error);
    }
  });

  it('an answer that never comes, a handshake that never ends', async () => {
    const port = await listen(createServer((socket) => socket.resume()));
    expect(await problem({ port, path: '/', timeoutMs: 60 })).to.equal('no answer within 60 ms');
    expect(await problem({ port, protocol: 'https', connectTimeoutMs: 60 })).to.equal('no connection within 60 ms');
  });

  it('an answer that is no HTTP, a connection closed before it', async () => {
    const garbage = await listen(createServer((socket) => socket.end('220 smtp ready\r\n')));
    expect(await problem({ port: garbage, path: '/' })).to.match(/^GET \/: /);
    const closing = await listen(createServer((socket) => socket.once('data', () => socket.destroy())));
    expect(await problem({ port: closing, path: '/' })).to.match(/^GET \/: ECONNRESET/);
    expect(await problem({ port: closing, protocol: 'https' })).to.match(/^TLS handshake/);
  });

  it('a path that no request line can hold is a failed check, not a crash', async () => {
    const port = await web((_request, response) => response.end());
    expect(await problem({ port, path: '/a b\r\nX: y' })).to.be.a('string');
  });

  it('TLS with a certificate of the given authority', async () => {
    const port = await secure(certificates.good);
    expect(await problem({ port, protocol: 'https', ca: certificates.ca })).to.equal(null);
  });

  it('a certificate that expired says when', async () => {
    const port = await secure(certificates.expired);
    const error = await problem({ port, protocol: 'https', ca: certificates.ca });
    expect(error).to.equal('certificate expired 2 h ago');
  });

  it('another name, an unknown authority, a self-signed certificate', async () => {
    const port = await secure(certificates.good);
    const https = { port, protocol: 'https' } as const;
    expect(await problem({ ...https, ca: certificates.ca, tlsName: 'other.example' })).to.equal(
      'certificate is for new.example, not for other.example',
    );
    expect(await problem(https)).to.match(/^certificate is signed by an authority that is not trusted/);
    const alone = await secure(certificates.selfSigned);
    expect(await problem({ port: alone, protocol: 'https' })).to.equal('certificate is self-signed');
  });

  it('insecure_skip_verify accepts all of them', async () => {
    for (const pair of [certificates.expired, certificates.selfSigned]) {
      const port = await secure(pair);
      expect(await problem({ port, protocol: 'https', insecureSkipVerify: true, tlsName: 'x.example' })).to.equal(null);
    }
  });

  it('a name that is an address is checked without SNI', async () => {
    const port = await secure(certificates.good);
    const error = await problem({ port, protocol: 'https', ca: certificates.ca, tlsName: '127.0.0.1' });
    expect(error).to.match(/^certificate is for new\.example, not for 127\.0\.0\.1/);
  });

  it('plain HTTP where TLS is asked for', async () => {
    const port = await web((_request, response) => response.end());
    expect(await problem({ port, protocol: 'https' })).to.match(/^TLS handshake/);
  });
});
