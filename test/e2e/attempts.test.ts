/** What becomes of a request whose backend fails: who is asked next, how often a backend sees it, what is reported. */
import { createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { Direct, HOST } from '../support/direct.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/ports.ts';
import { requestBytes } from '../support/raw-client.ts';
import { answer, OK, type Script } from '../support/recorder.ts';

const errorOf = (response: { body: Buffer }): unknown => JSON.parse(response.body.toString()).error;

const reset: Script = ({ socket }) => {
  socket.resetAndDestroy();
  return null;
};
const close: Script = ({ socket }) => {
  socket.destroy();
  return null;
};

/** How new can fail after the request arrived. */
const FAILURES: [name: string, script: Script | string, kind: string, status: number, code: string][] = [
  ['resets', reset, 'reset', 502, 'upstream_invalid_response'],
  ['closes', close, 'reset', 502, 'upstream_invalid_response'],
  [
    'resets in the middle of its head',
    ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Le', () => setImmediate(() => socket.resetAndDestroy()));
      return null;
    },
    'reset',
    502,
    'upstream_invalid_response',
  ],
  ['is silent', () => null, 'timeout', 504, 'upstream_timeout'],
  ['answers garbage', 'SSH-2.0-OpenSSH_9.2\r\n', 'invalid_response', 502, 'upstream_invalid_response'],
  [
    'answers both framings',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'invalid_response',
    502,
    'upstream_invalid_response',
  ],
  [
    'answers 101 unasked',
    'HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n',
    'invalid_response',
    502,
    'upstream_invalid_response',
  ],
];

