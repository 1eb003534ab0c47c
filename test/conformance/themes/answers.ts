/** Answers as a client gets them: heads whole, bodies in the framing that the client understands, and interim answers. */
import { expect } from 'chai';
import { field } from '../../support/http-message.ts';
import type { RawResponse } from '../../support/raw-client.ts';
import { HOST } from '../configuration.ts';
import { once, writing } from '../origin-scripts.ts';
import { type Given, head, onStage, request, sorted } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const QUIET = { expose_decision: false };
const OURS = ['X-Request-ID: *'];
const TWO_CHUNKS = '5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n';

interface Row {
  readonly name: string;
  /** Of the client; GET where it does not say. */
  readonly send?: string;
  /** Head lines and body of new's answer; it closes behind it where `ends`. */
  readonly from: readonly string[];
  readonly body?: string;
  readonly ends?: true;
  /** The status line and every line that the client gets, X-Request-ID aside. */
  readonly lines: readonly string[];
  readonly gets?: string;
  /** What becomes of the client's connection. */
  readonly connection?: 'closed';
}

const SERVED = 'HTTP/1.1 200 OK';
const LENGTH = 'Content-Length: 11';
const BODY = 'hello world';
const CHUNKED = 'Transfer-Encoding: chunked';
const CLOSED = 'Connection: close';
const old = (...lines: readonly string[]): string => head('GET / HTTP/1.0', `Host: ${HOST}`, ...lines);

/** Lines that pass as they are. */
const same = (name: string, ...lines: readonly string[]): Row => {
  return { name, from: [SERVED, ...lines, LENGTH], body: BODY, lines: [SERVED, ...lines, LENGTH], gets: BODY };
};
/** Lines that end here. */
const gone = (name: string, ...lines: readonly string[]): Row => {
  return {
    name,
    from: [SERVED, 'X-A: 1', ...lines, LENGTH],
    body: BODY,
    lines: [SERVED, 'X-A: 1', LENGTH],
    gets: BODY,
  };
};
/** A status line, and the one that arrives. */
const status = (sent: string, arrives = sent): Row => {
  return {
    name: `status line ${JSON.stringify(sent)}`,
    from: [sent, LENGTH],
    body: BODY,
    lines: [arrives, LENGTH],
    gets: BODY,
  };
};

