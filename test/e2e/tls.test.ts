/** TLS to the new cluster: the right name asked for and checked, what is wrong refused, sessions resumed, none shared. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import type { Migration, TlsPolicy } from '../../src/migration/model.ts';
import { CertificateAuthority, type Leaf } from '../support/certificates.ts';
import { Direct, HOST } from '../support/direct.ts';
import { requestBytes } from '../support/raw-client.ts';

const TLS: TlsPolicy = { ca: null, caFile: null, serverName: null, insecureSkipVerify: false };

describe('TLS to new', () => {
  let authority: CertificateAuthority;
  let direct: Direct;
  let server: Server;
  let seen: { sni: string | false; resumed: boolean }[];

  before(() => {
    authority = new CertificateAuthority();
  });

  const listen = async (leaf: Leaf, closeAfterAnswer = false): Promise<number> => {
    seen = [];
    server = createServer({ ...leaf }, (socket: TLSSocket) => {
      seen.push({ sni: socket.servername ?? false, resumed: socket.isSessionReused() });
      socket.on('error', () => {});
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntls');
        if (closeAfterAnswer) socket.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const overTls = (port: number, tls: Partial<TlsPolicy> = {}, host = 'shop.new.example'): Migration => {
    const base = direct.migration();
    return { ...base, new: { ...base.new, host, port, protocol: 'https', tls: { ...TLS, ca: authority.ca, ...tls } } };
  };
  afterEach(async () => {
    await direct.stop();
    server.close();
  });

  it('asks for new_host by SNI and believes its certificate', async () => {
    const port = await listen(authority.leaf('shop.new.example'));
    direct = await Direct.start();
    direct.apply(overTls(port));
    expect((await direct.ask()).body.toString()).to.equal('tls');
    expect((await direct.ask({ method: 'POST', body: 'x'.repeat(100_000) })).body.toString()).to.equal('tls');
    expect(seen[0].sni).to.equal('shop.new.example');
    expect(direct.old.requests).to.deep.equal([]);
  });

  const refusals: [string, () => Leaf, Partial<TlsPolicy>, RegExp][] = [
    ['a certificate for another name', () => authority.leaf('other.example'), {}, /tls ERR_TLS_CERT_ALTNAME_INVALID/],
    ['an expired certificate', () => authority.expired('shop.new.example'), {}, /tls CERT_HAS_EXPIRED/],
    ['an unknown authority', () => authority.leaf('shop.new.example'), { ca: null }, /tls (UNABLE_TO|SELF_SIGNED)/],
    [
      'a server_name that the certificate lacks',
      () => authority.leaf('shop.new.example'),
      { serverName: 'x.example' },
      /tls ERR_TLS_CERT_ALTNAME/,
    ],
  ];
  for (const [name, leaf, tls, message] of refusals) {
    it(`refuses ${name}, and old answers`, async () => {
      const port = await listen(leaf());
      direct = await Direct.start();
      direct.apply(overTls(port, tls));
      expect((await direct.ask({ method: 'POST', body: 'x' })).body.toString()).to.equal('ok');
      expect(direct.outcomes[0]).to.include({ cluster: 'new', failure: 'tls' });
      expect(direct.outcomes[0].message).to.match(message);
    });
  }

  it('server_name and insecure_skip_verify do what they say', async () => {
    const port = await listen(authority.leaf('real.example'));
    direct = await Direct.start();
    direct.apply(overTls(port, { serverName: 'real.example' }));
    expect((await direct.ask()).body.toString()).to.equal('tls');
    expect(seen[0].sni).to.equal('real.example');
    direct.apply(overTls(port, { ca: null, insecureSkipVerify: true }));
    expect((await direct.ask()).body.toString()).to.equal('tls');
    expect(direct.outcomes.every(({ failure }) => failure === null)).to.equal(true);
  });

  it('resumes its session on a new connection', async () => {
    const port = await listen(authority.leaf('shop.new.example'), true);
    direct = await Direct.start();
    direct.apply(overTls(port));
    for (let i = 0; i < 3; i++) expect((await direct.ask()).body.toString()).to.equal('tls');
    expect(seen.map(({ resumed }) => resumed)).to.deep.equal([false, true, true]);
  });

  it('two names behind one address share neither connection nor session', async () => {
    const port = await listen(authority.leaf('a.example', 'b.example'));
    direct = await Direct.start();
    const a = overTls(port, {}, 'a.example');
    const b = { ...overTls(port, {}, 'b.example'), name: 'b', old: { ...a.old, host: 'b.test' } };
    direct.apply(a, b);
    for (const host of [HOST, 'b.test', HOST, 'b.test'])
      expect((await direct.ask({ host })).body.toString()).to.equal('tls');
    expect(seen).to.deep.equal([
      { sni: 'a.example', resumed: false },
      { sni: 'b.example', resumed: false },
    ]);
  });

  it('streams a body of some megabytes to a slow reader through TLS', async () => {
    const size = 8 * 1024 * 1024;
    seen = [];
    server = createServer({ ...authority.leaf('shop.new.example') }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        socket.write(Buffer.alloc(size, 5));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    direct = await Direct.start();
    direct.apply(overTls((server.address() as AddressInfo).port));
    const client = await direct.client();
    client.socket.pause();
    client.send(requestBytes({ host: HOST }));
    await new Promise((resolve) => setTimeout(resolve, 200)); // the reader is slow: that is the case
    client.socket.resume();
    const response = await client.response({ withinMs: 20_000 });
    expect(response.body.equals(Buffer.alloc(size, 5))).to.equal(true);
    client.destroy();
  }).timeout(30_000);
});
