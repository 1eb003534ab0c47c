/**
 * The admin server over real connections: what each endpoint answers, and what becomes of everything else.
 */
import { expect } from 'chai';
import { type AdminServerOptions, createAdminServer } from '../../src/admin/server.ts';
import { PlainBackend } from '../support/admin-backend.ts';
import { field } from '../support/http-message.ts';
import { parsePrometheusText } from '../support/prometheus-text.ts';
import { type Ask, ask, RawClient, requestBytes } from '../support/raw-client.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };

describe('the admin server', () => {
  let backend: PlainBackend;
  let port: number;
  let errors: unknown[];
  let stop: () => Promise<void> = async () => {};

  async function start(options: Partial<AdminServerOptions> = {}): Promise<void> {
    backend = new PlainBackend();
    errors = [];
    const server = createAdminServer({
      backend,
      version: '0.1.0',
      replica: 'pod-a',
      token: null,
      listen: { host: '127.0.0.1', port: 0 },
      onError: (error) => errors.push(error),
      ...options,
    });
    ({ port } = await server.listen());
    stop = () => server.close();
  }

  async function answer(request: Ask) {
    const response = await ask(port, request);
    const text = response.body.toString();
    const isJson = field(response, 'content-type')?.includes('json') ?? false;
    return { ...response, text, json: isJson && text !== '' ? JSON.parse(text) : null };
  }

  const patch = (body: unknown, headers: Record<string, string> = {}) =>
    answer({
      method: 'PATCH',
      path: '/api/v1/services/shop',
      headers: { ...JSON_TYPE, ...headers },
      body: JSON.stringify(body),
    });

  afterEach(() => stop());

  describe('reading', () => {
    beforeEach(() => start());

    it('tells health, liveness and readiness, and what it waits for', async () => {
      expect((await answer({ path: '/livez' })).text).to.equal('ok\n');
      expect((await answer({ path: '/readyz' })).status).to.equal(200);
      expect((await answer({ path: '/health' })).json).to.deep.include({
        status: 'ok',
        waiting_for: null,
        generation: 7,
      });
      backend.waitsFor = 'the configuration file migration.yaml';
      const health = await answer({ path: '/health' });
      expect(health.status).to.equal(503);
      expect(health.json).to.include({ status: 'not_ready', waiting_for: backend.waitsFor });
      const ready = await answer({ path: '/readyz' });
      expect(ready.json).to.include({ status: 503, code: 'not_ready', detail: backend.waitsFor });
      expect((await answer({ path: '/livez' })).status).to.equal(200);
    });

    it('serves the whole status, the services of it and one of them', async () => {
      const status = await answer({ path: '/status' });
      expect(status.json).to.deep.equal(backend.status());
      expect((await answer({ path: '/api/v1/services' })).json).to.deep.equal({ services: backend.status().services });
      expect((await answer({ path: '/api/v1/services/cart' })).json).to.deep.equal(backend.status().services[1]);
      const none = await answer({ path: '/api/v1/services/nobody' });
      expect(none.json).to.deep.equal({
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        code: 'no_such_service',
        detail: 'no service of that name is served',
      });
      expect(field(none, 'content-type')).to.match(/^application\/problem\+json/);
    });

    it('serves metrics that a strict reader takes', async () => {
      const metrics = await answer({ path: '/metrics' });
      expect(field(metrics, 'content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8');
      const families = parsePrometheusText(metrics.text);
      expect(families.get('migration_proxy_request_duration_seconds')?.samples).not.to.have.length(0);
    });

    it('explains an imagined request', async () => {
      const path = '/api/v1/services/shop/explain?header=X-Team:%20blue&cookie=n%3Dv&ip=10.0.0.1&user=u1';
      expect((await answer({ path })).json).to.deep.equal({ service: 'shop', cluster: 'old', reason: 'weight' });
      expect(backend.explained).to.deep.equal([
        {
          headers: [{ name: 'X-Team', value: 'blue' }],
          cookies: [{ name: 'n', value: 'v' }],
          ip: '10.0.0.1',
          user: 'u1',
        },
      ]);
      expect((await answer({ path: '/api/v1/services/nobody/explain' })).json.code).to.equal('no_such_service');
      expect((await answer({ path: '/api/v1/services/shop/explain?ip=x' })).json.code).to.equal('bad_request');
    });

    it('lists its endpoints', async () => {
      const { json } = await answer({ path: '/' });
      const paths = json.endpoints.map(({ method, path }: { method: string; path: string }) => `${method} ${path}`);
      expect(paths).to.include('PATCH /api/v1/services/{name}').and.to.include('GET /metrics');
    });

    it('tells caches, sniffers, frames and other origins to stay away, in every answer', async () => {
      for (const path of ['/status', '/nothing', '/api/v1/services/nobody']) {
        const response = await answer({ path, headers: { Origin: 'http://evil.example' } });
        expect(field(response, 'cache-control')).to.equal('no-store');
        expect(field(response, 'x-content-type-options')).to.equal('nosniff');
        expect(field(response, 'content-security-policy')).to.include("default-src 'none'");
        expect(response.head).not.to.match(/access-control|x-powered-by|etag/i);
      }
    });

    it('answers HEAD as GET without a body, and OPTIONS with what is allowed and no permission', async () => {
      const head = await answer({ method: 'HEAD', path: '/status' });
      expect([head.status, head.body.length]).to.deep.equal([200, 0]);
      const preflight = { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'PATCH' };
      const options = await answer({ method: 'OPTIONS', path: '/api/v1/services/shop', headers: preflight });
      expect([options.status, field(options, 'allow')]).to.deep.equal([204, 'GET, PATCH, HEAD, OPTIONS']);
      expect(options.head).not.to.match(/access-control|evil/i);
    });

    it('refuses other methods with what is allowed, other paths, and never changes anything for them', async () => {
      const put = await answer({ method: 'PUT', path: '/api/v1/services/shop', headers: JSON_TYPE, body: '{}' });
      expect([put.status, field(put, 'allow')]).to.deep.equal([405, 'GET, PATCH, HEAD, OPTIONS']);
      expect((await answer({ path: '/api/v1/services/shop/abort' })).json.code).to.equal('method_not_allowed');
      const override = { 'X-HTTP-Method-Override': 'PATCH', ...JSON_TYPE };
      expect((await answer({ method: 'POST', path: '/status', headers: override, body: '{}' })).status).to.equal(405);
      for (const path of ['/nothing', '/Status', '/status/', '//status', '/api/v1/services/', '/..%2fstatus', '/%00']) {
        expect((await answer({ path })).json.code, path).to.equal('not_found');
      }
      expect((await answer({ path: '/api/v1/services/%zz' })).json.code).to.equal('bad_request');
      expect(backend.writes).to.deep.equal([]);
    });

    it('never shows a stack, and tells its owner', async () => {
      backend.status = () => {
        throw new Error('secret /etc/passwd');
      };
      const response = await answer({ path: '/status' });
      expect(response.json).to.include({ status: 500, code: 'internal' });
      expect(response.text).not.to.match(/secret|at /);
      expect(String(errors[0])).to.include('secret');
    });

    it('refuses requests whose host is not clear', async () => {
      for (const head of [
        'GET /status HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n',
        'GET http://evil/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      ]) {
        const client = await RawClient.connect(port);
        expect((await client.send(head).response()).status).to.equal(400);
        client.destroy();
      }
    });
  });

  describe('writing', () => {
    beforeEach(() => start());

    it('sets a percentage and answers with the service as it is now', async () => {
      const response = await patch({ percentage: 29.99, reason: 'looks good' });
      expect(response.status).to.equal(200);
      expect(response.json).to.include({ name: 'shop', percentage: 29.99, pending: false, message: 'done' });
      expect(backend.writes).to.deep.equal([['percentage', 'shop', 29.99, 'admin-api', 'looks good']]);
    });

    it('holds and resumes a service, with a reason or without a body', async () => {
      const headers = { ...JSON_TYPE, 'X-Migration-Proxy-User': 'cli:ada' };
      const body = '{"reason":"maintenance"}';
      const aborted = await answer({ method: 'POST', path: '/api/v1/services/shop/abort', headers, body });
      expect([aborted.status, aborted.json.pending]).to.deep.equal([200, false]);
      expect((await answer({ method: 'POST', path: '/api/v1/services/shop/resume' })).status).to.equal(200);
      expect(backend.writes).to.deep.equal([
        ['abort', 'shop', 'cli:ada', 'maintenance'],
        ['resume', 'shop', 'admin-api', ''],
      ]);
    });

    it('takes no name for a writer that is too long or not printable', async () => {
      for (const name of ['x'.repeat(65), '\x80', ' '])
        await patch({ percentage: 1 }, { 'X-Migration-Proxy-User': name });
      expect(backend.writes.map((write) => write[3])).to.deep.equal(['admin-api', 'admin-api', 'admin-api']);
    });

    it('says 202 while the change is not shared yet', async () => {
      backend.result = { ok: true, pending: true, message: 'held here' };
      const response = await answer({ method: 'POST', path: '/api/v1/services/shop/abort' });
      expect([response.status, response.json.pending]).to.deep.equal([202, true]);
    });

    it('passes on that it is to be forced, or only shown, with the difference as the answer', async () => {
      await patch({ percentage: 1, force: true });
      expect(backend.writes).to.deep.equal([['percentage', 'shop', 1, 'admin-api', '', 'even_if_managed', 'write']]);
      backend.result = { ok: true, pending: false, message: 'nothing was written', difference: '-a\n+b\n' };
      const shown = await patch({ percentage: 1, dry_run: true });
      expect(shown.json).to.include({ percentage: 1, message: 'nothing was written', difference: '-a\n+b\n' });
    });

    it('answers what another tool owns with that tool and the difference to commit there', async () => {
      const managed = { ok: false, code: 'managed', message: 'it would undo it', manager: 'Argo CD' } as const;
      backend.result = { ...managed, difference: '-a\n+b\n' };
      const response = await patch({ percentage: 1 });
      expect(response.json).to.deep.equal({
        type: 'about:blank',
        title: 'Conflict',
        status: 409,
        code: 'managed',
        detail: 'it would undo it',
        manager: 'Argo CD',
        difference: '-a\n+b\n',
      });
    });

    it('passes on why the backend did not do it', async () => {
      for (const [code, status] of [
        ['bad_value', 422],
        ['refused', 409],
        ['unavailable', 503],
      ] as const) {
        backend.result = { ok: false, code, message: 'the file changed meanwhile' };
        const response = await patch({ percentage: 1 });
        expect([response.status, response.json.code]).to.deep.equal([status, code]);
        expect(response.json.detail).to.equal('the file changed meanwhile');
      }
      const nobody = await answer({ method: 'POST', path: '/api/v1/services/nobody/abort' });
      expect([nobody.status, nobody.json.code]).to.deep.equal([404, 'no_such_service']);
      backend.result = new Error('secret');
      const broken = await patch({ percentage: 1 });
      expect([broken.status, broken.text.includes('secret')]).to.deep.equal([500, false]);
    });

    it('takes JSON and nothing that a plain form could send', async () => {
      const types = [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'text/json',
        '',
      ];
      for (const type of [...types, 'application/json; charset=utf-16', 'application/json, text/plain']) {
        const response = await patch({ percentage: 1 }, { 'Content-Type': type });
        expect(response.status, type).to.equal(415);
      }
      const untyped = await answer({ method: 'POST', path: '/api/v1/services/shop/abort', body: '{"reason":"x"}' });
      expect(untyped.status).to.equal(415);
      expect((await patch({ percentage: 1 }, { 'Content-Encoding': 'gzip' })).status).to.equal(415);
      expect((await patch({ percentage: 1 }, { 'Content-Type': 'application/JSON;charset="UTF-8"' })).status).to.equal(
        200,
      );
      expect(backend.writes).to.have.length(1);
    });

    it('reads at most 16 KiB, however it is framed', async () => {
      const reason = 'x'.repeat(20_000);
      const response = await patch({ percentage: 1, reason });
      expect([response.status, response.json.code]).to.deep.equal([413, 'too_large']);
      const client = await RawClient.connect(port);
      const head = requestBytes({
        method: 'PATCH',
        path: '/api/v1/services/shop',
        headers: { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' },
      });
      client.send(head);
      for (let i = 0; i < 5; i++) client.send(`1000\r\n${'x'.repeat(4096)}\r\n`);
      expect((await client.response()).status).to.equal(413);
      await client.closed();
      client.destroy();
      expect(backend.writes).to.deep.equal([]);
    });

    it('refuses bodies that mean something else than they say', async () => {
      for (const [body, status] of [
        ['{"percentage":1', 400],
        ['{"percentage":"1"}', 422],
        ['{"percentage":1,"percentage":100}', 422],
        ['{"percentage":-0}', 422],
        ['{"percentage":1,"__proto__":{}}', 422],
        ['', 400],
      ] as const) {
        const request: Ask = { method: 'PATCH', path: '/api/v1/services/shop', headers: JSON_TYPE, body };
        expect((await answer(request)).status, body).to.equal(status);
      }
      expect(backend.writes).to.deep.equal([]);
    });

    it('turns away what a web page sends, by its own name or by a name rebound to us', async () => {
      const strangers: Ask[] = [
        { host: 'evil.example' },
        { host: 'localhost.evil' },
        { headers: { Origin: 'http://evil.example' } },
        { headers: { Origin: 'null' } },
        { headers: { Origin: 'http://localhost.evil' } },
        { headers: { 'Sec-Fetch-Site': 'cross-site' } },
        { headers: { Via: '1.1 someone' } },
        { headers: { 'X-Forwarded-For': '127.0.0.1' } },
        { headers: { Forwarded: 'for=127.0.0.1' } },
      ];
      for (const stranger of strangers) {
        const response = await answer({ method: 'POST', path: '/api/v1/services/shop/abort', ...stranger });
        expect(response.status, JSON.stringify(stranger)).to.equal(403);
      }
      expect(backend.writes).to.deep.equal([]);
      const own = { Origin: `http://localhost:${port}`, 'Sec-Fetch-Site': 'same-origin' };
      const page: Ask = {
        method: 'POST',
        path: '/api/v1/services/shop/abort',
        host: `localhost:${port}`,
        headers: own,
      };
      expect((await answer(page)).status).to.equal(200);
    });
  });

  it('refuses writes without a token where it listens on every address, and on demand', async () => {
    await start({ listen: { host: '0.0.0.0', port: 0 } });
    expect((await patch({ percentage: 1 })).status).to.equal(403);
    expect((await answer({ path: '/status' })).status).to.equal(200);
    await stop();
    await start({ withoutToken: 'refuse' });
    expect((await patch({ percentage: 1 })).status).to.equal(403);
  });

  describe('with a token', () => {
    const right = { Authorization: 'bearer correct-horse' };
    let nowMs = 0;
    beforeEach(() => start({ token: 'correct-horse', listen: { host: '0.0.0.0', port: 0 }, nowMs: () => nowMs }));

    it('lets in who shows it, from wherever', async () => {
      expect((await patch({ percentage: 1 }, right)).status).to.equal(200);
    });

    it('challenges who does not, also in the query, and still tells everyone the status', async () => {
      const missing = await patch({ percentage: 1 });
      expect([missing.status, field(missing, 'www-authenticate')]).to.deep.equal([
        401,
        'Bearer realm="migration-proxy"',
      ]);
      const wrong = await patch({ percentage: 1 }, { Authorization: 'Bearer wrong' });
      expect(field(wrong, 'www-authenticate')).to.include('error="invalid_token"');
      const path = '/api/v1/services/shop/abort?token=correct-horse&access_token=correct-horse';
      expect((await answer({ method: 'POST', path })).status).to.equal(401);
      expect((await answer({ path: '/status' })).status).to.equal(200);
      expect(backend.writes).to.deep.equal([]);
    });

    it('makes a guesser wait, even for the right one', async () => {
      for (let i = 0; i < 20; i++) {
        expect((await patch({ percentage: 1 }, { Authorization: `Bearer ${i}` })).status).to.equal(401);
      }
      const limited = await patch({ percentage: 1 }, right);
      expect([limited.status, field(limited, 'retry-after')]).to.deep.equal([429, '3']);
      nowMs += 3_000;
      expect((await patch({ percentage: 1 }, right)).status).to.equal(200);
    });
  });

  describe('under pressure', () => {
    it('gives a slow head and a slow body up', async () => {
      await start({ limits: { headTimeoutMs: 100, requestTimeoutMs: 200 } });
      const slowHead = await RawClient.connect(port);
      expect((await slowHead.send('GET /status HTTP/1.1\r\nHost: x\r\n').response()).status).to.equal(408);
      await slowHead.closed();
      const slowBody = await RawClient.connect(port);
      const path = '/api/v1/services/shop';
      const headers = { ...JSON_TYPE, 'Content-Length': '100' };
      slowBody.send(requestBytes({ method: 'PATCH', path, headers })).send('{"perc');
      await slowBody.closed();
      expect(backend.writes).to.deep.equal([]);
      for (const client of [slowHead, slowBody]) client.destroy();
    });

    it('closes a connection that says nothing at all', async () => {
      await start({ limits: { idleTimeoutMs: 100 } });
      const idle = await RawClient.connect(port);
      expect((await idle.closed()).length).to.equal(0);
      idle.destroy();
    });

    it('refuses one peer more connections than its share', async () => {
      await start({ limits: { connectionsPerPeer: 2 } });
      const clients = await Promise.all([RawClient.connect(port), RawClient.connect(port)]);
      for (const client of clients)
        expect((await client.send(requestBytes({ path: '/livez' })).response()).status).to.equal(200);
      const third = await RawClient.connect(port);
      await third.closed();
      for (const client of [...clients, third]) client.destroy();
    });

    it('answers what is no HTTP, and heads that are too long, with a problem', async () => {
      await start();
      for (const [bytes, status] of [
        ['hello\r\n\r\n', 400],
        [`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ] as const) {
        const client = await RawClient.connect(port);
        const response = await client.send(bytes).response();
        expect([response.status, JSON.parse(response.body.toString()).status]).to.deep.equal([status, status]);
        client.destroy();
      }
    });

    it('says which address is taken, and stops while connections are open', async () => {
      await start();
      const second = createAdminServer({
        backend,
        version: '0.1.0',
        replica: 'pod-b',
        token: null,
        listen: { host: '127.0.0.1', port },
        onError: () => {},
      });
      const failure = await second.listen().catch((error: unknown) => error);
      expect(failure).to.include({ code: 'EADDRINUSE', port });
      const idle = await RawClient.connect(port);
      await idle.send(requestBytes({ path: '/livez' })).response();
      await stop();
      await idle.closed();
      idle.destroy();
    });
  });
});
