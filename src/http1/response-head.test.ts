/** What an origin may answer, and what is a problem: by table, whole, at an offset, and cut behind every byte. */
import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { F } from './fields.ts';
import { BODY_CHUNKED, BODY_CLOSE, BODY_LENGTH, BODY_NONE } from './framing.ts';
import { ResponseHead } from './response-head.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const ok = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n`;
const answer = (status: number, lines: string) => `HTTP/1.1 ${status} X\r\n${lines}\r\n`;
const LENGTH = 'Content-Length: 5\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

const ACCEPTED: readonly (readonly [what: string, head: string, facts: Record<string, unknown>])[] = [
  ['a length', ok(LENGTH), { status: 200, minor: 1, body: BODY_LENGTH, contentLength: 5, keepAlive: true }],
  ['a length of 0', ok('Content-Length: 0\r\n'), { body: BODY_LENGTH, contentLength: 0, keepAlive: true }],
  ['chunks', ok(CHUNKED), { body: BODY_CHUNKED, keepAlive: true, hop: ['transfer-encoding'] }],
  ['neither: the body ends with the connection', ok(''), { body: BODY_CLOSE, keepAlive: false }],
  ['neither, with keep-alive', ok('Connection: keep-alive\r\n'), { body: BODY_CLOSE, keepAlive: false }],
  ['close', ok(`${LENGTH}Connection: close\r\n`), { keepAlive: false }],
  ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${LENGTH}\r\n`, { minor: 0, keepAlive: false }],
  ['HTTP/1.0, kept', `HTTP/1.0 200 OK\r\n${LENGTH}Connection: keep-alive\r\n\r\n`, { keepAlive: true }],
  ['204', answer(204, ''), { body: BODY_NONE, keepAlive: true }],
  [
    '204 with a length, which is not sent on',
    answer(204, LENGTH),
    { body: BODY_NONE, keepAlive: false, hop: ['content-length'] },
  ],
  ['204 with length 0', answer(204, 'Content-Length: 0\r\n'), { keepAlive: true, hop: ['content-length'] }],
  ['204 with chunks', answer(204, CHUNKED), { body: BODY_NONE, keepAlive: false }],
  ['304 with the length of what was not modified', answer(304, LENGTH), { body: BODY_NONE, keepAlive: true, hop: [] }],
  ['304 with chunks', answer(304, CHUNKED), { body: BODY_NONE, keepAlive: true }],
  ['205', answer(205, 'Content-Length: 0\r\n'), { body: BODY_LENGTH }],
  ['100', 'HTTP/1.1 100 Continue\r\n\r\n', { status: 100, body: BODY_NONE, keepAlive: true }],
  ['103', answer(103, 'Link: </a>\r\n'), { status: 103, body: BODY_NONE }],
  [
    '101',
    answer(101, 'Upgrade: websocket\r\nConnection: upgrade\r\n'),
    { body: BODY_NONE, hop: ['upgrade', 'connection'] },
  ],
  ['a private status', answer(999, LENGTH), { status: 999, body: BODY_LENGTH }],
  ['a long reason', 'HTTP/1.1 404 Not \tFound \xe9\r\n\r\n', { status: 404, reason: 'Not \tFound \xe9' }],
  ['an empty reason', 'HTTP/1.1 200 \r\n\r\n', { reason: '' }],
  ['no reason and no space', 'HTTP/1.1 200\r\n\r\n', { status: 200, reason: '' }],
  [
    'an idle time',
    ok(`${LENGTH}Keep-Alive: timeout=15, max=100\r\n`),
    { keepAliveTimeoutSec: 15, hop: ['keep-alive'] },
  ],
  ['an idle time after others', ok('Keep-Alive: max=100 , TimeOut=7\r\n'), { keepAliveTimeoutSec: 7 }],
  ['an idle time behind a comma alone', ok('Keep-Alive: max=1,timeout=8\r\n'), { keepAliveTimeoutSec: 8 }],
  ['an idle time of 0', ok('Keep-Alive: timeout=0\r\n'), { keepAliveTimeoutSec: 0 }],
  ['an idle time that is none', ok('Keep-Alive: timeout=x\r\n'), { keepAliveTimeoutSec: -1 }],
  ['no idle time', ok('Keep-Alive: max=1\r\n'), { keepAliveTimeoutSec: -1 }],
  ['events', ok('Content-Type: text/event-stream\r\n'), { eventStream: true }],
  ['events with a charset', ok('Content-Type: Text/Event-Stream;charset=utf-8\r\n'), { eventStream: true }],
  ['events with a space', ok('Content-Type: text/event-stream ; a=b\r\n'), { eventStream: true }],
  ['another type', ok('Content-Type: text/event-streams\r\n'), { eventStream: false }],
  ['a Trailer field without chunks', ok('Trailer: X\r\n'), { hop: ['trailer'] }],
  [
    'what Connection names',
    ok('Connection: X-A, Content-Type\r\nX-A: 1\r\nContent-Type: a/b\r\n'),
    { hop: ['connection', 'x-a'] },
  ],
  ['Proxy-Authenticate', answer(407, 'Proxy-Authenticate: Basic\r\n'), { hop: ['proxy-authenticate'] }],
];

const PROBLEMS: readonly (readonly [what: string, head: string])[] = [
  ['HTTP/0.9: no head at all', '<html>hello</html>'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
  ['HTTP/1.10', 'HTTP/1.10 200 OK\r\n\r\n'],
  ['small letters', 'http/1.1 200 OK\r\n\r\n'],
  ['another protocol', 'ICY 200 OK\r\n\r\n'],
  ['an empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['status 099', 'HTTP/1.1 099 X\r\n\r\n'],
  ['status 000', 'HTTP/1.1 000 X\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['a signed status', 'HTTP/1.1 +20 OK\r\n\r\n'],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n'],
  ['a control character in the reason', 'HTTP/1.1 200 O\x01K\r\n\r\n'],
  ['a NUL in the reason', 'HTTP/1.1 200 \x00\r\n\r\n'],
  ['a bare LF behind the status line', 'HTTP/1.1 200 OK\n\r\n'],
  ['a bare CR in the reason', 'HTTP/1.1 200 O\rK\r\n\r\n'],
  ['a length and chunks', ok(LENGTH + CHUNKED)],
  ['chunks and a length', ok(CHUNKED + LENGTH)],
  ['two lengths', ok('Content-Length: 5\r\nContent-Length: 6\r\n')],
  ['two equal lengths', ok(LENGTH + LENGTH)],
  ['a list of equal lengths', ok('Content-Length: 5, 5\r\n')],
  ['a negative length', ok('Content-Length: -1\r\n')],
  ['an empty length', ok('Content-Length:\r\n')],
  ['an endless length', ok(`Content-Length: ${'9'.repeat(30)}\r\n`)],
  ['gzip, chunked', ok('Transfer-Encoding: gzip, chunked\r\n')],
  ['identity', ok('Transfer-Encoding: identity\r\n')],
  ['chunked twice', ok(CHUNKED + CHUNKED)],
  ['an empty coding', ok('Transfer-Encoding:\r\n')],
  ['chunks in HTTP/1.0', `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n`],
  ['bad framing on a status without body', answer(304, 'Content-Length: x\r\n')],
  ['line folding', ok('X: a\r\n b\r\n')],
  ['a space before the colon', ok('X : a\r\n')],
  ['no colon', ok('abc\r\n')],
  ['an empty name', ok(': a\r\n')],
  ['a bare LF', ok('X: a\nY: b\r\n')],
  ['a bare CR', ok('X: a\rY: b\r\n')],
  ['a NUL in a value', ok('X: \x00\r\n')],
  ['101 lines', ok('X: a\r\n'.repeat(101))],
  ['a head beyond 32 KiB', ok(`X: ${'a'.repeat(32_768)}\r\n`)],
];

describe('response head', () => {
  for (const [what, whole, facts] of ACCEPTED) {
    it(`reads ${what}, wherever it is cut`, () => {
      const head = new ResponseHead();
      const buf = bytes(`junk${whole}rest`);
      for (let cut = 0; cut < whole.length; cut++) expect(head.parse(buf, 4, 4 + cut, false), `at ${cut}`).to.equal(0);
      const length = head.parse(buf, 4, buf.length, false);
      expect(length, length < 0 ? head.problem : '').to.equal(whole.length);
      const lines = Array.from({ length: head.count }, (_, i) => i);
      const seen: Record<string, unknown> = {
        ...head,
        reason: buf.toString('latin1', head.reasonStart, head.reasonEnd),
        hop: lines.filter((i) => head.hop[i] === 1).map((i) => head.name(i).toLowerCase()),
      };
      for (const [name, value] of Object.entries(facts)) expect(seen[name], name).to.deep.equal(value);
    });
  }

  for (const [what, whole] of PROBLEMS) {
    it(`says that ${what} is a problem, however it arrives`, () => {
      const head = new ResponseHead();
      const buf = bytes(whole);
      expect(head.parse(buf, 0, buf.length, false)).to.equal(-1);
      const { problem } = head;
      expect(problem).to.match(/^[A-Z].*\.$/);
      let refused = false;
      for (let cut = 0; cut <= buf.length; cut += buf.length > 2000 ? 97 : 1) {
        const result = head.parse(buf, 0, cut, false);
        if (result === -1) expect(head.problem).to.equal(problem);
        expect(result).to.equal(refused || result === -1 ? -1 : 0);
        refused ||= result === -1;
      }
    });
  }

  for (const lines of ['', LENGTH, CHUNKED]) {
    it(`expects no body after the answer to HEAD with ${JSON.stringify(lines)}`, () => {
      const head = new ResponseHead();
      const whole = ok(lines);
      expect(head.parse(bytes(whole), 0, whole.length, true)).to.equal(whole.length);
      expect(head.body).to.equal(BODY_NONE);
      expect(head.keepAlive).to.equal(true);
      // what HEAD announces is kept: it describes the body of a GET
      if (lines === LENGTH) expect(head.hop[head.indexOf(F.CONTENT_LENGTH)]).to.equal(0);
    });
  }

  it('reads an interim answer and then the final one, which knows nothing of it', () => {
    const head = new ResponseHead();
    const interim = answer(103, 'Keep-Alive: timeout=5\r\nContent-Type: text/event-stream\r\nConnection: close\r\n');
    const buf = bytes(interim + ok(LENGTH));
    expect(head.parse(buf, 0, buf.length, false)).to.equal(interim.length);
    expect(head.parse(buf, interim.length, buf.length, false)).to.equal(buf.length - interim.length);
    expect({ ...head }).to.include({ status: 200, keepAliveTimeoutSec: -1, eventStream: false, keepAlive: true });
  });

  it('reads any damage without an exception, and the same however it arrives', () => {
    const head = new ResponseHead();
    const damaged = fc
      .tuple(
        fc.constantFrom(...ACCEPTED),
        fc.nat(200),
        fc.nat(2),
        fc.constantFrom('', '\r', '\n', '\0', ':', ' ', '\r\n', '9'),
      )
      .map(([[, whole], at, removed, inserted]) => bytes(whole.slice(0, at) + inserted + whole.slice(at + removed)));
    fc.assert(
      fc.property(damaged, fc.nat(200), fc.boolean(), (buf, cut, answersHead) => {
        const early = head.parse(buf, 0, Math.min(cut, buf.length), answersHead);
        const whole = head.parse(buf, 0, buf.length, answersHead);
        if (early !== 0) expect(whole).to.equal(early);
        expect(whole).to.be.at.most(buf.length);
      }),
      { numRuns: runsOf(5000) },
    );
  });
});
