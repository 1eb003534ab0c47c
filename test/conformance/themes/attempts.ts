/**
 * Who is asked next, and who never is: each way in which new can fail, times what may be sent again. Nothing that may have
 * arrived acts twice.
 */
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { type Script, answer as scripted } from '../../support/recorder.ts';
import { attempt, CAP, fallback, INVALID, LATE, SHORT, UNREACHABLE } from '../attempt-rows.ts';
import { writing } from '../origin-scripts.ts';
import { errorIn, type Given, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

interface Failure {
  readonly name: string;
  readonly given: Given;
  /** Of the outcome. */
  readonly kind: string;
  /** A byte of the request may have reached new. */
  readonly sent: boolean;
  /** What the client gets when nobody else is asked: `502 code`, or new's own status. */
  readonly told: string;
}

const sent = (name: string, script: Script | string, kind: string, told: string, more: Given = {}): Failure => {
  return { name, given: { new: script, ...more }, kind, sent: true, told };
};

const FAILURES: readonly Failure[] = [
  { name: 'refuses', given: { new: null }, kind: 'connect', sent: false, told: UNREACHABLE },
  {
    name: 'has no address',
    given: { service: { new_backend: 'gone.example:{new}' } },
    kind: 'dns',
    sent: false,
    told: UNREACHABLE,
  },
  {
    name: 'never ends its TLS handshake',
    given: { ...SHORT, service: { new_protocol: 'https' } },
    kind: 'timeout',
    sent: false,
    told: LATE,
  },
  sent('resets', writing('', 'resets'), 'reset', INVALID),
  sent('closes', writing('', 'closes'), 'reset', INVALID),
  sent('resets within its head', writing('HTTP/1.1 200 OK\r\nContent-L', 'resets'), 'reset', INVALID),
  sent('closes within its head', writing('HTTP/1.1 200 OK\r\nContent-L', 'closes'), 'reset', INVALID),
  sent('is silent', () => null, 'timeout', LATE, SHORT),
  sent('stops within its head', writing('HTTP/1.1 200 OK\r\nContent-L', 'stays'), 'timeout', LATE, SHORT),
  sent('speaks something else', 'SSH-2.0-OpenSSH_9.2\r\n', 'invalid_response', INVALID),
  sent('answers 502', scripted(502, 'from new'), 'status', '502'),
  sent('answers 503', scripted(503, 'from new'), 'status', '503'),
  sent('answers 504 without framing', writing('HTTP/1.1 504 X\r\n\r\nfrom new', 'closes'), 'status', '504'),
];

interface Sent {
  readonly name: string;
  readonly bytes: string;
  /** Safe to send twice, and still in memory. */
  readonly repeatable: boolean;
  /** A plane may stream it, and then it is never sent twice, not even where nothing has arrived. */
  readonly open?: true;
  /** One of its kind, tried where each try takes as long as a time limit. */
  readonly typical?: true;
}

const BIG = 'b'.repeat(200_000);
const chunked = (method: string): string =>
  `${request(method, '/', ['Transfer-Encoding: chunked'])}5\r\nhello\r\n0\r\n\r\n`;

const REQUESTS: readonly Sent[] = [
  { name: 'GET', bytes: request('GET', '/'), repeatable: true, typical: true },
  ...['HEAD', 'OPTIONS', 'DELETE'].map((method) => ({ name: method, bytes: request(method, '/'), repeatable: true })),
  { name: 'PUT with a body', bytes: request('PUT', '/', [], 'hello'), repeatable: true, typical: true },
  { name: 'PUT with a chunked body', bytes: chunked('PUT'), repeatable: true, open: true },
  { name: 'PUT with a body at the cap', bytes: request('PUT', '/', [], 'c'.repeat(CAP)), repeatable: true },
  {
    name: 'PUT with a body beyond the cap',
    bytes: request('PUT', '/', [], BIG),
    repeatable: false,
    open: true,
    typical: true,
  },
  { name: 'POST', bytes: request('POST', '/', [], 'hello'), repeatable: false, typical: true },
  { name: 'POST without a body', bytes: request('POST', '/', [], ''), repeatable: false },
  { name: 'POST with a chunked body', bytes: chunked('POST'), repeatable: false, open: true },
  { name: 'PATCH', bytes: request('PATCH', '/', [], 'hello'), repeatable: false },
  { name: 'MKCOL', bytes: request('MKCOL', '/'), repeatable: false },
  { name: 'LOCK with a body', bytes: request('LOCK', '/', [], 'hello'), repeatable: false },
  { name: 'an unknown method', bytes: request('REPORT', '/'), repeatable: false },
  { name: 'get in small letters', bytes: request('get', '/'), repeatable: false },
];

const matrix: readonly Case[] = FAILURES.flatMap(({ name, given, kind, sent, told }) =>
  REQUESTS.filter(({ typical }) => typical || kind !== 'timeout').map(({ name: what, bytes, repeatable, open }) => {
    const saved = !sent || repeatable;
    const asked = [`new ${kind}`, ...(saved ? ['old answered'] : [])];
    const streamed = open === undefined ? null : { asked: [`new ${kind}`], told };
    const or = saved && open === true ? `, or told ${told} where it is streamed` : '';
    return attempt(
      `new ${name}: ${what} ${saved ? 'is saved by old' : `is told ${told}`}${or}`,
      given,
      bytes,
      asked,
      saved ? '200' : told,
      streamed,
    );
  }),
);

const alone: readonly Case[] = FAILURES.filter(({ kind }) => kind !== 'status').map(({ name, given, kind, told }) =>
  attempt(
    `fallback off, new ${name}: old is not asked`,
    { ...given, service: { ...given.service, ...fallback({ enabled: false }) } },
    request('GET', '/'),
    [`new ${kind}`],
    told,
  ),
);

/** New resets as soon as the first bytes of an upload have come: it may have acted on them. */
const resetAfterHead: readonly Case[] = (
  [
    ['POST', [`Content-Length: ${BIG.length}`], BIG.slice(0, 50_000)],
    ['POST', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n'],
    ['PATCH', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n'],
    ['MKCOL', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n'],
  ] as const
).map(([method, lines, begun]) => ({
  name: `new resets after the head of a ${method}, ${lines[0]}: nobody else is asked`,
  run: (plane) =>
    onStage(plane, { limits: { replayBytes: CAP } }, async (stage) => {
      const client = await stage.client();
      client.send(request(method, '/', lines) + begun);
      await eventually('the head is there', () => stage.received.includes('\r\n\r\n'), stage.patienceMs);
      stage.under.new.sockets[0].resetAndDestroy();
      const answer = await client.response({ withinMs: stage.patienceMs });
      expect([answer.status, errorIn(answer)]).to.deep.equal([502, 'upstream_invalid_response']);
      expect(await stage.outcomes(1)).to.deep.equal(['new reset']);
      expect(stage.under.old.connections).to.equal(0);
    }),
}));

export const attempts: Theme = { name: 'attempts', cases: [...matrix, ...alone, ...resetAfterHead] };
