import { request } from 'node:https';
import { expect } from 'chai';
import { CertificateAuthority, type Leaf } from '../support/certificates.ts';
import { eventually, patience } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { freePorts } from '../support/ports.ts';
import { ask, RawClient } from '../support/raw-client.ts';
import { answer, Recorder } from '../support/recorder.ts';

describe("the tests' own parts", () => {
  let origin: Recorder;
  beforeEach(async () => {
    origin = await Recorder.listen();
  });
  afterEach(() => origin.close());

  it('records a request byte for byte and gives the scripted answer', async () => {
    origin.script = ({ request }) => answer(201, `${request.body}`, 'X-Case: Kept');
    const response = await ask(origin.port, { method: 'POST', path: '/a?b', host: 'h', body: 'ü' });
    expect(response.status).to.equal(201);
    expect(response.body.toString()).to.equal('ü');
    expect(response.head).to.equal('HTTP/1.1 201 Scripted\r\nContent-Length: 2\r\nX-Case: Kept\r\n\r\n');
    expect(origin.requests[0].startLine).to.equal('POST /a?b HTTP/1.1');
    expect(field(origin.requests[0], 'host')).to.equal('h');
    expect(origin.received[0].toString('latin1')).to.match(/^POST \/a\?b HTTP\/1\.1\r\n.*\r\n\r\nÃ¼$/s);
  });

  it('reads pipelined answers, chunks, answers without a body and answers to the end of the connection', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n';
    const answers = [
      'HTTP/1.1 100 Continue\r\n\r\n',
      chunked,
      'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    ];
    origin.script = ({ index, socket }) => {
      if (index < 1) return answers.join('');
      socket.end('HTTP/1.1 200 OK\r\n\r\nto the end');
      return null;
    };
    const client = (await RawClient.connect(origin.port)).send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    const interim: Awaited<ReturnType<typeof client.response>>[] = [];
    const first = await client.response({ interim });
    expect(interim.map((response) => response.status)).to.deep.equal([100]);
    expect(first.body.toString()).to.equal('abc');
    expect(first.chunks).to.deep.equal([2, 1]);
    expect((await client.response()).status).to.equal(304);
    client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    expect((await client.response()).body.toString()).to.equal('to the end');
    expect((await client.closed()).length).to.equal(0);
    client.destroy();
  });

  for (const [what, bytes] of [
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n'],
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk size with a prefix', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n'],
    ['a body that ends early', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab'],
  ]) {
    it(`does not take ${what}`, async () => {
      origin.script = ({ socket }) => {
        socket.end(bytes);
        return null;
      };
      const error = await ask(origin.port).catch((reason: Error) => reason);
      expect(error).to.be.instanceOf(Error);
    });
  }

  it('sees a reset of the other side', async () => {
    origin.script = ({ socket }) => {
      socket.resetAndDestroy();
      return null;
    };
    const error = (await ask(origin.port).catch((reason: Error) => reason)) as Error;
    expect(error.message).to.match(/ECONNRESET/);
  });

  it('makes certificates that verify, and expired ones that do not', async () => {
    const authority = new CertificateAuthority();
    const outcome = async (leaf: Leaf): Promise<string> => {
      const secure = await Recorder.listen(undefined, { tls: leaf });
      try {
        return await new Promise<string>((resolve) => {
          const options = {
            port: secure.port,
            host: '127.0.0.1',
            servername: 'new.test',
            ca: authority.ca,
            agent: false,
          };
          const asked = request(options, (response) => resolve(`${response.statusCode}`));
          asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
        });
      } finally {
        await secure.close();
      }
    };
    expect(await outcome(authority.leaf('new.test'))).to.equal('200');
    expect(await outcome(authority.expired('new.test'))).to.equal('CERT_HAS_EXPIRED');
    expect(await outcome(authority.leaf('other.test'))).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('gives different free ports, and an error that says what did not happen', async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).to.equal(5);
    const error = (await eventually('pigs fly', () => false, 30).catch((reason: Error) => reason)) as Error;
    expect(error.message).to.equal('did not happen within 30 ms: pigs fly');
  });

  it('waits longer for what is promised where the machine has much to do, and as long as ever for what is not to come', () => {
    expect([0.5, 3, 100].map((load) => patience(1_000, load))).to.deep.equal([1_000, 3_000, 20_000]);
    expect(patience(500, 3)).to.equal(500);
    expect(patience(60_000, 3)).to.equal(60_000);
  });
});
