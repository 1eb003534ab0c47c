/**
 * The tables of docs/http.md against a real proxy: each status and code is what such a request gets, each example of a refused
 * request is refused and reaches no backend, each example of an accepted one passes.
 */
import { expect } from 'chai';
import { Direct, HOST } from '../support/direct.ts';
import { RawClient } from '../support/raw-client.ts';
import { pageText, rowsOf, sectionOf } from './page.ts';

const PAGE = pageText('docs/http.md');
const BIG = 'x'.repeat(40_000);

function get(line = 'GET / HTTP/1.1', ...fields: readonly string[]): string {
  return [line, `Host: ${HOST}`, ...fields, '', ''].join('\r\n');
}

function post(body: string, ...fields: readonly string[]): string {
  return get('POST / HTTP/1.1', ...fields) + body;
}

/** A request for each row of the tables of statuses, in their order. */
const ROWS: readonly (readonly [status: string, code: string, bytes: string])[] = [
  ['400', 'bad_request', get('GET /#a HTTP/1.1')],
  ['405', 'method_not_allowed', get('TRACE / HTTP/1.1')],
  ['408', 'request_timeout', 'GET / HT'],
  ['413', 'content_too_large', get('POST / HTTP/1.1', 'Content-Length: 9007199254740992')],
  ['414', 'uri_too_long', get(`GET /${BIG} HTTP/1.1`)],
  ['417', 'expectation_failed', get('POST / HTTP/1.1', 'Expect: 200-ok', 'Content-Length: 1')],
  ['431', 'header_too_large', get('GET / HTTP/1.1', `A: ${BIG}`)],
  ['501', 'not_implemented', get('POST / HTTP/1.1', 'Transfer-Encoding: gzip, chunked')],
  ['505', 'version_not_supported', get('GET / HTTP/1.2')],
  ['400', 'bad_path', get('GET /api/../x HTTP/1.1').replace(HOST, 'divided.example')],
  ['404', 'no_such_host', get().replace(HOST, 'nobody.example')],
  ['502', 'upstream_unreachable', get().replace(HOST, 'dead.example')],
  ['502', 'upstream_invalid_response', get('GET /garbage HTTP/1.1')],
  ['504', 'upstream_timeout', get('GET /silent HTTP/1.1')],
  ['508', 'loop_detected', get('GET / HTTP/1.1', 'Via: 1.1 proxy-under-test')],
];

/** By words of the page that promise it. */
const REFUSED: Readonly<Record<string, string>> = {
  'other white space than one space': get('GET  / HTTP/1.1'),
  'controls, spaces and `#` in the target': get('GET /a b HTTP/1.1'),
  '`*` with any other method': get('GET * HTTP/1.1'),
  'a target without its slash': get('GET a HTTP/1.1'),
  'user information, no host': get('GET http://u@a/ HTTP/1.1'),
  'a query without a path (`http://host?x`)': get('GET http://a?x HTTP/1.1'),
  'HTTP/0.9': 'GET /\r\n\r\n',
  '`HTTP/1.10`': get('GET / HTTP/1.10'),
  'a bare CR or LF anywhere in a head': get('GET / HTTP/1.1', 'A: b\nC: d'),
  'white space before the colon': get('GET / HTTP/1.1', 'A : b'),
  'empty names': get('GET / HTTP/1.1', ': b'),
  'controls, NUL and DEL in a value': get('GET / HTTP/1.1', 'A: \x7f'),
  'a line that begins with white space (folding)': get('GET / HTTP/1.1', 'A: b', ' c'),
  'no `Host`': 'GET / HTTP/1.1\r\n\r\n',
  'a second one (even equal)': get('GET / HTTP/1.1', `Host: ${HOST}`),
  'HTTP/1.0 without `Host`': 'GET / HTTP/1.0\r\n\r\n',
  'and a second one (417)': post('a', 'Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 1'),
  'signs, lists, spaces, an empty value': post('a', 'Content-Length: +1'),
  'a second one, even when equal': post('a', 'Content-Length: 1', 'Content-Length: 1'),
  'any other coding or parameter': post('0\r\n\r\n', 'Transfer-Encoding: chunked;q=1'),
  '`chunked` in HTTP/1.0': get('POST / HTTP/1.0', 'Transfer-Encoding: chunked'),
  '`Content-Length` together with `Transfer-Encoding`': post(
    '0\r\n\r\n',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
  ),
  'signs, spaces, `_`, `0x`, no digits': post('0x1\r\na\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'),
};

