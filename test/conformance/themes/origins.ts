/**
 * Origins that break the rules. What cannot be trusted before a byte of it went out is 502; an answer that breaks off later cuts
 * the client's connection, so that half is never taken for whole; and whatever happens, the next request is served.
 */
import { expect } from 'chai';
import { field } from '../../support/http-message.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { OK } from '../../support/recorder.ts';
import { HOST } from '../configuration.ts';
import { type Ending, once, writing } from '../origin-scripts.ts';
import { errorIn, type Given, head, onStage, request, type Stage } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

/**
 * `invalid`: 502 upstream_invalid_response. `cut`: the answer begins and its connection ends within it. Else the status, and
 * `kept` or `dropped`: whether the connection to the origin may serve the next request.
 */
type Expected = 'invalid' | 'cut' | readonly [status: number, body: string, origin: 'kept' | 'dropped'];

interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly ending?: Ending;
  readonly send?: string;
  readonly expected: Expected;
}

const SERVED = 'HTTP/1.1 200 OK';
const CHUNKED = 'Transfer-Encoding: chunked';
const of =
  (expected: Expected) =>
  (name: string, bytes: string, more: Partial<Row> = {}): Row => {
    return { name, bytes, expected, ...more };
  };
const invalid = of('invalid');
const cut = of('cut');
const fine = (body: string, origin: 'kept' | 'dropped', status = 200) => of([status, body, origin]);
const closes: Partial<Row> = { ending: 'closes' };

const chunks = (body: string): string => head(SERVED, CHUNKED) + body;
const OLD_CLIENT = head('GET / HTTP/1.0', `Host: ${HOST}`);
const POST = request('POST', '/', [], 'hello');

