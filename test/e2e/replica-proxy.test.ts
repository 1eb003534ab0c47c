/**
 * One replica's admin server asked for another's: two real servers, and replicas that misbehave. Whoever reaches one replica sees all
 * of them, with no more rights than each gives.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { ReplicaSeen } from '../../src/admin/backend.ts';
import { replicaProof } from '../../src/admin/replica-proof.ts';
import { createReplicaProxy } from '../../src/admin/replica-proxy.ts';
import { type AdminServer, type AdminServerOptions, createAdminServer } from '../../src/admin/server.ts';
import { PlainBackend } from '../support/admin-backend.ts';
import { eventually } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { type Ask, ask, RawClient, requestBytes } from '../support/raw-client.ts';

const TOKEN = 'correct-horse-battery';
const WITH_TOKEN = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' };

function seen(name: string, address: string | null, token = TOKEN): ReplicaSeen {
  const proof = address === null ? null : replicaProof(token, name, address);
  const seen_at = '2026-01-01T00:00:00.000Z';
  return { name, address, proof, isFresh: true, config_hash: '3f9c', version: '0.1.0', seen_at, leader: false };
}

describe('another replica through the admin server', () => {
  const front = new PlainBackend();
  const back = new PlainBackend();
  const stops: (() => Promise<unknown>)[] = [];
  let port: number;
  let backPort: number;

  async function admin(replica: string, backend: PlainBackend, options: Partial<AdminServerOptions> = {}) {
    const server: AdminServer = createAdminServer({
      backend,
      version: '0.1.0',
      replica,
      token: TOKEN,
      withoutToken: 'refuse',
      listen: { host: '127.0.0.1', port: 0 },
      onError: (error) => {
        throw error;
      },
      ...options,
    });
    stops.push(() => server.close());
    return (await server.listen()).port;
  }

  /** Something else behind the address of `pod-x`. */
  async function stranger(listener: RequestListener): Promise<Server> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    stops.push(async () => server.close().closeAllConnections());
    const { port: at } = server.address() as AddressInfo;
    front.known = [seen('pod-x', `http://127.0.0.1:${at}`)];
    return server;
  }

  async function answer(request: Ask) {
    const response = await ask(port, request);
    const text = response.body.toString();
    return { ...response, text, json: text.startsWith('{') ? JSON.parse(text) : null };
  }

  beforeEach(async () => {
    [port, backPort] = [await admin('pod-a', front), await admin('pod-b', back)];
    front.known = [
      seen('pod-a', `http://127.0.0.1:${port}`),
      seen('pod-b', `http://127.0.0.1:${backPort}`),
      seen('pod-far', null),
      seen('pod-odd', 'http://evil.example:80'),
    ];
    front.writes.length = 0;
    back.writes.length = 0;
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  it('lists the replicas, and tells nobody their addresses', async () => {
    const { json, text } = await answer({ path: '/api/v1/replicas' });
    expect(json.replicas[1]).to.deep.equal({
      name: 'pod-b',
      config_hash: '3f9c',
      version: '0.1.0',
      seen_at: '2026-01-01T00:00:00.000Z',
      leader: false,
    });
    expect(text).not.to.include(String(backPort));
  });

  it('is the other one, and says so: reads, errors, HEAD, one after the other on one connection', async () => {
    expect((await answer({ path: '/api/v1/replicas/pod-b/health' })).json.replica).to.equal('pod-b');
    expect((await answer({ path: '/api/v1/replicas/pod-a/health' })).json.replica).to.equal('pod-a');
    expect((await answer({ path: '/api/v1/replicas/pod-b/' })).json.replica).to.equal('pod-b');
    const explained = await answer({ path: '/api/v1/replicas/pod-b/api/v1/services/shop/explain?user=u%2F1' });
    expect([explained.status, back.explained.at(-1)?.user]).to.deep.equal([200, 'u/1']);
    const nobody = await answer({ path: '/api/v1/replicas/pod-b/api/v1/services/nobody' });
    expect([nobody.status, nobody.json.code]).to.deep.equal([404, 'no_such_service']);
    const head = await answer({ method: 'HEAD', path: '/api/v1/replicas/pod-b/status' });
    expect([head.status, head.body.length]).to.deep.equal([200, 0]);
    const client = await RawClient.connect(port);
    for (let i = 0; i < 3; i++) {
      const response = await client.send(requestBytes({ path: '/api/v1/replicas/pod-b/livez' })).response();
      expect([response.status, response.body.toString()]).to.deep.equal([200, 'ok\n']);
    }
    client.destroy();
  });

  it("keeps our own words to browsers, and the other's challenge", async () => {
    const response = await answer({ path: '/api/v1/replicas/pod-b/status' });
    for (const name of ['cache-control', 'content-security-policy', 'x-content-type-options']) {
      expect(
        response.fields.filter(([key]) => key.toLowerCase() === name),
        name,
      ).to.have.length(1);
    }
    expect(response.head).not.to.match(/access-control|x-powered-by/i);
  });

  it('writes with the token of whoever asks, as that person', async () => {
    const headers = { ...WITH_TOKEN, 'X-Migration-Proxy-User': 'cli:ada' };
    const path = '/api/v1/replicas/pod-b/api/v1/services/shop';
    const patched = await answer({ method: 'PATCH', path, headers, body: '{"percentage":30,"reason":"quiet"}' });
    expect(patched.json).to.include({ percentage: 30, pending: false });
    expect((await answer({ method: 'POST', path: `${path}/abort`, headers: WITH_TOKEN })).status).to.equal(200);
    const client = await RawClient.connect(port);
    const chunked = { ...headers, 'Transfer-Encoding': 'chunked', Connection: 'close' };
    client.send(requestBytes({ method: 'PATCH', path, headers: chunked }));
    client.send('10\r\n{"percentage":31\r\n1\r\n}\r\n0\r\n\r\n');
    expect((await client.response()).status).to.equal(200);
    client.destroy();
    expect(back.writes).to.deep.equal([
      ['percentage', 'shop', 30, 'cli:ada', 'quiet'],
      ['abort', 'shop', 'admin-api', ''],
      ['percentage', 'shop', 31, 'cli:ada', ''],
    ]);
    expect(front.writes).to.deep.equal([]);
  });

  it('refuses a wrong token at the first door, and counts it against who showed it', async () => {
    const post: Ask = { method: 'POST', path: '/api/v1/replicas/pod-b/api/v1/services/shop/abort' };
    expect((await answer(post)).status).to.equal(401);
    for (let i = 0; i < 20; i++) {
      expect((await answer({ ...post, headers: { Authorization: `Bearer ${i}` } })).status).to.equal(401);
    }
    expect((await answer({ ...post, headers: WITH_TOKEN })).status).to.equal(429);
    expect(back.writes).to.deep.equal([]);
  });

  it('sends nothing to an address that nobody with the token registered, and no token where none is needed', async () => {
    const asked: (string | undefined)[] = [];
    await stranger((request, response) => {
      asked.push(`${request.method} ${request.headers.authorization}`);
      response.end('{}');
    });
    const [right] = front.known;
    const forged = [
      { ...right, proof: null },
      { ...right, proof: '' },
      { ...right, proof: seen('pod-x', right.address, 'another-admin-token').proof },
      { ...right, proof: seen('pod-b', right.address).proof },
      { ...right, proof: seen('pod-x', 'http://127.0.0.1:1').proof },
    ];
    const post: Ask = { method: 'POST', path: '/api/v1/replicas/pod-x/abort', headers: WITH_TOKEN };
    for (const one of forged) {
      front.known = [one];
      for (const request of [post, { path: '/api/v1/replicas/pod-x/status' }]) {
        const { json, status } = await answer(request);
        expect([status, json.code]).to.deep.equal([503, 'unavailable']);
        expect(json.detail).to.contain('replica pod-x was not written by anybody with our admin token');
      }
    }
    expect(asked).to.deep.equal([]);
    front.known = [right];
    await answer({ path: '/api/v1/replicas/pod-x/status', headers: WITH_TOKEN });
    await answer(post);
    expect(asked).to.deep.equal(['GET undefined', `POST Bearer ${TOKEN}`]);
  });

  it('sends no token to an address that was not heard of for long: another pod may have it by now', async () => {
    const asked: string[] = [];
    await stranger((request, response) => {
      asked.push(`${request.method}`);
      response.end('{}');
    });
    front.known = front.known.map((one) => ({ ...one, isFresh: false }));
    const post: Ask = { method: 'POST', path: '/api/v1/replicas/pod-x/abort', headers: WITH_TOKEN };
    const { json, status } = await answer(post);
    expect([status, json.code]).to.deep.equal([503, 'unavailable']);
    expect(json.detail).to.include('last heard of at 2026-01-01T00:00:00.000Z').and.include('no token is sent there');
    expect(asked).to.deep.equal([]);
    expect((await answer({ path: '/api/v1/replicas/pod-x/status', headers: WITH_TOKEN })).status).to.equal(200);
    expect(asked).to.deep.equal(['GET']);
  });

  it('is no way for a person at one machine to write at another without a token', async () => {
    const open = { token: null, withoutToken: 'loopback' } as const;
    [port, backPort] = [await admin('pod-a', front, open), await admin('pod-b', back, open)];
    front.known = [seen('pod-b', `http://127.0.0.1:${backPort}`)];
    const direct = await answer({ method: 'POST', path: '/api/v1/services/shop/abort' });
    expect(direct.status).to.equal(200);
    const passed = await answer({ method: 'POST', path: '/api/v1/replicas/pod-b/api/v1/services/shop/abort' });
    expect([passed.status, passed.json.detail]).to.deep.equal([
      403,
      'without a token a request that came through a proxy (via) may not write',
    ]);
    const page = await answer({
      method: 'POST',
      path: '/api/v1/replicas/pod-b/api/v1/services/shop/abort',
      headers: { Origin: 'http://evil.example' },
    });
    expect(page.status).to.equal(403);
    expect(back.writes).to.deep.equal([]);
  });

  it('says what it cannot do, and never where it would have gone', async () => {
    for (const [path, status, code] of [
      ['nobody/status', 404, 'no_such_replica'],
      ['pod-far/status', 503, 'unavailable'],
      ['pod-odd/status', 503, 'unavailable'],
      ['pod-b/api/v1/replicas/pod-a/status', 400, 'bad_request'],
      ['pod-b/../status', 400, 'bad_request'],
      ['pod-b/%2e%2e/status', 400, 'bad_request'],
      ['pod-b/a%2fb', 400, 'bad_request'],
      ['pod-b/%zz', 400, 'bad_request'],
      ['pod-b', 404, 'not_found'],
    ] as const) {
      const response = await answer({ path: `/api/v1/replicas/${path}` });
      expect([response.status, response.json.code], path).to.deep.equal([status, code]);
      expect(response.text, path).not.to.match(/127\.0\.0\.1|evil|:\d{4}/);
    }
    const put = await answer({ method: 'PUT', path: '/api/v1/replicas/pod-b/status', headers: WITH_TOKEN });
    expect(put.status).to.equal(405);
  });

  it('names the replica that is gone', async () => {
    const server = await stranger((_request, response) => response.end());
    server.close();
    const response = await answer({ path: '/api/v1/replicas/pod-x/status' });
    expect([response.status, response.json.code]).to.deep.equal([503, 'unavailable']);
    expect(response.json.detail).to.equal('replica pod-x cannot be asked: ECONNREFUSED');
  });

  it('passes on what belongs to the request, and nothing that belongs to the connection', async () => {
    let heard: IncomingMessage | null = null;
    await stranger((request, response) => {
      heard = request;
      response.writeHead(200, {
        Connection: 'X-Hop',
        'X-Hop': '1',
        'Keep-Alive': 'timeout=99',
        'Content-Security-Policy': 'none',
        'X-Kept': '1',
      });
      response.end('body');
    });
    const headers = {
      Connection: 'X-Secret, close',
      'X-Secret': '1',
      'Keep-Alive': 'x',
      TE: 'trailers',
      'Proxy-Authorization': 'Basic eA==',
      Via: '1.0 someone',
      'X-Kept': '1',
    };
    const response = await answer({ path: '/api/v1/replicas/pod-x/status?a=%20b', headers });
    expect([response.status, response.text]).to.deep.equal([200, 'body']);
    expect(field(response, 'x-kept')).to.equal('1');
    expect(field(response, 'x-hop')).to.equal(null);
    expect(field(response, 'keep-alive')).to.equal(null);
    expect(field(response, 'connection')).to.equal('close');
    expect(field(response, 'content-security-policy')).to.include("default-src 'none'");
    const request = heard as IncomingMessage | null;
    expect(request?.url).to.equal('/status?a=%20b');
    expect(request?.headers).to.include({ via: '1.0 someone, 1.1 migration-proxy-admin', 'x-kept': '1' });
    expect(request?.headers).not.to.have.any.keys('x-secret', 'keep-alive', 'te', 'proxy-authorization');
    expect(request?.headers.host).to.match(/^127\.0\.0\.1:\d+$/);
  });

  it('streams, and ends what nobody waits for', async () => {
    let ended = false;
    await stranger((_request, response) => {
      response.write('first\n');
      response.on('close', () => {
        ended = true;
      });
    });
    const client = await RawClient.connect(port);
    client.send(requestBytes({ path: '/api/v1/replicas/pod-x/status' }));
    await client.queue.peek(12, 5_000);
    client.destroy();
    await eventually('the replica is left too', () => ended);
  });

  it('cuts an answer that the replica cuts: half of it is never whole', async () => {
    await stranger((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => response.destroy());
    });
    const failure = await answer({ path: '/api/v1/replicas/pod-x/status' }).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
  });

  it('holds at most so many at once, and gives up on a replica that does not answer', async () => {
    const handOver = createReplicaProxy([], { answerMs: 300, atOnce: 2 });
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    const replica = createServer((request, response) => {
      const handover = {
        replica: 'pod-x',
        address: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
        target: '/',
      };
      void handOver(request as never, withExpress(response) as never, handover);
    }).listen(0, '127.0.0.1');
    stops.push(async () => {
      for (const server of [silent, replica]) server.close().closeAllConnections();
    });
    await Promise.all([silent, replica].map((server) => new Promise((resolve) => server.once('listening', resolve))));
    const { port: at } = replica.address() as AddressInfo;
    const answers = await Promise.all([1, 2, 3].map(() => ask(at)));
    const details = answers.map(({ body }) => JSON.parse(body.toString()).detail).sort();
    expect(details).to.deep.equal([
      'replica pod-x cannot be asked: no answer in time',
      'replica pod-x cannot be asked: no answer in time',
      'too many requests to other replicas are under way: try again in a moment',
    ]);
    expect((await ask(at)).status).to.equal(503);
  });

  it('reaches a replica by IPv6', async function () {
    const server = createServer((_request, response) => response.end('six')).listen(0, '::1');
    const listening = await new Promise((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
    });
    if (!listening) return this.skip();
    stops.push(async () => server.close().closeAllConnections());
    front.known = [seen('pod-6', `http://[::1]:${(server.address() as AddressInfo).port}`)];
    expect((await answer({ path: '/api/v1/replicas/pod-6/livez' })).text).to.equal('six');
  });
});

/** The few methods of express's response that a problem is sent with. */
function withExpress(response: import('node:http').ServerResponse) {
  return Object.assign(response, {
    status(code: number) {
      response.statusCode = code;
      return response;
    },
    set(headers: Record<string, string>) {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return response;
    },
    type(value: string) {
      response.setHeader('Content-Type', value);
      return response;
    },
    send: (body: string) => response.end(body),
  });
}
