/**
 * Requests whose framing is refused. What the head shows reaches no backend. What the body shows may find the request on its
 * way: then the backend never sees it completed, and the client is told and left.
 */
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { HOST } from '../configuration.ts';
import { expectRefusal, type Refused, refusalCases } from '../refusal-rows.ts';
import { head, onStage, request } from '../stage.ts';
import type { Case, Theme } from '../theme.ts';

const post = (...lines: readonly string[]): string => head('POST / HTTP/1.1', `Host: ${HOST}`, ...lines);
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n';

const row = (status: number, code: string, what: string, bytes: string): Refused => ({ what, status, code, bytes });
const bad = (what: string, ...lines: readonly string[]): Refused =>
  row(400, 'bad_request', what, post(...lines) + SMUGGLED);
const length = (value: string): Refused => bad(`Content-Length ${JSON.stringify(value)}`, `Content-Length: ${value}`);
const coding = (value: string): Refused =>
  bad(`Transfer-Encoding ${JSON.stringify(value)}`, `Transfer-Encoding: ${value}`);

const FRAMINGS: readonly Refused[] = [
  bad('Content-Length, then chunked', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
  bad('chunked, then Content-Length', 'Transfer-Encoding: chunked', 'Content-Length: 5'),
  bad('Content-Length 0 with chunked', 'Content-Length: 0', 'Transfer-Encoding: chunked'),
  bad('two Content-Lengths', 'Content-Length: 5', 'Content-Length: 6'),
  bad('two equal Content-Lengths', 'Content-Length: 5', 'content-length: 5'),
  ...['5, 6', '5, 5', '5,', ',5', '+5', '-5', '-0', '0x5', '5 5', '5e0', '5.0', '', '1_0', '5;a=b', '"5"', '\xb2'].map(
    length,
  ),
  row(413, 'content_too_large', 'Content-Length 2^53', post('Content-Length: 9007199254740992')),
  row(413, 'content_too_large', 'Content-Length 2^63', post('Content-Length: 9223372036854775808')),
  row(413, 'content_too_large', 'a Content-Length of 400 digits', post(`Content-Length: ${'9'.repeat(400)}`)),
  ...['chunked, chunked', 'chunked, identity', 'chunked, gzip', 'identity', 'gzip', 'xchunked', 'chunkedx'].map(coding),
  ...['"chunked"', 'chunked;q=1', '', ',chunked', 'chunked,', ';chunked', 'chunk', 'chunked chunked', 'ch\xfcnked'].map(
    coding,
  ),
  bad('two Transfer-Encodings', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  bad('identity and chunked on two lines', 'Transfer-Encoding: identity', 'Transfer-Encoding: chunked'),
  bad('a vertical tab before chunked', 'Transfer-Encoding: \x0bchunked'),
  bad('chunked on a folded line', 'Transfer-Encoding:', ' chunked'),
  row(501, 'not_implemented', 'gzip, chunked', post('Transfer-Encoding: gzip, chunked') + SMUGGLED),
  row(501, 'not_implemented', 'identity, chunked', post('Transfer-Encoding: identity, chunked') + SMUGGLED),
  row(
    400,
    'bad_request',
    'chunked in HTTP/1.0',
    head('POST / HTTP/1.0', `Host: ${HOST}`, 'Transfer-Encoding: chunked') + SMUGGLED,
  ),
];

/** What stands where a chunked body should, after a first good chunk. */
const CHUNKS: readonly (readonly [what: string, bytes: string])[] = [
  ...['0x1', '+1', '-1', '0_2e', ' 1', '1 ', '1\t', '', 'g', '1,', '1:', '1\x00', '\xb2'].map((size) => {
    return [`a chunk size ${JSON.stringify(size)}`, `${size}\r\na\r\n0\r\n\r\n`] as const;
  }),
  ['a chunk size of 17 digits', 'FFFFFFFFFFFFFFFF1\r\na\r\n'],
  ['a chunk size of 2^64', '10000000000000000\r\na\r\n'],
  ['a chunk size of 2^53', '20000000000000\r\na\r\n'],
  ['a bare LF behind a size', '1\na\r\n0\r\n\r\n'],
  ['a bare CR behind a size', '1\ra\r\n0\r\n\r\n'],
  ['a bare LF behind data', '1\r\na\n0\r\n\r\n'],
  ['a bare CR behind data', '1\r\na\rX0\r\n\r\n'],
  ['data longer than its size', '1\r\nab\r\n0\r\n\r\n'],
  ['two bytes for a line end', '1\r\naXX0\r\n\r\n'],
  ['a bare LF in an extension', '1;a\nb\r\na\r\n0\r\n\r\n'],
  ['a line end in a quoted extension', '1;a="\r\nX"\r\na\r\n0\r\n\r\n'],
  ['a NUL in an extension', '1;a=\x00\r\na\r\n0\r\n\r\n'],
  ['an extension of 20 KiB', `1;a=${'x'.repeat(20_480)}\r\na\r\n0\r\n\r\n`],
  ['many extensions without data', '1;a=xxxxxxxxxxxxxxxx\r\na\r\n'.repeat(2000)],
  ['a bare LF behind the last chunk', '0\n\r\n'],
  ['a bare LF for the last line', '0\r\n\n'],
  ['a trailer without a colon', '0\r\nX\r\n\r\n'],
  ['a space before the colon of a trailer', '0\r\nX : 1\r\n\r\n'],
  ['a folded trailer', '0\r\nX: 1\r\n folded\r\n\r\n'],
  ['a control character in a trailer', '0\r\nX: \x00\r\n\r\n'],
  ['trailers of 9 KiB', `0\r\n${`X: ${'v'.repeat(1020)}\r\n`.repeat(9)}\r\n`],
  ...[
    'Host: a',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'X-Forwarded-For: 6.6.6.6',
    'Authorization: Basic YQ==',
  ].map((trailer) => [`a trailer ${trailer}`, `0\r\n${trailer}\r\n\r\n`] as const),
  ...['Cookie: a=b', 'TE: trailers', 'Connection: close', 'X-Request-ID: 1', 'Via: 1.1 x', 'Expect: 100-continue'].map(
    (trailer) => [`a trailer ${trailer}`, `0\r\n${trailer}\r\n\r\n`] as const,
  ),
];

const GOOD_CHUNK = '4\r\ngood\r\n';

const inOneWrite: readonly Case[] = CHUNKS.map(([what, bytes]) => ({
  name: `${what}, with its head`,
  run: (plane) =>
    onStage(plane, {}, async (stage) => {
      const client = await stage.client();
      client.send(post('Transfer-Encoding: chunked') + GOOD_CHUNK + bytes + SMUGGLED);
      await expectRefusal(stage, client, { status: 400, code: 'bad_request' });
      expect(stage.received).to.not.include('smuggled');
      expect(stage.requestsAt('new')).to.deep.equal([]);
    }),
}));

const halfWay: readonly Case[] = CHUNKS.map(([what, bytes]) => ({
  name: `${what}, half way`,
  run: (plane) =>
    onStage(plane, {}, async (stage) => {
      const client = await stage.client();
      client.send(post('Transfer-Encoding: chunked') + GOOD_CHUNK);
      await eventually('the chunk is at the backend', () => stage.received.endsWith(GOOD_CHUNK), stage.patienceMs);
      client.send(bytes + SMUGGLED);
      await expectRefusal(stage, client, { status: 400, code: 'bad_request' });
      await expectAborted(stage);
    }),
}));

async function expectAborted(stage: Parameters<Parameters<typeof onStage>[2]>[0]): Promise<void> {
  await eventually('the backend is left', () => stage.under.new.sockets[0].destroyed, stage.patienceMs);
  expect(stage.received).to.not.include('smuggled');
  expect(stage.requestsAt('new')).to.deep.equal([]);
  await stage.under.reported();
  expect(stage.under.outcomes).to.deep.equal([]);
}

const TIMEOUT = { status: 408, code: 'request_timeout' };
const LIMITS = { headTimeoutMs: 200, bodyTimeoutMs: 200, keepAliveMs: 200 };

const late = (name: string, bytes: string, aborts: 'aborts' | 'never begins'): Case => ({
  name,
  run: (plane) =>
    onStage(plane, { limits: LIMITS }, async (stage) => {
      const client = await stage.client();
      client.send(bytes);
      await expectRefusal(stage, client, TIMEOUT);
      if (aborts === 'aborts') await expectAborted(stage);
      else expect(stage.received).to.equal('');
    }),
});

const idle = (name: string, bytes: string, answers: number): Case => ({
  name,
  run: (plane) =>
    onStage(plane, { limits: LIMITS }, async (stage) => {
      const client = await stage.client();
      if (bytes !== '') client.send(bytes);
      for (let i = 0; i < answers; i++) expect((await client.response()).status).to.equal(200);
      expect((await client.closed(stage.patienceMs)).toString()).to.equal('');
      expect(await stage.refused()).to.deep.equal([]);
    }),
});

export const refusedBodies: Theme = {
  name: 'refused bodies',
  cases: [
    ...refusalCases(FRAMINGS),
    ...inOneWrite,
    ...halfWay,
    late('half a head, then silence', 'GET / HTTP/1.1\r\nHost: sh', 'never begins'),
    late('a short body, then silence', `${post('Content-Length: 10')}short`, 'aborts'),
    late('a chunk without its end, then silence', `${post('Transfer-Encoding: chunked')}5\r\nsho`, 'aborts'),
    late('no last chunk, then silence', `${post('Transfer-Encoding: chunked')}${GOOD_CHUNK}`, 'aborts'),
    idle('a connection without a byte is closed without a word', '', 0),
    idle('an idle connection is closed without a word', request('GET', '/'), 1),
  ],
};
