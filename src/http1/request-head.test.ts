/** Every kind of request that is accepted, by table: whole, at an offset, and cut behind every byte. */
import { expect } from 'chai';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, RequestHead } from './request-head.ts';

const HOST = 'Host: a.example\r\n';
const bytes = (text: string) => Buffer.from(text, 'latin1');
const get = (lines: string) => `GET / HTTP/1.1\r\n${HOST}${lines}\r\n`;
const post = (lines: string) => `POST / HTTP/1.1\r\n${HOST}${lines}\r\n`;
const target = (text: string) => `GET ${text} HTTP/1.1\r\n${HOST}\r\n`;
const host = (text: string) => `GET / HTTP/1.1\r\nHost: ${text}\r\n\r\n`;

function accept(text: string, head = new RequestHead()): RequestHead {
  const length = head.parse(bytes(text), 0, text.length);
  expect(length, length < 0 ? head.refusal.detail : 'more bytes wanted').to.equal(text.length);
  return head;
}

const text = (head: RequestHead, start: number, end: number) => head.buf.toString('latin1', start, end);
const targetOf = (head: RequestHead) => text(head, head.targetStart, head.targetEnd);
const authorityOf = (head: RequestHead) => text(head, head.authorityStart, head.authorityEnd);
const hopOf = (head: RequestHead) =>
  Array.from({ length: head.count }, (_, i) => i)
    .filter((i) => head.hop[i] === 1)
    .map((i) => head.name(i).toLowerCase());