const ROWS: readonly Row[] = [
  same(
    'ordinary lines',
    'Content-Type: text/html; charset=utf-8',
    'ETag: "a"',
    'Cache-Control: no-store',
    'Vary: Accept',
  ),
  same('names keep their case and order', 'x-lower: 1', 'X-A: 2', 'X-A: 1', 'x-a: 0'),
  same('Date and Server are the origin’s', 'Date: Sun, 06 Nov 1994 08:49:37 GMT', 'Server: toy/1'),
  same('an empty value', 'X-Empty:'),
  same('bytes beyond ASCII', 'X-Name: zo\xc3\xab \xff'),
  same('several Set-Cookie', 'Set-Cookie: a=1; Path=/', 'Set-Cookie: b=2; Expires=Wed, 21 Oct 2015 07:28:00 GMT'),
  same('a value of 16 KiB', `X-Long: ${'v'.repeat(16_384)}`),
  same('a name with an underscore', 'X_A: 1'),
  same(
    'lines for nginx are lines like others',
    'X-Accel-Redirect: /internal',
    'X-Accel-Expires: 5',
    'X-Accel-Buffering: yes',
    'X-Accel-Limit-Rate: 1',
    'X-Accel-Charset: koi8-r',
  ),
  same('a redirect for nginx to a location by name', 'X-Accel-Redirect: @old'),
  same('a redirect for other servers', 'X-Sendfile: /etc/passwd', 'X-Reproxy-URL: http://169.254.169.254/'),
  same('X-Pad', 'X-Pad: avoid browser bug'),
  same('WWW-Authenticate', 'WWW-Authenticate: Basic realm="a"'),
  gone(
    'hop-by-hop lines',
    'Connection: keep-alive',
    'Keep-Alive: timeout=5, max=10',
    'Proxy-Connection: keep-alive',
    'Trailer: X-T',
    'Proxy-Authenticate: Basic',
    'TE: x',
  ),
  gone('what Connection names', 'Connection: X-Secret', 'x-secret: 1'),
  gone('Upgrade that nobody asked for', 'Upgrade: h2c', 'Connection: Upgrade'),
  gone('the origin’s own request id', 'X-Request-ID: origin'),
  status('HTTP/1.1 200 Fine by me'),
  status('HTTP/1.1 404 Not Found'),
  status('HTTP/1.1 500 Oops'),
  status('HTTP/1.1 299 Odd'),
  status('HTTP/1.1 418 '),
  status('HTTP/1.1 200', 'HTTP/1.1 200 '),
  status('HTTP/1.1 999 Own'),
  status('HTTP/1.1 200 zo\xc3\xab'),
  status('HTTP/1.0 200 Old', 'HTTP/1.1 200 Old'),
  { name: 'chunked', from: [SERVED, CHUNKED], body: TWO_CHUNKS, lines: [SERVED, CHUNKED], gets: BODY },
  { name: 'chunked, empty', from: [SERVED, CHUNKED], body: '0\r\n\r\n', lines: [SERVED, CHUNKED], gets: '' },
  { name: 'Content-Length 0', from: [SERVED, 'Content-Length: 0'], lines: [SERVED, 'Content-Length: 0'], gets: '' },
  {
    name: 'until the end of the connection',
    from: [SERVED, 'Connection: close'],
    body: BODY,
    ends: true,
    lines: [SERVED, CHUNKED],
    gets: BODY,
  },
  { name: 'until the end, empty', from: [SERVED], ends: true, lines: [SERVED, CHUNKED], gets: '' },
  {
    name: 'HTTP/1.0 origin, until the end',
    from: ['HTTP/1.0 200 OK'],
    body: BODY,
    ends: true,
    lines: [SERVED, CHUNKED],
    gets: BODY,
  },
  {
    name: 'the origin closes, the client goes on',
    from: [SERVED, 'Connection: close', LENGTH],
    body: BODY,
    ends: true,
    lines: [SERVED, LENGTH],
    gets: BODY,
  },
  {
    name: 'the client closes',
    send: request('GET', '/', [CLOSED]),
    from: [SERVED, LENGTH],
    body: BODY,
    lines: [SERVED, LENGTH, CLOSED],
    gets: BODY,
    connection: 'closed',
  },
  {
    name: 'HTTP/1.0 client',
    send: old(),
    from: [SERVED, LENGTH],
    body: BODY,
    lines: [SERVED, LENGTH, CLOSED],
    gets: BODY,
    connection: 'closed',
  },
  {
    name: 'HTTP/1.0 client that keeps its connection',
    send: old('Connection: keep-alive'),
    from: [SERVED, LENGTH],
    body: BODY,
    lines: [SERVED, LENGTH, 'Connection: keep-alive'],
    gets: BODY,
  },
  {
    name: 'HTTP/1.0 client, chunked origin',
    send: old('Connection: keep-alive'),
    from: [SERVED, CHUNKED],
    body: TWO_CHUNKS,
    lines: [SERVED, CLOSED],
    gets: BODY,
    connection: 'closed',
  },
  {
    name: 'HTTP/1.0 client, until the end',
    send: old(),
    from: [SERVED],
    body: BODY,
    ends: true,
    lines: [SERVED, CLOSED],
    gets: BODY,
    connection: 'closed',
  },
  {
    name: 'HEAD tells the length of another answer',
    send: request('HEAD', '/'),
    from: [SERVED, LENGTH],
    lines: [SERVED, LENGTH],
    gets: '',
  },
  {
    name: '304 tells the length of another answer',
    from: ['HTTP/1.1 304 Not Modified', 'ETag: "a"', LENGTH],
    lines: ['HTTP/1.1 304 Not Modified', 'ETag: "a"', LENGTH],
    gets: '',
  },
  { name: '304 without framing', from: ['HTTP/1.1 304 Not Modified'], lines: ['HTTP/1.1 304 Not Modified'], gets: '' },
  { name: '204', from: ['HTTP/1.1 204 No Content'], lines: ['HTTP/1.1 204 No Content'], gets: '' },
  {
    name: '204 with Content-Length 0',
    from: ['HTTP/1.1 204 No Content', 'Content-Length: 0'],
    lines: ['HTTP/1.1 204 No Content'],
    gets: '',
  },
];

