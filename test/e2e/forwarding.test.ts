/** What backends and clients get of each other through the direct data plane, byte by byte. */
import { expect } from 'chai';
import { Direct, HOST } from '../support/direct.ts';
import { field } from '../support/http-message.ts';
import { requestBytes } from '../support/raw-client.ts';
import { answer } from '../support/recorder.ts';

describe('forwarding', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  it('a request reaches new under its name, with its lines as they came and ours behind them', async () => {
    direct = await Direct.start();
    const client = await direct.client();
    client.send(
      `GET /a%2Fb?q=1 HTTP/1.1\r\nHost: ${HOST}:8000\r\nX-odd-CASE:  two  spaces \r\nAccept: */*\r\nConnection: x-drop\r\nX-Drop: 1\r\nX-Forwarded-For: 6.6.6.6\r\nX-Request-ID: forged\r\nCookie: a=b\r\n\r\n`,
    );
    const response = await client.response();
    expect(response.status).to.equal(200);
    expect(response.body.toString()).to.equal('ok');
    const [request] = direct.new.requests;
    const id = field(response, 'x-request-id');
    expect(id).to.match(/^[0-9a-f]{32}$/);
    expect(request.head).to.equal(
      `GET /a%2Fb?q=1 HTTP/1.1\r\nHost: shop.new.example\r\nX-odd-CASE:  two  spaces \r\nAccept: */*\r\nCookie: a=b\r\n` +
        `X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ${HOST}:8000\r\nX-Forwarded-Port: 8000\r\n` +
        `X-Request-ID: ${id}\r\nVia: 1.1 proxy-under-test\r\n\r\n`,
    );
    expect(direct.old.requests).to.deep.equal([]);
    client.destroy();
  });

  it('old gets the host that the client used', async () => {
    direct = await Direct.start({ migration: { shareBp: 0 } });
    await direct.ask({ host: 'Shop.EXAMPLE:81' });
    expect(field(direct.old.requests[0], 'host')).to.equal('Shop.EXAMPLE:81');
    const [record] = await direct.recorded(1);
    expect(record).to.include({ service: 'shop', cluster: 'old', reason: 'weight', status: 200, answered: true });
  });

  it('many requests on one connection use one connection to the backend', async () => {
    direct = await Direct.start();
    const client = await direct.client();
    for (let i = 0; i < 5; i++) {
      client.send(requestBytes({ host: HOST, path: `/${i}` }));
      expect((await client.response()).status).to.equal(200);
    }
    expect(direct.new.connections).to.equal(1);
    expect(direct.new.requests.map((request) => request.startLine)).to.deep.equal(
      [0, 1, 2, 3, 4].map((i) => `GET /${i} HTTP/1.1`),
    );
    client.destroy();
  });

  it('pipelined requests are answered in order, and a bad one does not swallow the answer before it', async () => {
    direct = await Direct.start({ new: ({ request }) => answer(200, request.startLine) });
    const client = await direct.client();
    client.send(
      Buffer.concat([
        requestBytes({ host: HOST, path: '/1' }),
        requestBytes({ host: HOST, path: '/2', method: 'POST', body: 'x' }),
        Buffer.from('GET /3 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'),
      ]),
    );
    expect((await client.response()).body.toString()).to.equal('GET /1 HTTP/1.1');
    expect((await client.response()).body.toString()).to.equal('POST /2 HTTP/1.1');
    expect((await client.response()).status).to.equal(400);
    expect((await client.closed()).length).to.equal(0);
    expect(direct.new.requests.length).to.equal(2);
    expect(direct.refused.length).to.equal(1);
  });

  it('bodies go both ways in either framing, and trailers and chunk extensions end here', async () => {
    direct = await Direct.start({
      new: ({ request }) =>
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${request.body.length.toString(16)};ext=1\r\n${request.body.toString('latin1')}\r\n0\r\nX-Trailer: 1\r\n\r\n`,
    });
    const client = await direct.client();
    client.send(
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
    );
    const response = await client.response();
    expect(response.body.toString()).to.equal('hello world');
    expect(response.chunked).to.equal(true);
    const [request] = direct.new.requests;
    expect(request.chunked).to.equal(true);
    expect(request.body.toString()).to.equal('hello world');
    expect(field(request, 'content-length')).to.equal(null);
    client.send(requestBytes({ host: HOST, method: 'PUT', body: 'again' }));
    expect((await client.response()).body.toString()).to.equal('again');
    client.destroy();
  });

  it('an answer of unknown length is chunked for HTTP/1.1 and lasts to the end for HTTP/1.0', async () => {
    direct = await Direct.start({
      new: ({ socket }) => {
        socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
        return null;
      },
    });
    const modern = await direct.ask();
    expect(modern.chunked).to.equal(true);
    expect(modern.body.toString()).to.equal('until the end');
    const client = await direct.client();
    client.send(`GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`);
    const old = await client.response();
    expect(old.chunked).to.equal(false);
    expect(old.body.toString()).to.equal('until the end');
    expect(direct.outcomes.every((outcome) => outcome.failure === null)).to.equal(true);
  });

  it('HEAD, 204 and 304 have no body and keep the connection', async () => {
    const statuses = [200, 204, 304];
    direct = await Direct.start({
      new: ({ index }) =>
        `HTTP/1.1 ${statuses[index]} X\r\n${statuses[index] === 204 ? '' : 'Content-Length: 5\r\n'}\r\n`,
    });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST, method: 'HEAD' }));
    const head = await client.response({ forMethod: 'HEAD' });
    expect(field(head, 'content-length')).to.equal('5');
    client.send(requestBytes({ host: HOST }));
    expect((await client.response()).status).to.equal(204);
    client.send(requestBytes({ host: HOST }));
    expect((await client.response()).status).to.equal(304);
    expect(direct.new.connections).to.equal(1);
    client.destroy();
  });

  it('names of new in redirects and cookies become the name that the client used', async () => {
    direct = await Direct.start({
      new: answer(
        302,
        '',
        'Location: http://shop.new.example:8443/next',
        'Set-Cookie: a=1; Domain=shop.new.example',
        'Set-Cookie: b=2; Domain=example',
        'Content-Location: /here',
        'X-Other: http://shop.new.example/',
      ),
    });
    const response = await direct.ask({ host: `${HOST}:8000` });
    expect(response.fields.filter(([name]) => name !== 'X-Request-ID')).to.deep.equal([
      ['Content-Length', '0'],
      ['Location', `http://${HOST}:8000/next`],
      ['Set-Cookie', `a=1; Domain=${HOST}`],
      ['Set-Cookie', 'b=2; Domain=example'],
      ['Content-Location', '/here'],
      ['X-Other', 'http://shop.new.example/'],
      ['Connection', 'close'],
    ]);
  });

  it('unknown hosts get 404 and loops 508, in JSON', async () => {
    direct = await Direct.start();
    const unknown = await direct.ask({ host: 'other.example' });
    expect(unknown.status).to.equal(404);
    expect(JSON.parse(unknown.body.toString())).to.include({ error: 'no_such_host', service: null });
    const loop = await direct.ask({ headers: { Via: '1.0 a, 1.1 proxy-under-test (x)' } });
    expect(loop.status).to.equal(508);
    expect(JSON.parse(loop.body.toString())).to.include({ error: 'loop_detected', service: 'shop' });
    expect(direct.outcomes).to.deep.equal([]);
    expect(direct.refused).to.deep.equal(['no_such_host']);
  });

  it('decisions are shown when asked for, and the sticky cookie is set once', async () => {
    direct = await Direct.start({ migration: { exposeDecision: true, sticky: true } });
    const first = await direct.ask();
    expect(field(first, 'x-migration-cluster')).to.equal('new');
    expect(field(first, 'x-migration-reason')).to.equal('weight');
    const cookie = field(first, 'set-cookie') ?? '';
    expect(cookie).to.match(/^migration_id=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000$/);
    const second = await direct.ask({ headers: { Cookie: cookie.split(';')[0] } });
    expect(field(second, 'set-cookie')).to.equal(null);
    const forged = await direct.ask({ headers: { Cookie: 'migration_id=new' } });
    expect(field(forged, 'set-cookie')).to.match(/^migration_id=[0-9a-f]{32};/);
  });

  it('a trusted peer is extended, an untrusted private one reported', async () => {
    direct = await Direct.start();
    const headers = {
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'public.example',
      'X-Request-ID': 'abc-1',
    };
    await direct.ask({ headers });
    expect(direct.forwarders).to.deep.equal(['shop 127.0.0.1']);
    direct.apply(direct.migration({ trustedProxies: ['127.0.0.0/8'] }));
    const response = await direct.ask({ headers });
    expect(field(response, 'x-request-id')).to.equal('abc-1');
    const trusted = direct.new.requests[1];
    expect(field(trusted, 'x-forwarded-for')).to.equal('203.0.113.9, 127.0.0.1');
    expect(field(trusted, 'x-forwarded-proto')).to.equal('https');
    expect(field(trusted, 'x-forwarded-host')).to.equal('public.example');
    expect(direct.forwarders.length).to.equal(1);
  });

  it('interim answers pass, 100 only to those who asked', async () => {
    direct = await Direct.start({
      new: ({ socket }) => {
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n');
        return answer(200, 'ok');
      },
    });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    const interim: { status: number }[] = [];
    const response = await client.response({ interim: interim as never });
    expect(response.status).to.equal(200);
    expect(interim.map(({ status }) => status)).to.deep.equal([103]);
    client.destroy();
  });
});
