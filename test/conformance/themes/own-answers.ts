/** What the proxy says by itself: errors, their JSON and what they never tell, and the lines that it adds to every answer. */
import { expect } from 'chai';
import { field } from '../../support/http-message.ts';
import type { RawResponse } from '../../support/raw-client.ts';
import { answer as scripted } from '../../support/recorder.ts';
import { OWN_REQUEST_ID } from '../../support/request-ids.ts';
import { HOST } from '../configuration.ts';
import { INSTANCE } from '../plane-under-test.ts';
import { decisionOf, type Given, head, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const GET = request('GET', '/');
const OLD: Given = { service: { migration: { percentage: 0 } } };

interface ErrorRow extends Given {
  readonly name: string;
  readonly send: string;
  readonly status: number;
  readonly code: string;
  /** Null: no service was found. */
  readonly of: 'shop' | null;
  /** Either: what is right depends on whether the rest of the request was read. */
  readonly connection: 'close' | 'keep-alive' | 'either';
}

const ERRORS: readonly ErrorRow[] = [
  {
    name: 'an unknown host',
    send: head('GET / HTTP/1.1', 'Host: nobody.example'),
    status: 404,
    code: 'no_such_host',
    of: null,
    connection: 'keep-alive',
  },
  {
    name: 'an unknown host, last request',
    send: head('GET / HTTP/1.1', 'Host: nobody.example', 'Connection: close'),
    status: 404,
    code: 'no_such_host',
    of: null,
    connection: 'close',
  },
  {
    name: 'an unknown host, with a body',
    send: `${head('POST / HTTP/1.1', 'Host: nobody.example', 'Content-Length: 5')}hello`,
    status: 404,
    code: 'no_such_host',
    of: null,
    connection: 'either',
  },
  {
    name: 'an address for a host',
    send: head('GET / HTTP/1.1', 'Host: 127.0.0.1'),
    status: 404,
    code: 'no_such_host',
    of: null,
    connection: 'keep-alive',
  },
  {
    name: 'the new host is no host of ours',
    send: head('GET / HTTP/1.1', 'Host: shop.new.example'),
    status: 404,
    code: 'no_such_host',
    of: null,
    connection: 'keep-alive',
  },
  {
    name: 'nobody listens',
    ...OLD,
    old: null,
    send: GET,
    status: 502,
    code: 'upstream_unreachable',
    of: 'shop',
    connection: 'keep-alive',
  },
  {
    name: 'nobody listens, last request',
    ...OLD,
    old: null,
    send: request('GET', '/', ['Connection: close']),
    status: 502,
    code: 'upstream_unreachable',
    of: 'shop',
    connection: 'close',
  },
  {
    name: 'nobody listens, HTTP/1.0',
    ...OLD,
    old: null,
    send: head('GET / HTTP/1.0', `Host: ${HOST}`),
    status: 502,
    code: 'upstream_unreachable',
    of: 'shop',
    connection: 'close',
  },
  {
    name: 'a broken answer',
    ...OLD,
    old: 'garbage\r\n\r\n',
    send: GET,
    status: 502,
    code: 'upstream_invalid_response',
    of: 'shop',
    connection: 'keep-alive',
  },
  {
    name: 'no answer',
    ...OLD,
    old: () => null,
    global: { default_timeout: '150ms' },
    send: GET,
    status: 504,
    code: 'upstream_timeout',
    of: 'shop',
    connection: 'keep-alive',
  },
  {
    name: 'a loop',
    send: request('GET', '/', [`Via: 1.0 fred, 1.1 ${INSTANCE}`]),
    status: 508,
    code: 'loop_detected',
    of: 'shop',
    connection: 'keep-alive',
  },
  {
    name: 'a loop, on the second Via line',
    send: request('GET', '/', ['Via: 1.0 fred', `Via: 1.1 ${INSTANCE} (comment)`]),
    status: 508,
    code: 'loop_detected',
    of: 'shop',
    connection: 'keep-alive',
  },
];

const errors: readonly Case[] = ERRORS.flatMap((row) =>
  [row.send, row.send.replace(/^GET/, 'HEAD')]
    .filter((send, i) => i === 0 || send !== row.send)
    .map((send, i) => ({
      name: `${row.name}${i === 0 ? '' : ', asked with HEAD'}`,
      run: (plane) =>
        onStage(plane, row, async (stage) => {
          const forMethod = i === 0 ? 'GET' : 'HEAD';
          const client = await stage.client();
          const answer = await client.send(send).response({ forMethod, withinMs: stage.patienceMs });
          const id = field(answer, 'x-request-id');
          expect(answer.status).to.equal(row.status);
          expect(field(answer, 'content-type')).to.equal('application/json');
          expect(id).to.match(OWN_REQUEST_ID);
          const body = i === 0 ? answer.body.toString() : '';
          if (i === 0) expect(JSON.parse(body)).to.deep.equal({ error: row.code, service: row.of, request_id: id });
          const connection = field(answer, 'connection');
          if (row.connection === 'either') expect(connection).to.be.oneOf(['close', 'keep-alive']);
          else expect(connection).to.equal(row.connection);
          expect(answer.head + body).to.not.match(/127\.0\.0\.1|ECONN|node:|\.ts\b/);
          expect(field(answer, 'x-migration-cluster'), 'nobody answered').to.equal(null);
          if (connection === 'close') expect((await client.closed(stage.patienceMs)).length).to.equal(0);
          else
            expect((await client.send(row.send).response({ withinMs: stage.patienceMs })).status).to.equal(row.status);
        }),
    })),
);

const own = (name: string, given: Given, send: string, check: (answer: RawResponse) => void): Case => ({
  name,
  run: (plane) => onStage(plane, given, async (stage) => check(await stage.ask(send))),
});
const TRUSTED = { trusted_proxies: ['127.0.0.0/8'] };
const FORGED = scripted(200, 'ok', 'X-Migration-Cluster: forged', 'x-migration-reason: forged');

const lines: readonly Case[] = [
  own('the decision names who answered, not who was asked first', { new: null }, GET, (answer) => {
    expect(decisionOf(answer)).to.equal('old weight');
  }),
  own('the decision is told where nobody answered: the reason', { ...OLD, old: null }, GET, (answer) => {
    expect(field(answer, 'x-migration-reason')).to.equal('weight');
  }),
  own('an origin cannot forge the decision', { new: FORGED }, GET, (answer) => {
    expect(decisionOf(answer)).to.equal('new weight');
  }),
  own(
    'without expose_decision nothing is told, and an origin’s own lines pass',
    { new: FORGED, global: { expose_decision: false } },
    GET,
    (answer) => {
      expect(decisionOf(answer)).to.equal('forged forged');
    },
  ),
  own('without expose_decision nothing is told', { global: { expose_decision: false } }, GET, (answer) => {
    expect(decisionOf(answer)).to.equal('null null');
  }),
  own(
    'the id of a trusted peer comes back',
    { global: TRUSTED },
    request('GET', '/', ['X-Request-ID: mine-1']),
    (answer) => {
      expect(field(answer, 'x-request-id')).to.equal('mine-1');
    },
  ),
  own('the id of an untrusted peer does not', {}, request('GET', '/', ['X-Request-ID: mine-1']), (answer) => {
    expect(field(answer, 'x-request-id')).to.match(OWN_REQUEST_ID);
  }),
  own(
    'an id of 129 characters is none',
    { global: TRUSTED },
    request('GET', '/', [`X-Request-ID: ${'i'.repeat(129)}`]),
    (answer) => {
      expect(field(answer, 'x-request-id')).to.match(OWN_REQUEST_ID);
    },
  ),
  own(
    'an error has the id of a trusted peer',
    { ...OLD, old: null, global: TRUSTED },
    request('GET', '/', ['X-Request-ID: mine-1']),
    (answer) => {
      expect(JSON.parse(answer.body.toString()).request_id).to.equal('mine-1');
    },
  ),
  own(
    'a stickily served visitor gets no cookie with an error',
    { old: null, service: { migration: { percentage: 0, sticky: 'cookie' } } },
    GET,
    (answer) => {
      expect([answer.status, field(answer, 'set-cookie')]).to.deep.equal([502, null]);
    },
  ),
];

export const ownAnswers: Theme = { name: 'own answers', cases: [...errors, ...lines] };
