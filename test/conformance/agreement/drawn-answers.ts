/**
 * Answers of backends, drawn by chance, and what a backend does to give one. `{new}` and `{old}` stand for the hosts of the service that
 * is asked. Left out is what docs/conformance.md lists under "Where nginx differs". Nothing here knows a plane.
 */
import fc from 'fast-check';
import { field } from '../../support/http-message.ts';
import type { Script } from '../../support/recorder.ts';
import type { Drawn, DrawnService } from './drawn-services.ts';

const maybe = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 10 - weight, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

const named = fc.constantFrom(
  '{new}',
  '{NEW}',
  '{new}:8443',
  '{new}:80',
  '{new}.evil.example',
  'x{new}',
  '{old}',
  'elsewhere.example',
  '{new}.',
);
const url = fc
  .tuple(
    fc.constantFrom('http://', 'https://', 'HTTP://', '//', ''),
    named,
    fc.constantFrom('', '/', '/x?y=z', '?q', '/$1"'),
  )
  .map((parts) => parts.join(''));
const location = fc.oneof(
  { weight: 3, arbitrary: url },
  { weight: 1, arbitrary: fc.constantFrom('/relative', 'relative', '', '?x', 'mailto:a@{new}', 'http://u@{new}/') },
);
const answerLine = fc.oneof(
  location.map((to) => `Location: ${to}`),
  // An empty one nginx leaves out.
  location.filter((to) => to !== '').map((to) => `Content-Location: ${to}`),
  fc
    .tuple(fc.constantFrom('5; url=', '0;URL=', '0; url="', '3, url='), location)
    .map(([a, to]) => `Refresh: ${a}${to}${a.endsWith('"') ? '"' : ''}`),
  fc
    .tuple(
      fc.constantFrom('s=1; Domain=', 's=1; Path=/; domain=.', 's="Domain={new}"; DOMAIN=', 's=1; SECURE; Domain='),
      named,
      fc.constantFrom('', '; Secure', '; HttpOnly; SameSite=Lax'),
    )
    .map((parts) => `Set-Cookie: ${parts.join('')}`),
  fc.constantFrom(
    'Set-Cookie: a=b; Path=/',
    'Server: origin',
    'Date: Thu, 01 Jan 2026 00:00:00 GMT',
    'Via: 1.1 origin',
    'X-Request-ID: theirs',
    'X-Migration-Cluster: theirs',
    'X-Migration-Reason: theirs',
  ),
  fc.constantFrom(
    'X-Accel-Redirect: /x',
    'X-Accel-Expires: 5',
    'X-Accel-Buffering: yes',
    'X-Accel-Limit-Rate: 1',
    'X-Accel-Charset: koi8-r',
    'Expires: 0',
    'Cache-Control: no-store',
    'Vary: *',
  ),
  fc.constantFrom(
    'Keep-Alive: timeout=5',
    'Proxy-Authenticate: Basic',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'ETag: "x"',
    'Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT',
    'Accept-Ranges: bytes',
    'X-Empty:',
    'X-Odd: $host\\n"',
    'X-High: \xe4',
    'X_U: 1',
    'X-Twice: 1\r\nX-Twice: 2',
    'Content-Type: text/event-stream',
    'Content-Type: text/html',
    'Content-Encoding: gzip',
    'WWW-Authenticate: Basic realm="{new}"',
    'Link: <http://{new}/>',
    'Status: 404 x',
    'Upgrade: h2c',
    'Trailer: X',
  ),
);
type Failure = 'reset' | 'close' | 'half a head' | 'silence';
/** Of what nginx sends of its own: a 592 of a backend is a 502. */
export const answers = fc.record({
  failure: maybe(
    2,
    fc.constantFrom<Failure>('reset', 'reset', 'close', 'close', 'half a head', 'half a head', 'silence'),
  ),
  status: fc.constantFrom(
    200,
    200,
    200,
    200,
    201,
    204,
    206,
    299,
    301,
    302,
    304,
    307,
    400,
    401,
    403,
    404,
    405,
    408,
    413,
    416,
    418,
    429,
    494,
    499,
    500,
    501,
    502,
    503,
    504,
    508,
    590,
    591,
    599,
  ),
  reason: fc.constantFrom('OK', '', 'Not $really'),
  lines: fc.uniqueArray(answerLine, {
    maxLength: 4,
    selector: (line) => (line.startsWith('Set-Cookie') ? line : line.slice(0, line.indexOf(':'))),
  }),
  framing: fc.constantFrom('length', 'length', 'length', 'chunked', 'close'),
  isLast: fc.constantFrom(false, false, false, true),
  body: fc.constantFrom('', 'ok', 'x'.repeat(5000), '\0\xff'),
});
export type DrawnAnswer = typeof answers extends fc.Arbitrary<infer T> ? T : never;

export function endedAs(backends: Drawn['backends'], drawn: DrawnAnswer): DrawnAnswer {
  return backends === 'keep' ? { ...drawn, failure: undefined } : { ...drawn, isLast: true };
}

export const showAnswer = (drawn: DrawnAnswer): string => JSON.stringify({ ...drawn, body: drawn.body.length });

export function scriptOf(drawn: DrawnAnswer, method: string, service: DrawnService, isUpgrade: boolean): Script {
  const named = (text: string): string =>
    text
      .replaceAll('{new}', service.newHost)
      .replaceAll('{NEW}', service.newHost.toUpperCase())
      .replaceAll('{old}', service.host);
  return ({ request, socket }) => {
    switch (drawn.failure) {
      case 'reset':
        socket.resetAndDestroy();
        return null;
      case 'close':
        socket.end();
        return null;
      case 'half a head':
        socket.end('HTTP/1.1 200 OK\r\nContent-Le');
        return null;
      case 'silence':
        if (service.timeout === undefined) socket.end();
        return null;
    }
    const isSwitching = isUpgrade && drawn.status === 200 && field(request, 'upgrade') !== null;
    const status = isSwitching ? 101 : drawn.status;
    const isBare = method === 'HEAD' || isSwitching || status === 204 || status === 304;
    const lines = drawn.lines.map(named);
    if (isSwitching) {
      socket.end(latin1(`HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${drawn.body}`));
      return null;
    }
    if (drawn.framing === 'length' && status !== 204) lines.push(`Content-Length: ${drawn.body.length}`);
    if (drawn.framing === 'chunked' && status !== 204) lines.push('Transfer-Encoding: chunked');
    const isClosing = drawn.isLast || drawn.framing === 'close';
    if (isClosing) lines.push('Connection: close');
    const head = `${[`HTTP/1.1 ${status} ${drawn.reason}`, ...lines].join('\r\n')}\r\n\r\n`;
    const chunk = drawn.body === '' ? '' : `${drawn.body.length.toString(16)}\r\n${drawn.body}\r\n`;
    const body = isBare ? '' : drawn.framing === 'chunked' ? `${chunk}0\r\n\r\n` : drawn.body;
    const bytes = latin1(head + body);
    if (!isClosing) return bytes;
    socket.end(bytes);
    return null;
  };
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