const ROWS: readonly Row[] = [
  invalid('status 099', head('HTTP/1.1 099 X', 'Content-Length: 0')),
  invalid('status 000', head('HTTP/1.1 000 X', 'Content-Length: 0')),
  invalid('a status of two digits', head('HTTP/1.1 20 OK', 'Content-Length: 0')),
  invalid('a status of four digits', head('HTTP/1.1 2000 OK', 'Content-Length: 0')),
  invalid('a status that is none', head('HTTP/1.1 abc OK', 'Content-Length: 0')),
  invalid('a negative status', head('HTTP/1.1 -20 OK', 'Content-Length: 0')),
  invalid('a NUL in the reason', head('HTTP/1.1 200 O\x00K', 'Content-Length: 0')),
  invalid('an escape in the reason', head('HTTP/1.1 200 \x1b[31m', 'Content-Length: 0')),
  invalid('a bare CR in the reason', head('HTTP/1.1 200 O\rK', 'Content-Length: 0')),
  invalid('HTTP/2', head('HTTP/2 200', 'Content-Length: 0')),
  invalid('HTTP/1.2', head('HTTP/1.2 200 OK', 'Content-Length: 0')),
  invalid('HTTP/0.9', '<html>hello</html>\r\n', closes),
  invalid('another protocol', 'ICY 200 OK\r\n\r\n'),
  invalid('a TLS alert', '\x15\x03\x01\x00\x02\x02\x28'),
  invalid('an empty line first', `\r\n${OK}`),
  invalid('bare LFs', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'),
  invalid('line folding', head(SERVED, 'X-A: 1', ' folded', 'Content-Length: 0')),
  invalid('a space before the colon', head(SERVED, 'Content-Length : 0')),
  invalid('an empty name', head(SERVED, ': x', 'Content-Length: 0')),
  invalid('a line without a colon', head(SERVED, 'X-A', 'Content-Length: 0')),
  invalid('a NUL in a value', head(SERVED, 'X-A: \x00', 'Content-Length: 0')),
  invalid('a bare CR in a value', head(SERVED, 'X-A: 1\rSet-Cookie: a=b', 'Content-Length: 0')),
  invalid('101 lines', head(SERVED, ...Array.from({ length: 101 }, () => 'X: 1'))),
  invalid('a head of 64 KiB', head(SERVED, `X-A: ${'v'.repeat(65_536)}`)),
  invalid('both framings', `${head(SERVED, 'Content-Length: 5', CHUNKED)}0\r\n\r\n`),
  invalid('two Content-Lengths', head(SERVED, 'Content-Length: 2', 'Content-Length: 3')),
  invalid('two equal Content-Lengths', `${head(SERVED, 'Content-Length: 2', 'Content-Length: 2')}ok`),
  ...['-1', '+2', '0x2', '2, 2', '', '1e1', '9007199254740992'].map((length) =>
    invalid(`Content-Length ${JSON.stringify(length)}`, `${head(SERVED, `Content-Length: ${length}`)}ok`),
  ),
  ...['gzip', 'gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', ''].map((coding) =>
    invalid(`Transfer-Encoding ${JSON.stringify(coding)}`, `${head(SERVED, `Transfer-Encoding: ${coding}`)}0\r\n\r\n`),
  ),
  invalid('chunked in HTTP/1.0', `${head('HTTP/1.0 200 OK', CHUNKED)}0\r\n\r\n`),
  invalid(
    '101 that nobody asked for',
    head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'),
  ),
  invalid(
    '101 to a request that asked for h2c',
    head('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: h2c'),
    {
      send: request('GET', '/', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']),
    },
  ),
  invalid('a broken answer behind an interim one', `${head('HTTP/1.1 100 Continue')}HTTP/1.1 099 X\r\n\r\n`),
  invalid('nothing', '', closes),
  invalid('nothing, and a reset', '', { ending: 'resets', send: POST }),
  invalid('half a head', 'HTTP/1.1 200 OK\r\nContent-Le', closes),
  invalid('only an interim answer', head('HTTP/1.1 100 Continue'), closes),
  fine('', 'kept')('Trailer without chunked', head(SERVED, 'Trailer: X-T', 'Content-Length: 0')),
  fine('', 'dropped', 204)('204 with a body', `${head('HTTP/1.1 204 No Content', 'Content-Length: 5')}hello`),
  fine('', 'dropped', 204)('204 that announces a body', head('HTTP/1.1 204 No Content', 'Content-Length: 5')),
  fine('', 'dropped', 204)('204 in chunks', `${head('HTTP/1.1 204 No Content', CHUNKED)}5\r\nhello\r\n0\r\n\r\n`),
  fine('', 'dropped', 304)('304 with a body', `${head('HTTP/1.1 304 Not Modified', 'Content-Length: 5')}hello`),
  fine('', 'dropped')('HEAD with a body', `${head(SERVED, 'Content-Length: 5')}hello`, { send: request('HEAD', '/') }),
  fine('', 'dropped')('HEAD with chunks', `${head(SERVED, CHUNKED)}5\r\nhello\r\n0\r\n\r\n`, {
    send: request('HEAD', '/'),
  }),
  fine('ok', 'dropped')('more than Content-Length says', `${OK}extra`),
  fine('ok', 'dropped')(
    'a second answer that nobody asked for',
    `${OK}${head('HTTP/1.1 200 Poisoned', 'Content-Length: 4')}evil`,
  ),
  fine('ok', 'dropped')('something behind the last chunk', chunks('2\r\nok\r\n0\r\n\r\nextra')),
  fine('ok', 'kept')('chunk extensions and trailers', chunks('2;a="b;c"\r\nok\r\n0;x\r\nX-T: 1\r\n\r\n')),
  cut('short of Content-Length', `${head(SERVED, 'Content-Length: 10')}short`, closes),
  cut('short of Content-Length, and a reset', `${head(SERVED, 'Content-Length: 10')}short`, { ending: 'resets' }),
  cut('no body at all', head(SERVED, 'Content-Length: 10'), closes),
  cut('no last chunk', chunks('5\r\nhello\r\n'), closes),
  cut('no last chunk, and a reset', chunks('5\r\nhello\r\n'), { ending: 'resets' }),
  cut('the middle of a chunk', chunks('5\r\nhel'), closes),
  cut('the middle of the last lines', chunks('5\r\nhello\r\n0\r\n'), closes),
  cut('a stalled body', `${head(SERVED, 'Content-Length: 10')}short`),
  cut('a stalled chunk', chunks('5\r\nhel')),
  ...['0x5', '-5', '5 ', '+5', 'g', '20000000000000'].map((size) =>
    cut(`a chunk size ${JSON.stringify(size)}`, chunks(`2\r\nok\r\n${size}\r\nhello\r\n0\r\n\r\n`)),
  ),
  cut('a chunk longer than its size', chunks('2\r\nok\r\n2\r\noops\r\n0\r\n\r\n')),
  cut('a bare LF behind a chunk size', chunks('2\r\nok\r\n2\nok\r\n0\r\n\r\n')),
  cut('a chunk extension of 20 KiB', chunks(`2\r\nok\r\n2;${'x'.repeat(20_480)}\r\nok\r\n0\r\n\r\n`)),
  cut('until the end, and a reset', `${head(SERVED)}hello`, { ending: 'resets' }),
  // To a client of HTTP/1.0 the connection's end is the body's: only a reset can tell it that something is missing.
  cut('no last chunk, to HTTP/1.0', chunks('5\r\nhello\r\n'), { ending: 'closes', send: OLD_CLIENT }),
  cut('a broken chunk, to HTTP/1.0', chunks('5\r\nhello\r\n-1\r\n'), { send: OLD_CLIENT }),
  cut('a stalled chunk, to HTTP/1.0', chunks('5\r\nhel'), { send: OLD_CLIENT }),
  cut('until the end, and a reset, to HTTP/1.0', `${head(SERVED)}hello`, { ending: 'resets', send: OLD_CLIENT }),
  cut('a malformed trailer', chunks('2\r\nok\r\n0\r\nbad trailer\r\n\r\n')),
];

/** On old, where no second attempt hides what happened. */
function givenFor({ bytes, ending = 'stays' }: Row): Given {
  return {
    service: { migration: { percentage: 0 } },
    global: { default_timeout: '400ms' },
    old: once(writing(bytes, ending)),
  };
}

const cases: readonly Case[] = ROWS.map((row) => ({
  name: row.name,
  run: (plane) =>
    onStage(plane, givenFor(row), async (stage) => {
      const client = await stage.client();
      client.send(row.send ?? request('GET', '/'));
      const origin = row.expected === 'cut' ? await expectCut(stage, client) : await expectAnswer(stage, client, row);
      if (origin === 'kept') expect(stage.under.old.connections).to.equal(1);
      await expectNext(stage, row.expected === 'cut' ? await stage.client() : client, origin);
    }),
}));

async function expectCut(stage: Stage, client: RawClient): Promise<'dropped'> {
  const begun = await client.queue.peek(12, stage.patienceMs);
  expect(begun.toString()).to.equal('HTTP/1.1 200');
  const told = await client.response({ withinMs: stage.patienceMs }).then(
    () => client.queue.error?.message ?? 'a whole answer',
    (error: Error) => error.message,
  );
  expect(told).to.match(/^connection closed while waiting|ECONNRESET/);
  return 'dropped';
}

async function expectAnswer(
  stage: Stage,
  client: RawClient,
  { send = '', expected }: Row,
): Promise<'kept' | 'dropped'> {
  const forMethod = send.startsWith('HEAD') ? 'HEAD' : 'GET';
  const answer = await client.response({ forMethod, withinMs: stage.patienceMs });
  if (typeof expected === 'string') {
    expect([answer.status, errorIn(answer)]).to.deep.equal([502, 'upstream_invalid_response']);
    return 'dropped';
  }
  const [status, body, origin] = expected;
  expect([answer.status, answer.body.toString()]).to.deep.equal([status, body]);
  expect(field(answer, 'trailer')).to.equal(null);
  return origin;
}

/** The next request is answered with its own answer, over another connection to the origin where the first is spoilt. */
async function expectNext(stage: Stage, client: RawClient, origin: 'kept' | 'dropped'): Promise<void> {
  const next = await client.send(request('GET', '/next')).response({ withinMs: stage.patienceMs });
  expect([next.status, next.body.toString()]).to.deep.equal([200, 'ok']);
  const [, last] = stage.requestsAt('old');
  expect(last.connection).to.equal(origin === 'kept' ? 0 : 1);
}

/** Bytes of an origin between two requests spoil the connection that they came on. */
const between: Case = {
  name: 'an answer without a question is never given to the next request',
  run: async (plane) => {
    const given: Given = {
      service: { migration: { percentage: 0 } },
      old: ({ index, socket }) => {
        if (index > 0) return OK;
        socket.write(OK, () => setImmediate(() => socket.write(head('HTTP/1.1 200 Poisoned', 'Content-Length: 0'))));
        return null;
      },
    };
    await onStage(plane, given, async (stage) => {
      expect((await stage.ask(request('GET', '/'))).startLine).to.equal('HTTP/1.1 200 OK');
      const [socket] = stage.under.old.sockets;
      await new Promise((resolve) => (socket.destroyed ? resolve(null) : socket.once('close', resolve)));
      expect((await stage.ask(request('GET', '/'))).startLine).to.equal('HTTP/1.1 200 OK');
      expect(stage.requestsAt('old').map(({ connection }) => connection)).to.deep.equal([0, 1]);
    });
  },
};

/** What the fallback is told of an answer of new that breaks off; nobody else is asked any more. */
const truncated: readonly Case[] = (
  [
    ['short of Content-Length', `${head(SERVED, 'Content-Length: 300000')}short`, 'closes'],
    ['short of Content-Length, and a reset', `${head(SERVED, 'Content-Length: 300000')}short`, 'resets'],
    ['no last chunk', chunks('5\r\nhello\r\n'), 'closes'],
    ['no last chunk, and a reset', chunks('5\r\nhello\r\n'), 'resets'],
    ['the middle of a chunk', chunks('5\r\nhel'), 'closes'],
    ['a stalled body', `${head(SERVED, 'Content-Length: 300000')}short`, 'stays'],
    ['a stalled chunk', chunks('5\r\nhel'), 'stays'],
  ] as const
).map(([name, bytes, ending]) => ({
  name: `new breaks off: ${name}`,
  run: (plane) =>
    onStage(plane, { new: writing(bytes, ending), global: { default_timeout: '400ms' } }, async (stage) => {
      const client = await stage.client();
      client.send(request('GET', '/'));
      await expectCut(stage, client);
      expect(await stage.outcomes(1)).to.deep.equal([ending === 'stays' ? 'new timeout' : 'new truncated']);
      expect(stage.requestsAt('old')).to.deep.equal([]);
    }),
}));

export const origins: Theme = { name: 'origins', cases: [...cases, ...truncated, between] };
