/** Handshakes that the proxy stands between: 100-continue, and Upgrade to another protocol. */
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { field } from '../../support/http-message.ts';
import { OK, answer as scripted } from '../../support/recorder.ts';
import { OWN_REQUEST_ID } from '../../support/request-ids.ts';
import { HOST } from '../configuration.ts';
import { decisionOf, type Given, head, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const GET = request('GET', '/');
const OLD: Given = { service: { migration: { percentage: 0 } } };
const EXPECTING = head('PUT / HTTP/1.1', `Host: ${HOST}`, 'Expect: 100-continue', 'Content-Length: 5');

/** The client sends its body only when it is told to. `backend` answers 100 as soon as it sees the expectation. */
function continuing(name: string, given: Given, cluster: 'old' | 'new'): Case {
  return {
    name,
    run: (plane) =>
      onStage(plane, given, async (stage) => {
        const backend = stage.under[cluster];
        const client = await stage.client();
        client.send(EXPECTING);
        await eventually('the head is there', () => /Expect: 100-continue\r\n/.test(stage.received), stage.patienceMs);
        backend.sockets[0].write('HTTP/1.1 100 Continue\r\n\r\n');
        expect((await client.queue.until('\r\n\r\n', stage.patienceMs)).toString()).to.match(/^HTTP\/1\.1 100 /);
        expect((await client.send('hello').response({ withinMs: stage.patienceMs })).status).to.equal(200);
        expect(stage.requestsAt(cluster).map(({ body }) => body.toString())).to.deep.equal(['hello']);
      }),
  };
}

const early: Case = {
  name: '100-continue: a final answer before the body, and nothing of the body is taken for a request',
  run: (plane) =>
    onStage(plane, OLD, async (stage) => {
      const client = await stage.client();
      client.send(EXPECTING);
      await eventually('the head is there', () => stage.received.endsWith('\r\n\r\n'), stage.patienceMs);
      stage.under.old.sockets[0].write(scripted(403, 'no'));
      expect((await client.response({ withinMs: stage.patienceMs })).status).to.equal(403);
      client.send(`hello${GET}`);
      expect((await client.closed(stage.patienceMs)).toString()).to.equal('');
      expect(stage.requestsAt('old')).to.deep.equal([]);
    }),
};

const ASKS = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];
const SWITCHED = head(
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Accept: x',
);

const upgraded: Case = {
  name: 'Upgrade: bytes go both ways, those that came with the handshake too',
  run: (plane) =>
    onStage(plane, { new: `${SWITCHED}first` }, async (stage) => {
      const client = await stage.client();
      const answer = await client.send(`${request('GET', '/ws', ASKS)}early`).response({ withinMs: stage.patienceMs });
      expect([answer.status, field(answer, 'upgrade')]).to.deep.equal([101, 'websocket']);
      expect(field(answer, 'sec-websocket-accept')).to.equal('x');
      expect(field(answer, 'x-request-id')).to.match(OWN_REQUEST_ID);
      expect(decisionOf(answer)).to.equal('new weight');
      expect((await client.queue.exactly(5, stage.patienceMs)).toString()).to.equal('first');
      client.send('GET /frame HTTP/1.1');
      const sent = 'earlyGET /frame HTTP/1.1';
      await eventually('the bytes are there', () => stage.received.endsWith(sent), stage.patienceMs);
      stage.under.new.sockets[0].end('last');
      expect((await client.closed(stage.patienceMs)).toString()).to.equal('last');
    }),
};

const notUpgraded: Case = {
  name: 'Upgrade that is declined: what follows is a request of its own',
  run: (plane) =>
    onStage(plane, { new: OK }, async (stage) => {
      const client = await stage.client();
      client.send(request('GET', '/ws', ASKS) + head('GET /2 HTTP/1.1', 'Host: nobody.example') + request('GET', '/3'));
      const statuses = [await client.response(), await client.response(), await client.response()].map((a) => a.status);
      expect(statuses).to.deep.equal([200, 404, 200]);
      expect(stage.requestsAt('new').map(({ startLine }) => startLine.split(' ')[1])).to.deep.equal(['/ws', '/3']);
    }),
};

const cases: readonly Case[] = [
  continuing('100-continue passes', {}, 'new'),
  continuing('100-continue after new refused the connection', { new: null }, 'old'),
  early,
  upgraded,
  notUpgraded,
];

export const handshakes: Theme = { name: 'handshakes', cases };
