/** Every kind of request that is refused, by table: at once, and cut behind every byte. */
import { expect } from 'chai';
import { RequestHead } from './request-head.ts';

const HOST = 'Host: a.example\r\n';
const bytes = (text: string) => Buffer.from(text, 'latin1');
const get = (lines: string) => `GET / HTTP/1.1\r\n${HOST}${lines}\r\n`;
const post = (lines: string) => `POST / HTTP/1.1\r\n${HOST}${lines}\r\n`;
const target = (text: string) => `GET ${text} HTTP/1.1\r\n${HOST}\r\n`;
const host = (text: string) => `GET / HTTP/1.1\r\nHost: ${text}\r\n\r\n`;

const REFUSED: readonly (readonly [what: string, status: number, head: string])[] = [
  ['an unfinished TLS hello', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['HTTP/0.9', 400, 'GET /\r\n'],
  ['HTTP/0.9 with a bare LF', 400, 'GET /\n'],
  ['HTTP/0.9 by name', 505, `GET / HTTP/0.9\r\n${HOST}\r\n`],
  ['HTTP/2.0', 505, `GET / HTTP/2.0\r\n${HOST}\r\n`],
  ['HTTP/1.2', 505, `GET / HTTP/1.2\r\n${HOST}\r\n`],
  ['http/1.1', 400, `GET / http/1.1\r\n${HOST}\r\n`],
  ['HTTP/1.10', 400, `GET / HTTP/1.10\r\n${HOST}\r\n`],
  ['HTTP/1', 400, `GET / HTTP/1\r\n${HOST}\r\n`],
  ['HTTP/a.1', 400, `GET / HTTP/a.1\r\n${HOST}\r\n`],
  ['HTTP/1./', 400, `GET / HTTP/1./\r\n${HOST}\r\n`],
  ['HTTP/+1.1', 400, `GET / HTTP/+1.1\r\n${HOST}\r\n`],
  ['a space behind the version', 400, `GET / HTTP/1.1 \r\n${HOST}\r\n`],
  ['the preface of HTTP/2', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['three empty lines first', 400, `\r\n\r\n\r\n${get('')}`],
  ['a LF first', 400, `\n${get('')}`],
  ['a CR first', 400, `\r${get('')}`],
  ['a space first', 400, ` ${get('')}`],
  ['two spaces behind the method', 400, `GET  / HTTP/1.1\r\n${HOST}\r\n`],
  ['two spaces behind the target', 400, `GET /  HTTP/1.1\r\n${HOST}\r\n`],
  ['a tab behind the method', 400, `GET\t/ HTTP/1.1\r\n${HOST}\r\n`],
  ['a control character in the method', 400, `G\x00T / HTTP/1.1\r\n${HOST}\r\n`],
  ['a method beyond ASCII', 400, `G\xc9T / HTTP/1.1\r\n${HOST}\r\n`],
  ['a method of 33 bytes', 501, `${'A'.repeat(33)} / HTTP/1.1\r\n${HOST}\r\n`],
  ['CONNECT', 405, 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'],
  ['TRACE', 405, `TRACE / HTTP/1.1\r\n${HOST}\r\n`],
  ['GET *', 400, target('*')],
  ['OPTIONS *x', 400, `OPTIONS *x HTTP/1.1\r\n${HOST}\r\n`],
  ['a fragment', 400, target('/a#frag')],
  ['a fragment in the query', 400, target('/a?b#frag')],
  ['authority form', 400, target('a:80')],
  ['a word as target', 400, target('admin')],
  ['@evil', 400, target('@evil/')],
  ['a query without a path', 400, target('?x')],
  ['no target', 400, 'GET HTTP/1.1\r\n\r\n'],
  ['a NUL in the target', 400, target('/\x00')],
  ['a DEL in the target', 400, target('/\x7f')],
  ['a tab in the target', 400, target('/a\tb')],
  ['a space in the target', 400, target('/a b')],
  ['another scheme', 400, target('ftp://a/')],
  ['a broken scheme', 400, target('http:/a/')],
  ['absolute form without authority', 400, target('http:///x')],
  ['absolute form with user information', 400, target('http://u@a/x')],
  ['absolute form with a password', 400, target('http://u:p@a/x')],
  ['absolute form with a bad port', 400, target('http://a:99999/')],
  ['absolute form with a query and no path', 400, target('http://a?x')],
  ['absolute form with a backslash', 400, target('http://a\\@b/')],
  ['absolute form without Host', 400, 'GET http://a/ HTTP/1.1\r\n\r\n'],
  ['absolute form with a bad Host', 400, 'GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['absolute form with two Hosts', 400, `GET http://a/ HTTP/1.1\r\n${HOST}${HOST}\r\n`],
  ['no Host', 400, 'GET / HTTP/1.1\r\n\r\n'],
  ['no Host in HTTP/1.0', 400, 'GET / HTTP/1.0\r\n\r\n'],
  ['two equal Hosts', 400, get(HOST)],
  ['two Hosts, other case', 400, get('hOST: b\r\n')],
  ...[
    ['', 'an empty Host'],
    ['.', 'Host is a dot'],
    ['a..b', 'Host with two dots'],
    ['a b', 'Host with a space'],
    ['a/b', 'Host with a slash'],
    ['a\\b', 'Host with a backslash'],
    ['u@a', 'Host with a user'],
    ['a\x00', 'Host with a NUL'],
    ['a:99999', 'Host with a port too large'],
    ['a:65536', 'Host with a port one too large'],
    ['a:000080', 'Host with a port of six digits'],
    ['a:-1', 'Host with a sign in its port'],
    ['a:8a', 'Host with a letter in its port'],
    ['a:1:2', 'Host with two ports'],
    [':80', 'Host is a port'],
    ['a%2', 'Host with a broken percent'],
    ['a%zz', 'Host with a percent that is none'],
    ['a%2z', 'Host with half a percent'],
    ['a%z2', 'Host with the other half'],
    ['h\xe9', 'Host beyond ASCII'],
    ['a?b', 'Host with a query'],
    ['a"b', 'Host with a quote'],
    ['[::1', 'Host with an open bracket'],
    ['[]', 'Host with nothing in brackets'],
    ['[::1]x', 'Host with something behind the bracket'],
    ['[1.2.3.4]', 'Host with IPv4 in brackets'],
    ['[fe80::1%eth0]', 'Host with a zone'],
    ['[v1.a]', 'Host of a future IP version'],
    ['::1', 'Host is IPv6 without brackets'],
  ].map(([value, what]) => [what, 400, host(value)] as const),
  ['line folding', 400, get('X: a\r\n b\r\n')],
  ['line folding with a tab', 400, get('X: a\r\n\tb\r\n')],
  ['a space before the first name', 400, `GET / HTTP/1.1\r\n Host: a\r\n\r\n`],
  ['a space before the colon', 400, get('X : a\r\n')],
  ['a space before the colon of Host', 400, 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
  ['a space before the colon of Content-Length', 400, post('Content-Length : 5\r\n')],
  ['a tab before the colon', 400, post('Transfer-Encoding\t: chunked\r\n')],
  ['a space in a name', 400, get('X Y: a\r\n')],
  ['an empty name', 400, get(': a\r\n')],
  ['a line without colon', 400, get('abc\r\n')],
  ['a name beyond ASCII', 400, get('X\xa0: a\r\n')],
  ['a quote in a name', 400, get('X": a\r\n')],
  ['a NUL in a name', 400, get('X\x00: a\r\n')],
  ['a vertical tab before a name', 400, get('\x0bX: a\r\n')],
  ['a LF in a name', 400, get('X\nY: a\r\n')],
  ['a bare LF behind a line', 400, get('X: a\nY: b\r\n')],
  ['a bare LF as the last line', 400, `GET / HTTP/1.1\r\n${HOST}\n`],
  ['a bare LF behind the request line', 400, `GET / HTTP/1.1\n${HOST}\r\n`],
  ['a bare CR behind the request line', 400, `GET / HTTP/1.1\r${HOST}\r\n`],
  ['a bare CR in a value', 400, get('X: a\rb\r\n')],
  ['two CRs at a line end', 400, get('X: a\r\r\n')],
  ['a bare CR that hides a coding', 400, post('X: a\rTransfer-Encoding: chunked\r\n')],
  ['a bare LF that hides a coding', 400, post('X: a\nTransfer-Encoding: chunked\r\n')],
  ['a CR as the last line', 400, `GET / HTTP/1.1\r\n${HOST}\rX`],
  ['a NUL in a value', 400, get('X: a\x00b\r\n')],
  ['a DEL in a value', 400, get('X: \x7f\r\n')],
  ['an escape in a value', 400, get('X: \x1b[31m\r\n')],
  ['a vertical tab in a value', 400, post('Transfer-Encoding: \x0bchunked\r\n')],
  ['101 lines', 431, get('X: a\r\n'.repeat(100))],
  ['a header of 64 KB', 431, get(`X: ${'a'.repeat(65_536)}\r\n`)],
  ['a URI of 64 KB', 414, target(`/${'a'.repeat(65_536)}`)],
  ['3000 headers', 431, get('X: a\r\n'.repeat(3000))],
  ['Connection that names 101 fields', 400, get(`Connection: ${'a,'.repeat(101)}\r\n`)],
  ['Content-Length and chunked', 400, post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')],
  ['chunked and Content-Length', 400, post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n')],
  ['two Content-Lengths', 400, post('Content-Length: 5\r\nContent-Length: 6\r\n')],
  ['two equal Content-Lengths', 400, post('Content-Length: 5\r\ncontent-length: 5\r\n')],
  ...[
    '5, 6',
    '5, 5',
    '5,',
    '+5',
    '-5',
    '-0',
    '0x5',
    '5 5',
    '5e0',
    '5.0',
    '',
    '1_0',
    "'0",
    '\xd9\xa5',
    '5;',
    '5\x0b',
  ].map((value) => [`Content-Length ${JSON.stringify(value)}`, 400, post(`Content-Length: ${value}\r\n`)] as const),
  ['Content-Length 2^53', 413, post('Content-Length: 9007199254740992\r\n')],
  ['Content-Length 2^63', 413, post('Content-Length: 9223372036854775808\r\n')],
  ['Content-Length 2^64 + 5', 413, post('Content-Length: 18446744073709551621\r\n')],
  ['Content-Length with 400 digits', 413, post(`Content-Length: ${'9'.repeat(400)}\r\n`)],
  ['Content-Length with 400 digits and a letter', 400, post(`Content-Length: ${'9'.repeat(400)}a\r\n`)],
  ['gzip, chunked', 501, post('Transfer-Encoding: gzip, chunked\r\n')],
  ['gzip,chunked', 501, post('Transfer-Encoding: gzip,chunked\r\n')],
  ['identity, chunked', 501, post('Transfer-Encoding: identity, chunked\r\n')],
  ...[
    'chunked, chunked',
    'chunked, identity',
    'chunked, gzip',
    'chunked,',
    ',chunked',
    'xchunked',
    'chunkedx',
    'chunk',
    '"chunked"',
    'chunked;q=1',
    'chunked foo',
    'x chunked',
    '"gzip", chunked',
    'gzip',
    'identity',
    '',
    ',',
    '\xffchunked',
    '%63hunked',
    'chunked\xa0',
  ].map(
    (value) => [`Transfer-Encoding ${JSON.stringify(value)}`, 400, post(`Transfer-Encoding: ${value}\r\n`)] as const,
  ),
  ['two Transfer-Encodings', 400, post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
  ['identity and chunked', 400, post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n')],
  ['chunked in HTTP/1.0', 400, `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`],
  ...['foo', 'x 100-continue', '100-continue, foo', '100-continue;a', '', '100'].map(
    (value) => [`Expect ${JSON.stringify(value)}`, 417, post(`Content-Length: 1\r\nExpect: ${value}\r\n`)] as const,
  ),
  ['two Expects', 417, post('Expect: 100-continue\r\nExpect: 100-continue\r\n')],
];

describe('request head, refusals', () => {
  for (const [what, status, whole] of REFUSED) {
    it(`refuses ${what} with ${status}, however it arrives`, () => {
      const head = new RequestHead();
      const buf = bytes(`junk${whole}`);
      expect(head.parse(buf, 4, buf.length)).to.equal(-1);
      const { refusal } = head;
      expect(refusal.status, refusal.detail).to.equal(status);
      expect(Object.isFrozen(refusal)).to.equal(true);
      let refusedAt = 0;
      // every cut for what is short; what is long by repetition, at a few
      const step = whole.length > 2000 ? 97 : 1;
      for (let cut = 0; cut <= whole.length; cut += step) {
        const result = head.parse(buf, 4, 4 + cut);
        if (result === 0) expect(refusedAt, `a longer prefix is acceptable again at ${cut}`).to.equal(0);
        else {
          expect(result).to.equal(-1);
          expect(head.refusal).to.equal(refusal);
          refusedAt ||= cut;
        }
      }
    });
  }

  for (const [what, whole, detail] of [
    ['HTTP/0.9', 'GET /\r\n', 'does not end in'],
    ['a fragment', target('/#a'), 'fragment'],
    ['a control in the target', target('/\x01'), 'control character'],
    ['folding', get(' a\r\n'), 'folding'],
    ['no name', get(': a\r\n'), 'no name'],
    ['a bad name', get('(: a\r\n'), 'header name'],
    ['a bare LF', get('X\n'), 'LF stands without'],
    ['a bare LF at a line end', `GET / HTTP/1.1\n${HOST}\r\n`, 'LF stands without'],
    ['a bare CR', get('X: a\rb\r\n'), 'CR stands without'],
  ]) {
    it(`says what is wrong with ${what}`, () => {
      const head = new RequestHead();
      expect(head.parse(bytes(whole), 0, whole.length)).to.equal(-1);
      expect(head.refusal.detail).to.include(detail);
    });
  }

  it('refuses as soon as the bytes show it', () => {
    const head = new RequestHead();
    const refusedBy = (prefix: string) => head.parse(bytes(prefix), 0, prefix.length) === -1;
    for (const prefix of [
      '\x16',
      'GET  ',
      'GET a',
      'TRACE ',
      'GET /#',
      'GET / HTTP/2.0',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 5\r\n`,
      `POST / HTTP/1.1\r\n${HOST}X `,
    ]) {
      expect(refusedBy(prefix.slice(0, -1)), prefix.slice(0, -1)).to.equal(false);
      expect(refusedBy(prefix), prefix).to.equal(true);
    }
  });
});
