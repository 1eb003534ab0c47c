/** How much a client may have: connections, requests in advance, time, and of its body for a second attempt. */
import { expect } from 'chai';
import { Direct, HOST } from '../support/direct.ts';
import { eventually } from '../support/eventually.ts';
import { field } from '../support/http-message.ts';
import { requestBytes } from '../support/raw-client.ts';
import { answer, type Script } from '../support/recorder.ts';

/** More than the two ends of a loopback connection may hold without us (the most of tcp_wmem and tcp_rmem: 4 and 32 MiB). */
const KERNEL_BYTES = 40 * 1024 * 1024;
const CAP_BYTES = 64 * 1024;

describe('limits', () => {
  let direct: Direct;
  afterEach(() => direct.stop());

  it('connections over the limit are closed and counted, and there is room again when one ends', async () => {
    direct = await Direct.start({ plane: { limits: { maxConnections: 2 } } });
    const first = await direct.client();
    const second = await direct.client();
    await eventually('both are in', () => direct.plane.connections().client === 2);
    const third = await direct.client();
    expect((await third.closed()).length).to.equal(0);
    expect(direct.refused).to.deep.equal(['too_many_connections']);
    first.destroy();
    await eventually('one has gone', () => direct.plane.connections().client === 1);
    expect((await direct.ask()).status).to.equal(200);
    second.destroy();
  });

  it('a head as large as it may be arrives whole', async () => {
    const maxHeadBytes = 1024 * 1024;
    direct = await Direct.start({ plane: { limits: { maxHeadBytes } } });
    const start = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nX-Large: `;
    const value = 'v'.repeat(maxHeadBytes - start.length - 4);
    const client = await direct.client();
    client.send(`${start}${value}\r\n\r\n`);
    expect((await client.response()).status).to.equal(200);
    expect(field(direct.new.requests[0], 'x-large') === value).to.equal(true);
    client.send(`${start}${value}v\r\n\r\n`);
    expect((await client.response()).status).to.equal(431);
    expect(direct.new.requests.length).to.equal(1);
  });

  it('a thousand pipelined requests are answered, each once and in order', async () => {
    direct = await Direct.start({ new: ({ request }) => answer(200, request.startLine) });
    const client = await direct.client();
    const paths = Array.from({ length: 1000 }, (_, i) => `/${i}`);
    client.send(Buffer.concat(paths.map((path) => requestBytes({ host: HOST, path }))));
    for (const path of paths) expect((await client.response()).body.toString()).to.equal(`GET ${path} HTTP/1.1`);
    expect(direct.new.requests.length).to.equal(1000);
    client.destroy();
  });

  it('requests sent in advance wait with the client, however many are answered meanwhile', async () => {
    const answered = 1200;
    direct = await Direct.start({ new: ({ index }) => (index < answered ? answer(200, '') : null) });
    const client = await direct.client();
    const request = requestBytes({ host: HOST });
    const piece = Buffer.concat(Array.from({ length: 1000 }, () => request));
    let accepted = 0;
    const offer = (): void => {
      client.socket.write(piece, (error) => {
        if (error) return;
        accepted += piece.length;
        if (accepted < 3 * KERNEL_BYTES) offer();
      });
    };
    offer();
    await eventually('the backend is silent', () => direct.new.requests.length > answered);
    let before = -1;
    await eventually('nothing moves', () => {
      const still = accepted === before;
      before = accepted;
      return still;
    });
    expect(accepted - answered * request.length).to.be.lessThan(KERNEL_BYTES);
    client.destroy();
  });

  it('a client that takes no answers gets no further ones made', async () => {
    const body = 'x'.repeat(15 * 1024);
    direct = await Direct.start({ new: answer(200, body) });
    const client = await direct.client();
    client.socket.pause();
    const count = 4000;
    client.send(Buffer.concat(Array.from({ length: count }, () => requestBytes({ host: HOST }))));
    let before = -1;
    await eventually('no more requests arrive', () => {
      const still = direct.new.requests.length > 0 && direct.new.requests.length === before;
      before = direct.new.requests.length;
      return still;
    });
    expect(direct.new.requests.length * body.length).to.be.lessThan(KERNEL_BYTES);
    client.socket.resume();
    for (let i = 0; i < count; i++) expect((await client.response()).body.length).to.equal(body.length);
    client.destroy();
  }).timeout(30_000);

  for (const request of [requestBytes({ host: HOST }), Buffer.concat(Array(3000).fill(requestBytes({ host: HOST })))]) {
    it(`a client that takes nothing of ${request.length > 1000 ? 'many answers' : 'a large answer'} is given up after sendTimeoutMs`, async () => {
      const body = 'x'.repeat(request.length > 1000 ? 15 * 1024 : 16 * 1024 * 1024);
      direct = await Direct.start({ new: answer(200, body), plane: { limits: { sendTimeoutMs: 200 } } });
      const client = await direct.client();
      client.socket.pause();
      client.send(request);
      await eventually('the client is given up', () => direct.plane.connections().client === 0, 5_000);
      await eventually('and holds no backend', () => direct.plane.connections().new <= 1);
      expect(direct.outcomes.every(({ failure }) => failure === null)).to.equal(true);
      expect(direct.refused).to.deep.equal([]);
      client.destroy();
    });
  }

  describe('of a body for another attempt', () => {
    const failing: Script = ({ request, socket }) => {
      if (request.startLine.startsWith('GET')) return answer(200, '');
      socket.resetAndDestroy();
      return null;
    };
    for (const [connection, warm] of [
      ['a new connection', false],
      ['a kept connection', true],
    ] as const) {
      for (const [size, status] of [
        [CAP_BYTES - 1, 200],
        [CAP_BYTES, 200],
        [CAP_BYTES + 1, 502],
      ]) {
        for (const chunked of [false, true]) {
          it(`${size} bytes ${chunked ? 'in chunks ' : ''}on ${connection}: ${status === 200 ? 'sent again' : 'lost'}`, async () => {
            // The kept connection that fails is replaced first: that attempt is no failure of new.
            direct = await Direct.start({ new: failing });
            if (warm) await direct.ask();
            const client = await direct.client();
            const body = Buffer.alloc(size, 'b');
            const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`;
            client.send(`PUT / HTTP/1.1\r\nHost: ${HOST}\r\n${framing}\r\n\r\n`);
            if (chunked)
              client
                .send(`${size.toString(16)}\r\n`)
                .send(body)
                .send('\r\n0\r\n\r\n');
            else client.send(body);
            expect((await client.response()).status).to.equal(status);
            const got = direct.old.requests.map((request) => request.body.length);
            expect(got).to.deep.equal(status === 200 ? [size] : []);
            client.destroy();
          });
        }
      }
    }
  });
});