const ACCEPTED: readonly (readonly [what: string, head: string, facts: Record<string, unknown>])[] = [
  ['a plain GET', target('/x?y=1'), { method: 'GET', replayable: true, isHead: false, minor: 1, host: 'a.example' }],
  ['HEAD', `HEAD / HTTP/1.1\r\n${HOST}\r\n`, { method: 'HEAD', replayable: true, isHead: true }],
  ['POST is not sent twice', post('Content-Length: 3\r\n'), { method: 'POST', replayable: false, contentLength: 3 }],
  ['methods have case', `get / HTTP/1.1\r\n${HOST}\r\n`, { method: 'get', replayable: false }],
  ['a method nobody knows', `M-SEARCH / HTTP/1.1\r\n${HOST}\r\n`, { method: 'M-SEARCH', replayable: false }],
  ['a method of 32 bytes', `${'A'.repeat(32)} / HTTP/1.1\r\n${HOST}\r\n`, { method: 'A'.repeat(32) }],
  ['connect is not CONNECT', `connect / HTTP/1.1\r\n${HOST}\r\n`, { method: 'connect' }],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, { method: 'OPTIONS', target: '*', path: '*' }],
  ['an empty line first', `\r\n${get('')}`, { method: 'GET' }],
  ['two empty lines first', `\r\n\r\n${get('')}`, { method: 'GET' }],
  ['a query with a question mark', target('/a?b?c'), { target: '/a?b?c', path: '/a' }],
  ['a query alone', target('/?'), { target: '/?', path: '/' }],
  ['raw UTF-8 in the path', target('/\xc3\xa9'), { path: '/\xc3\xa9' }],
  ['characters that only RFC 3986 forbids', target('/<a>|"{}^`\\'), { path: '/<a>|"{}^`\\' }],
  [
    'a path that looks like an authority',
    target('//evil/x'),
    { target: '//evil/x', host: 'a.example', absolute: false },
  ],
  ['a path with a backslash', target('/\\evil'), { target: '/\\evil', host: 'a.example' }],
  [
    'absolute form: its authority counts',
    target('http://B.example:81/x?y'),
    { absolute: true, host: 'b.example', port: 81, authority: 'B.example:81', target: '/x?y', path: '/x' },
  ],
  [
    'absolute form without a path',
    target('http://b.example'),
    { absolute: true, host: 'b.example', target: '', path: '/' },
  ],
  ['absolute form, https', target('HTTPS://b.example/'), { absolute: true, host: 'b.example', target: '/' }],
  ['absolute form of a private address', target('http://169.254.169.254/x'), { host: '169.254.169.254', target: '/x' }],
  ['absolute form in HTTP/1.0 without Host', 'GET http://b/ HTTP/1.0\r\n\r\n', { host: 'b', keepAlive: false }],
  ['Host in capitals', host('API.Example'), { host: 'api.example', authority: 'API.Example', port: 0 }],
  ['Host with a port', host('a:8000'), { host: 'a', port: 8000, authority: 'a:8000' }],
  ['Host with the highest port', host('a:65535'), { port: 65535 }],
  ['Host with an empty port', host('a:'), { host: 'a', port: 0 }],
  ['Host with the root dot', host('a.example.'), { host: 'a.example', authority: 'a.example.' }],
  ['Host with an underscore', host('my_api'), { host: 'my_api' }],
  ['Host with sub-delims and percent', host("a!$&'()*+,;=%2Db~"), { host: "a!$&'()*+,;=%2db~" }],
  ['Host is IPv4', host('10.0.0.1:80'), { host: '10.0.0.1', port: 80 }],
  ['Host is IPv6', host('[2001:DB8::1]:80'), { host: '2001:db8::1', port: 80, authority: '[2001:DB8::1]:80' }],
  ['white space around a value', host(' \t a \t '), { host: 'a', authority: 'a' }],
  ['an empty value', get('X:\r\n'), { 'x-empty': '' }],
  ['names of object properties', get('__proto__: a\r\nconstructor: b\r\n'), { method: 'GET' }],
  ['all token characters in a name', get("!#$%&'*+-.^_`|~09azAZ: a\r\n"), { method: 'GET' }],
  ['obs-text and tabs in a value', get('X: \xff\ta\x80\r\n'), { method: 'GET' }],
  ['no body', get(''), { body: BODY_NONE, contentLength: 0 }],
  ['Content-Length', post('Content-Length: 5\r\n'), { body: BODY_LENGTH, contentLength: 5 }],
  ['Content-Length 0', post('Content-Length: 0\r\n'), { body: BODY_LENGTH, contentLength: 0 }],
  ['Content-Length with leading zeros is decimal', post('Content-Length: 010\r\n'), { contentLength: 10 }],
  ['a row of zeros', post('Content-Length: 00000000000000000000000\r\n'), { contentLength: 0 }],
  ['the longest body', post('Content-Length: 9007199254740991\r\n'), { contentLength: Number.MAX_SAFE_INTEGER }],
  ['chunked', post('Transfer-Encoding: chunked\r\n'), { body: BODY_CHUNKED, contentLength: 0 }],
  ['Chunked, with case and tabs', post('tRANSFER-eNCODING:\tChUnKeD\t\r\n'), { body: BODY_CHUNKED }],
  ['GET with a body', get('Content-Length: 31\r\n'), { body: BODY_LENGTH, contentLength: 31 }],
  ['OPTIONS with chunks', `OPTIONS / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, { body: BODY_CHUNKED }],
  ['DELETE with chunks', `DELETE / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`, { body: BODY_CHUNKED }],
  ['HTTP/1.1 is kept', get(''), { keepAlive: true }],
  ['HTTP/1.1 with close', get('Connection: foo, Close\r\n'), { keepAlive: false }],
  ['close beats keep-alive', get('Connection: keep-alive\r\nConnection: close\r\n'), { keepAlive: false }],
  ['Connection that names 100 fields', get(`Connection: ${'a,'.repeat(100)}\r\n`), { keepAlive: true }],
  ['HTTP/1.0 is not kept', `GET / HTTP/1.0\r\n${HOST}\r\n`, { keepAlive: false, minor: 0 }],
  ['HTTP/1.0 with keep-alive', `GET / HTTP/1.0\r\n${HOST}Connection: Keep-Alive\r\n\r\n`, { keepAlive: true }],
  ['an empty Connection', get(`Connection: ${', '.repeat(200)}\r\n`), { keepAlive: true }],
  ['100-continue', post('Content-Length: 5\r\nExpect: 100-Continue\r\n'), { expectContinue: true }],
  [
    '100-continue with chunks',
    post('Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n'),
    { expectContinue: true },
  ],
  ['100-continue without a body', get('Expect: 100-continue\r\n'), { expectContinue: false }],
  [
    '100-continue with nothing to send',
    post('Content-Length: 0\r\nExpect: 100-continue\r\n'),
    { expectContinue: false },
  ],
  [
    '100-continue in HTTP/1.0',
    `POST / HTTP/1.0\r\n${HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    { expectContinue: false },
  ],
  [
    'a WebSocket',
    get('Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n'),
    { upgrade: true, upgradeIndex: 1, upgradeValue: 'websocket' },
  ],
  ['Upgrade without Connection', get('Upgrade: websocket\r\n'), { upgrade: false, upgradeIndex: -1, upgradeValue: '' }],
  ['Connection without Upgrade', get('Connection: upgrade\r\n'), { upgrade: false }],
  ['h2c', get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: H2C\r\nHTTP2-Settings: AAM\r\n'), { upgrade: false }],
  ['a draft of h2c', get('Connection: upgrade\r\nUpgrade: h2c-14\r\n'), { upgrade: false }],
  [
    'h2c among others',
    get('Connection: upgrade\r\nUpgrade: h2c, foo/2,websocket\r\n'),
    { upgradeValue: 'foo/2, websocket' },
  ],
  ['two Upgrade lines', get('Upgrade: a\r\nUpgrade: h2c, b\r\nConnection: upgrade\r\n'), { upgradeValue: 'a, b' }],
  ['what is no protocol', get('Connection: upgrade\r\nUpgrade: a b, /, c/, d\r\n'), { upgradeValue: 'd' }],
  ['Upgrade in HTTP/1.0', `GET / HTTP/1.0\r\n${HOST}Connection: upgrade\r\nUpgrade: a\r\n\r\n`, { upgrade: false }],
  [
    'hop-by-hop fields are marked',
    get(
      'TE: trailers\r\nTrailer: X\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\nProxy-Authorization: b\r\nUpgrade: h2c\r\n' +
        'HTTP2-Settings: AAM\r\nAccept: a\r\n',
    ),
    {
      hop: ['te', 'trailer', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'upgrade', 'http2-settings'],
    },
  ],
  [
    'what Connection names is marked, wherever it stands',
    get('X-Secret: a\r\nConnection: close, X-SECRET ,x-b\r\nX-B: b\r\nx-secret: c\r\nX-C: d\r\n'),
    { hop: ['x-secret', 'connection', 'x-b', 'x-secret'], keepAlive: false },
  ],
  [
    'Connection cannot take away framing, routing or what proxies before us said',
    post(
      'Connection: Content-Length, Host, X-Forwarded-For, X-Forwarded-Prefix, Via, Cookie, Content-Type, X-Request-ID, Forwarded\r\n' +
        'Content-Length: 5\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Prefix: /a\r\nVia: 1.1 b\r\nCookie: c=d\r\n' +
        'Content-Type: text/plain\r\nX-Request-ID: e\r\nForwarded: for=f\r\n',
    ),
    { hop: ['connection'], body: BODY_LENGTH, contentLength: 5 },
  ],
  [
    'framing survives Connection: Transfer-Encoding',
    post('Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n'),
    { hop: ['connection', 'transfer-encoding'], body: BODY_CHUNKED },
  ],
  ['100 lines', get('X: a\r\n'.repeat(99)), { count: 100 }],
];

describe('request head', () => {
  for (const [what, whole, facts] of ACCEPTED) {
    it(`accepts ${what}`, () => {
      const head = accept(whole);
      const seen: Record<string, unknown> = {
        ...head,
        target: targetOf(head),
        authority: authorityOf(head),
        path: head.path(),
        hop: hopOf(head),
        'x-empty': head.header('x'),
      };
      for (const [name, value] of Object.entries(facts)) expect(seen[name], name).to.deep.equal(value);
    });

    it(`wants the rest of ${what} wherever it is cut, and leaves what follows`, () => {
      const head = new RequestHead();
      const buf = bytes(`junk${whole}GET /next`);
      for (let cut = 0; cut < whole.length; cut++) expect(head.parse(buf, 4, 4 + cut), `cut at ${cut}`).to.equal(0);
      expect(head.parse(buf, 4, buf.length)).to.equal(whole.length);
    });
  }

  it('holds a head to its limit to the byte', () => {
    const whole = get('X: abc\r\n');
    accept(whole, new RequestHead(whole.length));
    const head = new RequestHead(whole.length - 1);
    expect(head.parse(bytes(whole), 0, whole.length)).to.equal(-1);
    expect(head.refusal).to.include({ status: 431, code: 'header_too_large' });
    const short = new RequestHead(10);
    expect(short.parse(bytes(whole), 0, 9)).to.equal(0);
    expect(short.parse(bytes(whole), 0, 10)).to.equal(-1);
    expect(short.refusal).to.include({ status: 414, code: 'uri_too_long' });
  });

  it('holds a head to its number of lines', () => {
    accept(get('X: a\r\n'), new RequestHead(1000, 2));
    const head = new RequestHead(1000, 1);
    expect(head.parse(bytes(get('X: a\r\n')), 0, 100)).to.equal(-1);
    expect(head.refusal.status).to.equal(431);
    expect(() => new RequestHead(1000, 0)).to.throw(RangeError);
    expect(() => new RequestHead(0)).to.throw(RangeError);
  });

  it('forgets one request at the next', () => {
    const head = new RequestHead();
    accept(
      'POST http://b:81/x?y HTTP/1.0\r\nHost: c\r\nContent-Length: 5\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n',
      head,
    );
    accept(get('Connection: upgrade\r\nUpgrade: websocket\r\n'), head);
    accept(post('Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n'), head);
    accept(get(''), head);
    expect({ ...head }).to.deep.include({
      method: 'GET',
      replayable: true,
      absolute: false,
      host: 'a.example',
      port: 0,
      body: BODY_NONE,
      contentLength: 0,
      keepAlive: true,
      expectContinue: false,
      upgrade: false,
      upgradeIndex: -1,
      upgradeValue: '',
      count: 1,
    });
    expect(hopOf(head)).to.deep.equal([]);
  });

  it('reads pipelined requests one by one, a bad one only in its turn', () => {
    const head = new RequestHead();
    const first = get('X: 1\r\n');
    const buf = bytes(`${first}GET / HTTP/1.1\r\nbad line\r\n\r\n`);
    const length = head.parse(buf, 0, buf.length);
    expect(length).to.equal(first.length);
    expect(head.parse(buf, length, buf.length)).to.equal(-1);
  });
});