const whole: readonly Case[] = ROWS.map((row) => ({
  name: row.name,
  run: (plane) => {
    const bytes = head(...row.from) + (row.body ?? '');
    const given: Given = { global: QUIET, new: once(writing(bytes, row.ends ? 'closes' : 'stays')) };
    return onStage(plane, given, async (stage) => {
      const client = await stage.client();
      const send = row.send ?? request('GET', '/');
      const forMethod = send.slice(0, send.indexOf(' '));
      const answer = await client.send(send).response({ forMethod, withinMs: stage.patienceMs });
      const [startLine, ...lines] = row.lines;
      // The space before a reason phrase that is empty says nothing.
      expect(answer.startLine.trimEnd()).to.equal(startLine.trimEnd());
      const expected = sorted([...lines, ...OURS]);
      expect(stage.answerLines(answer, expected).map(withoutId)).to.deep.equal(expected);
      if (row.gets !== undefined) expect(answer.body.toString('latin1')).to.equal(row.gets);
      if (row.connection === 'closed') expect((await client.closed(stage.patienceMs)).length).to.equal(0);
      else
        expect((await client.send(request('GET', '/next')).response({ withinMs: stage.patienceMs })).status).to.equal(
          200,
        );
    });
  },
}));

function withoutId(line: string): string {
  return /^x-request-id: /i.test(line) ? 'X-Request-ID: *' : line;
}

/** Interim answers of new to a request, and those that its client gets. */
const INTERIM: readonly (readonly [name: string, send: string, sent: readonly string[], gets: readonly number[]])[] = [
  ['103 passes', request('GET', '/'), ['HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'], [103]],
  [
    'several pass in order',
    request('GET', '/'),
    [102, 103, 199].map((code) => `HTTP/1.1 ${code} X\r\n\r\n`),
    [102, 103, 199],
  ],
  ['Content-Length in one means nothing', request('GET', '/'), ['HTTP/1.1 103 X\r\nContent-Length: 5\r\n\r\n'], [103]],
  ['none for HTTP/1.0', old(), ['HTTP/1.1 103 X\r\n\r\n'], []],
  ['100 that nobody asked for ends here', request('GET', '/'), ['HTTP/1.1 100 Continue\r\n\r\n'], []],
  [
    '100 for a body that is here already ends here',
    request('POST', '/', [], 'hello'),
    ['HTTP/1.1 100 Continue\r\n\r\n'],
    [],
  ],
  ['100 behind HEAD', request('HEAD', '/'), ['HTTP/1.1 100 Continue\r\n\r\n'], []],
];

const interim: readonly Case[] = INTERIM.map(([name, send, sent, gets]) => ({
  name: `interim: ${name}`,
  run: (plane) =>
    onStage(plane, { new: `${sent.join('')}${head(SERVED, 'Content-Length: 0')}` }, async (stage) => {
      const client = await stage.client();
      const passed: RawResponse[] = [];
      const forMethod = send.slice(0, send.indexOf(' '));
      const answer = await client.send(send).response({ forMethod, interim: passed, withinMs: stage.patienceMs });
      expect(answer.status).to.equal(200);
      expect(passed.map((one) => one.status)).to.deep.equal(gets);
      for (const one of passed) expect(field(one, 'content-length')).to.equal(null);
      if (sent[0].includes('Link')) expect(field(passed[0], 'link')).to.equal('</a.css>');
    }),
}));

export const answers: Theme = { name: 'answers', cases: [...whole, ...interim] };