describe('attempts', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  for (const [name, script, kind, status, code] of FAILURES) {
    it(`new ${name}: GET and PUT are saved by old, a POST is not sent twice`, async () => {
      direct = await Direct.start({ new: script, migration: { timeoutMs: 150 } });
      const saved = await direct.ask();
      expect(saved.status).to.equal(200);
      expect(saved.body.toString()).to.equal('ok');
      expect((await direct.ask({ method: 'PUT', body: 'x'.repeat(5000) })).status).to.equal(200);
      expect(direct.old.requests[1].body.length).to.equal(5000);
      expect(direct.outcomes.map(({ cluster, failure }) => [cluster, failure])).to.deep.equal([
        ['new', kind],
        ['old', null],
        ['new', kind],
        ['old', null],
      ]);
      const lost = await direct.ask({ method: 'POST', body: 'order' });
      expect(lost.status).to.equal(status);
      expect(errorOf(lost)).to.equal(code);
      expect(direct.new.requests.filter((request) => request.startLine.startsWith('POST')).length).to.equal(1);
      expect(direct.old.requests.length).to.equal(2);
      const records = await direct.recorded(3);
      expect(records[0]).to.include({ cluster: 'old', status: 200, answered: true });
      expect(records[0].attempts.map(({ cluster, failure }) => [cluster, failure])).to.deep.equal([
        ['new', kind],
        ['old', null],
      ]);
      expect(records[2]).to.include({ cluster: 'new', status, answered: false });
    });
  }

  it('a refused connection sends even a POST to old, and the order of attempts is kept', async () => {
    direct = await Direct.start();
    await direct.new.close();
    const response = await direct.ask({ method: 'POST', body: 'order' });
    expect(response.status).to.equal(200);
    expect(direct.old.requests.map(({ body }) => body.toString())).to.deep.equal(['order']);
    expect(direct.outcomes[0]).to.include({ cluster: 'new', failure: 'connect', status: 0 });
    expect(direct.outcomes[0].message).to.match(/^connect ECONNREFUSED 127\.0\.0\.1/);
  });

  it('a failing status is replaced by the answer of old; a POST gets what new said; with fallback off nothing is touched', async () => {
    direct = await Direct.start({ new: answer(503, 'busy', 'X-From: new') });
    expect((await direct.ask()).body.toString()).to.equal('ok');
    const post = await direct.ask({ method: 'POST', body: 'x' });
    expect(post.status).to.equal(503);
    expect(post.body.toString()).to.equal('busy');
    expect(
      direct.outcomes.filter(({ cluster }) => cluster === 'new').map(({ failure, status }) => [failure, status]),
    ).to.deep.equal([
      ['status', 503],
      ['status', 503],
    ]);
    // The connection of a whole answer is kept, also when the answer was thrown away.
    expect(direct.new.connections).to.equal(1);
    const off = direct.migration();
    direct.apply({ ...off, fallback: { ...off.fallback, enabled: false } });
    const untouched = await direct.ask();
    expect(untouched.status).to.equal(503);
    expect(untouched.body.toString()).to.equal('busy');
  });

  it('answers 500 and 501 pass and are never retried', async () => {
    direct = await Direct.start({ new: answer(500, 'broken') });
    expect((await direct.ask()).status).to.equal(500);
    expect(direct.old.requests.length).to.equal(0);
    expect(direct.outcomes[0]).to.include({ failure: null, status: 500 });
  });

  it('retry_attempts 0 is none', async () => {
    direct = await Direct.start({ migration: { retryAttempts: 0 } });
    await direct.new.close();
    const response = await direct.ask();
    expect(response.status).to.equal(502);
    expect(errorOf(response)).to.equal('upstream_unreachable');
    expect(direct.old.requests.length).to.equal(0);
  });

  const breaksOff =
    (head: string, body: string): Script =>
    ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`, () => setImmediate(() => socket.destroy()));
      return null;
    };

  it('a small answer that breaks off is replaced by the answer of old, but not for a POST', async () => {
    direct = await Direct.start({ new: breaksOff('Content-Length: 60000', 'hello') });
    expect((await direct.ask()).body.toString()).to.equal('ok');
    expect(direct.outcomes.map(({ cluster, failure }) => [cluster, failure])).to.deep.equal([
      ['new', 'truncated'],
      ['old', null],
    ]);
    const client = await direct.client();
    client.send(requestBytes({ host: HOST, method: 'POST', body: 'x' }));
    expect((await client.closed()).toString('latin1')).to.match(/^HTTP\/1\.1 200 OK[\s\S]*hello$/);
    expect(direct.old.requests.length).to.equal(1);
  });

  it('a small answer that comes in pieces arrives whole, and its connection is kept', async () => {
    const body = 'x'.repeat(30_000);
    direct = await Direct.start({
      new: ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n');
        setImmediate(() => {
          socket.write(body.slice(0, 10_000));
          setImmediate(() => socket.write(body.slice(10_000)));
        });
        return null;
      },
    });
    for (let i = 0; i < 3; i++) expect((await direct.ask()).body.toString()).to.equal(body);
    expect(direct.new.connections).to.equal(1);
    expect(direct.outcomes.every(({ failure }) => failure === null)).to.equal(true);
  });

  for (const head of ['Content-Length: 100000', 'Transfer-Encoding: chunked']) {
    it(`a large answer or one of unknown length that breaks off is seen to break off (${head})`, async () => {
      direct = await Direct.start({ new: breaksOff(head, '5\r\nhello\r\n') });
      const client = await direct.client();
      client.send(requestBytes({ host: HOST }));
      const bytes = (await client.closed()).toString('latin1');
      expect(bytes).to.include('200 OK');
      expect(bytes).not.to.include('\r\n0\r\n\r\n');
      expect(direct.outcomes[0]).to.include({ cluster: 'new', failure: 'truncated' });
      expect(direct.old.requests.length).to.equal(0);
    });
  }

  it('a broken chunk after the head cuts the client off', async () => {
    direct = await Direct.start({ new: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n+5\r\n' });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    expect((await client.closed()).toString('latin1')).not.to.match(/0\r\n\r\n$/);
    expect(direct.outcomes[0]).to.include({ cluster: 'new', failure: 'truncated' });
  });

  it('bytes behind an answer end the connection, not the answer', async () => {
    direct = await Direct.start({ new: `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil` });
    const client = await direct.client();
    for (let i = 0; i < 3; i++) {
      client.send(requestBytes({ host: HOST }));
      expect((await client.response()).body.toString()).to.equal('ok');
    }
    expect(direct.new.connections).to.equal(3);
    client.destroy();
  });

  it('a kept connection that went stale is no failure: what may be sent again goes out afresh', async () => {
    const closing: Script = ({ socket, index }) => {
      if (index === 1) {
        socket.resetAndDestroy();
        return null;
      }
      return OK;
    };
    direct = await Direct.start({ new: closing });
    expect((await direct.ask()).status).to.equal(200);
    expect((await direct.ask()).status).to.equal(200);
    expect(direct.new.requests.length).to.equal(3);
    expect(direct.old.requests.length).to.equal(0);
    expect(direct.outcomes.every(({ failure }) => failure === null)).to.equal(true);
  });

  it('an idle connection that the backend closes is not used again', async () => {
    direct = await Direct.start({
      new: ({ request, socket }) => {
        if (request.startLine.includes('/last')) setImmediate(() => socket.end());
        return OK;
      },
    });
    await direct.ask({ path: '/last' });
    await eventually('connection noticed as closed', () => direct.plane.connections().new === 0);
    expect((await direct.ask({ method: 'POST', body: 'x' })).status).to.equal(200);
    expect(direct.new.connections).to.equal(2);
  });

  it('Keep-Alive: timeout of a backend is obeyed', async () => {
    direct = await Direct.start({ new: answer(200, 'ok', 'Keep-Alive: timeout=1') });
    await direct.ask();
    await direct.ask();
    expect(direct.new.connections).to.equal(2);
  });

  it('one more address of the same cluster, then old', async () => {
    const [dead] = await freePorts(1);
    direct = await Direct.start({
      plane: { lookup: async () => ['127.0.0.2', '127.0.0.3', '127.0.0.4'] },
    });
    const migration = direct.migration();
    direct.apply({ ...migration, new: { ...migration.new, address: 'new.test', port: dead } });
    expect((await direct.ask()).status).to.equal(200);
    expect(direct.outcomes.map(({ cluster, failure }) => [cluster, failure])).to.deep.equal([
      ['new', 'connect'],
      ['new', 'connect'],
      ['old', null],
    ]);
    const tried = direct.outcomes.slice(0, 2).map(({ message }) => message.split(' ')[2]);
    expect(new Set(tried).size).to.equal(2);
  });

  it('a name without address is a DNS failure, and old answers', async () => {
    direct = await Direct.start({
      plane: {
        lookup: async (name) => {
          throw Object.assign(new Error(name), { code: 'ENOTFOUND' });
        },
      },
    });
    const migration = direct.migration();
    direct.apply({ ...migration, new: { ...migration.new, address: 'gone.test' } });
    expect((await direct.ask({ method: 'POST', body: 'x' })).status).to.equal(200);
    expect(direct.outcomes[0]).to.include({ cluster: 'new', failure: 'dns', message: 'ENOTFOUND gone.test' });
  });

  it('a backend that takes the connection and never finishes TLS is given up after connect_timeout', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    direct = await Direct.start();
    const migration = direct.migration({ connectTimeoutMs: 150 });
    const { port } = silent.address() as { port: number };
    direct.apply({ ...migration, new: { ...migration.new, port, protocol: 'https' } });
    const response = await direct.ask({ method: 'POST', body: 'x' });
    silent.close();
    expect(response.status).to.equal(200);
    expect(direct.outcomes[0]).to.include({ failure: 'timeout', message: 'no connection within 150 ms' });
  });

  it('a body over the cap is sent once only, whatever the method', async () => {
    direct = await Direct.start({ new: close });
    const response = await direct.ask({ method: 'PUT', body: Buffer.alloc(200_000, 'x') });
    expect(response.status).to.equal(502);
    expect(direct.old.requests.length).to.equal(0);
  });

  it('the client goes away: the backend is told, and nobody failed', async () => {
    const closed: Socket[] = [];
    direct = await Direct.start({
      new: ({ socket }) => {
        socket.on('close', () => closed.push(socket));
        return null;
      },
    });
    const client = await direct.client();
    client.send(requestBytes({ host: HOST }));
    await eventually('request arrived', () => direct.new.requests.length === 1);
    client.destroy();
    await eventually('backend connection closed', () => closed.length === 1, 1_000);
    const [record] = await direct.recorded(1);
    expect(record).to.include({ status: 0, cluster: 'new' });
    expect(direct.outcomes).to.deep.equal([]);
  });

  it('while probing one request at a time takes the slot, and gives it back', async () => {
    let release: (() => void) | null = null;
    direct = await Direct.start({
      new: async ({ request }) => {
        if (request.startLine.includes('/slow')) await new Promise<void>((resolve) => (release = resolve));
        return answer(200, 'new');
      },
    });
    direct.setRunState({ state: 'probing', admission: 'one', methods: 'replayable', admitBp: 0 });
    const slow = direct.ask({ path: '/slow' });
    await eventually('probe under way', () => release);
    expect((await direct.ask()).body.toString()).to.equal('ok');
    (release as unknown as () => void)();
    expect((await slow).body.toString()).to.equal('new');
    expect((await direct.ask({ method: 'POST', body: 'x' })).body.toString()).to.equal('ok');
    expect((await direct.ask()).body.toString()).to.equal('new');
    expect(direct.outcomes.filter(({ probe }) => probe).length).to.equal(2);
    expect(direct.records.map(({ reason }) => reason)).to.have.members(['fallback', 'weight', 'fallback', 'weight']);
  });
});
