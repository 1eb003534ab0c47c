/**
 * Valid requests, drawn by chance, in parts that are not yet put together. Left out is what docs/conformance.md lists under "Where
 * nginx differs", each time with its reason. Nothing here knows a configuration.
 */
import fc from 'fast-check';
import { COOKIES, HEADERS, ID_HEADERS, PATHS, VALUES } from './drawn-services.ts';
import { HELD_BYTES } from './two-planes.ts';

const METHODS = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'PROPFIND',
  'MKCOL',
  'PURGE',
] as const;
const ADDRESSES = ['127.0.0.1', '127.0.0.9', '127.1.2.3', '127.2.0.1', '127.3.255.254'] as const;
const maybe = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 10 - weight, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.constantFrom('', 'x', 'xnew', 'new ', ' new', 'b', '\xff', '\\$', 'v1', 'nn', 'nnn') },
);
/** Repeated lines are left out: of them nginx before 1.23 sees the first; so are tabs around values, which nginx keeps. */
const ruled = fc.uniqueArray(fc.tuple(fc.constantFrom(...HEADERS), value), {
  maxLength: 4,
  selector: ([name]) => name,
});
const userIds = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...ID_HEADERS), fc.oneof(fc.nat(10_000).map(String), fc.constantFrom('', 'ü', 'a b'))),
  { maxLength: 2, selector: ([name]) => name },
);
const HEX = '0123456789abcdef0123456789abcdef';
const cookie = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...COOKIES),
        value.filter((text) => !text.includes(';')),
      )
      .map(([n, v]) => `${n}=${v}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      `migration_id=${HEX}`,
      'migration_id=short',
      `Migration_ID=${HEX}`,
      'novalue',
      '=x',
      ' beta = new ',
      'beta="new"',
      '',
    ),
  },
);
const cookies = fc.tuple(fc.array(cookie, { maxLength: 4 }), fc.constantFrom('; ', ';', ' ;  '));
const forwarded = fc.record({
  'X-Forwarded-For': maybe(
    3,
    fc.constantFrom(
      '10.1.2.3',
      '192.0.2.1, 10.0.0.1',
      '127.2.3.4',
      '1.2.3.4, 127.0.0.1',
      '2001:db8::1',
      '::ffff:10.1.2.3',
      '10.1.2.3:99',
      '[2001:db8::1]:80',
      '10.1.2.3 , 127.1.1.1',
    ),
  ),
  'X-Forwarded-Proto': maybe(2, fc.constantFrom('https', 'http')),
  'X-Forwarded-Host': maybe(2, fc.constantFrom('outer.example', 'outer.example:8443')),
  'X-Forwarded-Port': maybe(2, fc.constantFrom('8443', '443')),
  'X-Request-ID': maybe(3, fc.constantFrom('id-', 'a b', 'quote"d', 'back\\slash')),
  Via: maybe(
    2,
    fc.constantFrom(
      '1.0 fred',
      '1.1 other, 1.1 one (comment)',
      '1.1 proxy-under-test',
      '1.0 PROXY-UNDER-TEST',
      '1.1 proxy-under-tests',
    ),
  ),
});
const other = fc.record({
  Accept: maybe(2, fc.constantFrom('*/*', 'text/event-stream', 'text/html, Text/Event-Stream;q=1', 'application/json')),
  TE: maybe(1, fc.constant('trailers')),
  'Keep-Alive': maybe(1, fc.constant('timeout=5')),
  'Proxy-Authorization': maybe(1, fc.constant('Basic x')),
  Authorization: maybe(1, fc.constant('Bearer y')),
  traceparent: maybe(1, fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')),
  'X-Migration-Cluster': maybe(1, fc.constant('forged')),
  x_a: maybe(0, fc.constant('never')),
  'Content-Type': maybe(1, fc.constant('text/plain; charset=utf-8')),
  Range: maybe(1, fc.constant('bytes=0-1')),
  'If-None-Match': maybe(1, fc.constant('"x"')),
  'Accept-Encoding': maybe(1, fc.constant('gzip')),
  Origin: maybe(1, fc.constant('https://o.example')),
  Expires: maybe(1, fc.constant('0')),
  'X-Accel-Redirect': maybe(1, fc.constant('/x')),
  'X-Odd': maybe(1, fc.constantFrom('$host', '\\n', '"', '$\u007bx}', '\xe4', '')),
});
const connection = fc.constantFrom(undefined, undefined, undefined, 'close', 'keep-alive', 'Keep-Alive, Close');
const upgrade = maybe(1, fc.constantFrom('websocket', 'h2c', 'websocket, h2c', 'h2c, websocket', 'WebSocket', 'foo/2'));
type Framing = 'none' | 'length' | 'chunked';
const body = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ framing: 'none' as Framing, size: 0 }) },
  {
    weight: 3,
    arbitrary: fc.record({
      framing: fc.constantFrom<Framing>('length', 'length', 'chunked'),
      size: fc.constantFrom(0, 1, 5, HELD_BYTES - 1, HELD_BYTES, HELD_BYTES + 1, 20_000),
    }),
  },
);
const query = fc.constantFrom('', '', '?', '?a=b', '?a=/../b', '?x=%2F..', '?a=$b"c', '?http://x/');
/** Paths above the root and fragments are nginx's parser's to refuse. */
const path = fc
  .tuple(
    fc.constantFrom(...PATHS),
    fc.constantFrom(
      '',
      '',
      '',
      '',
      '/',
      '/x',
      '/y',
      '/x/y',
      'x',
      '/x.y',
      '/..x',
      '/%2e.%2ex',
      '/x%20y',
      '/x//y',
      '/./x',
      '/x/../y',
      '/a/%2e%2e/x',
      '/%2F',
      '/%5c',
      '/\\x',
      '/x%00'.slice(0, 2),
      '/é'.slice(0, 1),
      '/x;p=1',
      "/$uri'",
      '/{a}',
      '/*',
    ),
  )
  .map(([a, b]) => (a === '/' && b.startsWith('/') ? b : a + b));

export const requests = fc.record({
  method: fc.constantFrom(...METHODS),
  service: fc.nat(5),
  /** Rarely nobody's host. */
  host: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    'nobody.example',
  ),
  hostForm: fc.constantFrom('', '', '', ':8443', ':80', 'UPPER', '.', '.:81'),
  form: fc.constantFrom('origin', 'origin', 'origin', 'origin', 'origin', 'absolute'),
  isUnder: fc.constantFrom(true, true, true, true, true, false),
  path,
  query,
  version: fc.constantFrom('1.1', '1.1', '1.1', '1.1', '1.1', '1.0'),
  address: fc.constantFrom(...ADDRESSES),
  ruled,
  userIds,
  cookies,
  forwarded,
  other,
  connection,
  upgrade,
  body,
});
export type DrawnRequest = typeof requests extends fc.Arbitrary<infer T> ? T : never;
