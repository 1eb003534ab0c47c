/** Request heads as a backend gets them: what passes as it is, what ends at the proxy, targets, and how bodies are framed. */
import { HOST } from '../configuration.ts';
import { GET, gone, headCases, NEW, type Row, SHOP } from '../head-rows.ts';
import type { Theme } from '../theme.ts';

const POST = 'POST / HTTP/1.1';
const CHUNKED = 'Transfer-Encoding: chunked';

/** What goes through as it is: the request's lines, its own Host aside, are those that arrive. */
const same = (name: string, ...lines: readonly string[]): Row => ({
  name,
  send: [GET, SHOP, ...lines],
  backend: [GET, NEW, ...lines],
});
/** Only the request line differs. */
const target = (name: string, sent: string, arrives = sent): Row => ({
  name,
  send: [sent, SHOP],
  backend: [arrives, NEW],
});

const ROWS: readonly Row[] = [
  same('nothing but Host'),
  same('ordinary lines', 'User-Agent: curl/8', 'Accept: */*', 'Accept-Encoding: gzip, br', 'Range: bytes=0-9'),
  same('names keep their case', 'x-lower: a', 'X-UPPER: b', 'X-mIxEd: c'),
  same('lines of one name keep their order', 'X-A: 2', 'X-B: x', 'X-A: 1', 'x-a: 3'),
  same('a name with an underscore', 'X_A: 1', 'X-A: 2'),
  same('names that JavaScript knows', '__proto__: 1', 'constructor: 2', 'hasOwnProperty: 3'),
  same('every token character in a name', "!#$%&'*+-.^_`|~09azAZ: x"),
  same('an empty value', 'X-Empty:', 'X-Next: 1'),
  same('bytes beyond ASCII in a value', 'X-Name: zo\xc3\xab \xff'),
  same('quotes, commas and colons in a value', 'X-A: a:b, "c, d"; e="f:g"'),
  same('a value of 16 KiB', `X-Long: ${'v'.repeat(16_384)}`),
  same('a name of 1 KiB', `${'n'.repeat(1024)}: v`),
  same('90 lines', ...Array.from({ length: 90 }, (_, i) => `X-${i}: ${i}`)),
  same('cookies on two lines', 'Cookie: a=1; b="2"', 'Cookie: c=3'),
  same('our own cookie', `Cookie: migration_id=${'a'.repeat(32)}`),
  same('Authorization', 'Authorization: Bearer a.b.c'),
  same('two Authorizations, as they came', 'Authorization: Basic YQ==', 'Authorization: Basic Yg=='),
  same('traceparent', 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'tracestate: a=b'),
  same('what other proxies call the client', 'X-Real-IP: 6.6.6.6', 'Forwarded: for=6.6.6.6', 'True-Client-IP: 6.6.6.6'),
  same(
    'Date, Server, Location and the like, as requests have them',
    'Date: x',
    'Location: http://a/',
    'Set-Cookie: a=b',
  ),
  {
    name: 'white space around values',
    send: [GET, SHOP, 'X-A: \t a  b \t', 'X-B:c'],
    backend: [GET, NEW, 'X-A: a  b', 'X-B: c'],
  },
  target('a query', 'GET /a/b?c=d&e=%20 HTTP/1.1'),
  target('percent-encoding is kept', 'GET /%2e%2e/%2F%c3%ab HTTP/1.1'),
  target('dots and slashes are kept on a whole host', 'GET //a/../b/./c// HTTP/1.1'),
  target('raw bytes and odd characters are kept', 'GET /zo\xc3\xab/"<>\\^`{|} HTTP/1.1'),
  target('a second question mark', 'GET /?a=?b HTTP/1.1'),
  target('a long target', `GET /${'p'.repeat(8192)} HTTP/1.1`),
  target('a method in small letters is its own', 'get / HTTP/1.1'),
  target('an unknown method', 'PROPFIND /dav HTTP/1.1'),
  target('OPTIONS *', 'OPTIONS * HTTP/1.1'),
  target('absolute form', `GET http://${HOST}/x?y HTTP/1.1`, 'GET /x?y HTTP/1.1'),
  target('absolute form without a path', `GET http://${HOST} HTTP/1.1`, GET),
  target('absolute form of OPTIONS without a path', `OPTIONS http://${HOST} HTTP/1.1`, 'OPTIONS * HTTP/1.1'),
  { name: 'HTTP/1.0 arrives as HTTP/1.1', send: ['GET /old HTTP/1.0', SHOP], backend: ['GET /old HTTP/1.1', NEW] },
  gone('hop-by-hop lines', [
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Trailer: X-T',
    'Proxy-Authorization: Basic YQ==',
    'Proxy-Authenticate: x',
  ]),
  gone('what Connection names, in any case', [
    'connection: X-Secret, x-OTHER',
    'x-secret: 1',
    'X-Other: 2',
    'X-Secret: 3',
  ]),
  gone('what several Connection lines name', [
    'Connection: close, X-Secret',
    'X-Secret: 1',
    'Connection: X-Other',
    'X-Other: 2',
  ]),
  gone(
    'Connection cannot name away what routes and vouches',
    [
      'Connection: Host, Cookie, Content-Type, X-Forwarded-For, X-Request-ID, Via',
      'Cookie: a=b',
      'Content-Type: text/plain',
    ],
    ['Cookie: a=b', 'Content-Type: text/plain'],
  ),
  gone('Upgrade without Connection', ['Upgrade: websocket']),
  gone('Connection: Upgrade without Upgrade', ['Connection: Upgrade']),
  gone('h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']),
  gone('h2c in another case and draft', ['Connection: Upgrade', 'Upgrade: H2C-14']),
  gone(
    'h2c beside websocket',
    ['Connection: Upgrade', 'Upgrade: h2c, websocket'],
    ['Connection: Upgrade', 'Upgrade: websocket'],
  ),
  gone(
    'other names beside Upgrade',
    ['Connection: Upgrade, X-Secret', 'X-Secret: 1', 'Upgrade: websocket'],
    ['Connection: Upgrade', 'Upgrade: websocket'],
  ),
  gone('Expect where there is no body to wait for', ['Expect: 100-continue']),
  {
    name: 'Content-Length',
    send: [POST, SHOP, 'Content-Length: 5'],
    body: 'hello',
    backend: [POST, NEW, 'Content-Length: 5'],
  },
  { name: 'Content-Length 0', send: [POST, SHOP, 'Content-Length: 0'], backend: [POST, NEW, 'Content-Length: 0'] },
  {
    name: 'Content-Length with leading zeros is written anew',
    send: [POST, SHOP, 'Content-Length: 005'],
    body: 'hello',
    backend: [POST, NEW, 'Content-Length: 5'],
  },
  {
    name: 'GET with a body',
    send: [GET, SHOP, 'Content-Length: 24'],
    body: 'GET /smuggled HTTP/1.1\r\n',
    backend: [GET, NEW, 'Content-Length: 24'],
  },
  {
    name: 'a chunked body',
    send: [POST, SHOP, 'Transfer-Encoding: CHUNKED'],
    body: '5;a="b"\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
    backend: [POST, NEW, CHUNKED],
  },
  {
    name: 'a chunked DELETE that looks like two requests',
    send: ['DELETE / HTTP/1.1', SHOP, CHUNKED],
    body: '18\r\nGET /smuggled HTTP/1.1\r\n\r\n0\r\n\r\n',
    backend: ['DELETE / HTTP/1.1', NEW, CHUNKED],
  },
  {
    name: 'Connection cannot name away the framing',
    send: [POST, SHOP, 'Connection: Transfer-Encoding, Content-Length', 'Content-Length: 5'],
    body: 'hello',
    backend: [POST, NEW, 'Content-Length: 5'],
  },
  {
    name: 'Connection cannot name away a chunked framing',
    send: [POST, SHOP, 'Connection: Transfer-Encoding', CHUNKED],
    body: '5\r\nhello\r\n0\r\n\r\n',
    backend: [POST, NEW, CHUNKED],
  },
  {
    name: 'Content-* survives Connection',
    send: [POST, SHOP, 'Connection: Content-Type', 'Content-Type: a/b', 'Content-Length: 0'],
    backend: [POST, NEW, 'Content-Type: a/b', 'Content-Length: 0'],
  },
  {
    name: 'Expect is not passed on when the body is here',
    send: [POST, SHOP, 'Expect: 100-continue', 'Content-Length: 5'],
    body: 'hello',
    backend: [POST, NEW, 'Content-Length: 5'],
  },
];

export const requestHeads: Theme = { name: 'request heads', cases: headCases(ROWS) };