const ACCEPTED: Readonly<Record<string, string>> = {
  '`get` is a method of its own': get('get / HTTP/1.1'),
  'characters such as `"<>\\^{|}` pass unchanged': get('GET /"<>\\^{|} HTTP/1.1'),
  '`*` with `OPTIONS`': get('OPTIONS * HTTP/1.1'),
  '`http://host/path`': get(`GET http://${HOST}/path HTTP/1.1`),
  '`HTTP/1.0`': get('GET / HTTP/1.0'),
  'spaces and tabs around the value are dropped': get('GET / HTTP/1.1', 'A: \t b \t'),
  'case and one trailing dot do not matter': get().replace(HOST, `${HOST.toUpperCase()}.`),
  'ignored in HTTP/1.0': get('GET / HTTP/1.0', 'Expect: 100-continue'),
  '`010` is ten': post('0123456789', 'Content-Length: 010'),
  'in any case': post('0\r\n\r\n', 'Transfer-Encoding: CHUNKED'),
  'a body with any method': `${get('GET / HTTP/1.1', 'Content-Length: 1')}a`,
  'chunk extensions: dropped': post('1;a=b\r\nx\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'),
  'trailers: dropped': post('0\r\nA: b\r\n\r\n', 'Transfer-Encoding: chunked'),
};

describe('docs/http.md', () => {
  let direct: Direct;

  before(async () => {
    direct = await Direct.start({
      old: ({ request }) => {
        if (request.startLine.includes('/silent')) return null;
        return request.startLine.includes('/garbage')
          ? 'what?\r\n\r\n'
          : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      },
      plane: { limits: { headTimeoutMs: 200 } },
    });
    const shop = direct.migration({ shareBp: 0, timeoutMs: 300 });
    const at = (name: string, port: number, pathPrefix: string | null) => ({
      ...shop,
      name,
      pathPrefix,
      old: { ...shop.old, host: `${name}.example`, port },
    });
    direct.apply(shop, at('dead', 1, null), at('divided', direct.old.port, '/api'));
  });

  after(() => direct.stop());

  async function answerTo(bytes: string) {
    const before = direct.old.requests.length;
    const client = await RawClient.connect(direct.port);
    try {
      const { status, body } = await client.send(bytes).response({ forMethod: bytes.split(' ')[0] });
      return { status, text: body.toString(), arrived: direct.old.requests.length - before };
    } finally {
      client.destroy();
    }
  }

  const listed = rowsOf(sectionOf(PAGE, 'Statuses and codes')).map(
    ([status, code]) => `${status} ${code.replaceAll('`', '')}`,
  );

  it('lists each code once', () => {
    expect(listed).to.deep.equal(ROWS.map(([status, code]) => `${status} ${code}`));
  });

  for (const [status, code, bytes] of ROWS) {
    it(`${status} ${code}`, async () => {
      const answer = await answerTo(bytes);
      expect(String(answer.status)).to.equal(status);
      const body = JSON.parse(answer.text);
      expect(body).to.include({ error: code }).and.to.have.all.keys('error', 'service', 'request_id');
      const [, shown] = /```json error-body\n(.*)\n```/.exec(PAGE)!;
      expect(Object.keys(body)).to.deep.equal(Object.keys(JSON.parse(shown)));
      if (!code.startsWith('upstream')) expect(answer.arrived).to.equal(0);
    });
  }

  for (const [words, bytes] of Object.entries(REFUSED)) {
    it(`refused: ${words}`, async () => {
      expect(PAGE).to.include(words);
      const { status, arrived } = await answerTo(bytes);
      expect({ isRefused: [400, 417, 501, 505].includes(status), arrived }, String(status)).to.deep.equal({
        isRefused: true,
        arrived: 0,
      });
    });
  }

  for (const [words, bytes] of Object.entries(ACCEPTED)) {
    it(`accepted: ${words}`, async () => {
      expect(PAGE.replaceAll('\\|', '|')).to.include(words);
      expect(await answerTo(bytes)).to.deep.equal({ status: 200, text: 'ok', arrived: 1 });
    });
  }
});
