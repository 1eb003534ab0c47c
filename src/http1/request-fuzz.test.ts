/**
 * Requests with random damage, read by the parser and by a slow, obvious reading of the RFCs.
 * Both must agree on what is a request and on everything that frames or routes it.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, RequestHead } from './request-head.ts';

interface Reading {
  method: string;
  target: string;
  minor: number;
  authority: string;
  fields: [name: string, value: string][];
  body: number;
  length: number;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([^\\x00-\\x20\\x7f#]+) HTTP/1\\.([01])$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):([\\t\\x20-\\x7e\\x80-\\xff]*)$`);
const REG_NAME = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$/;

function isAuthority(text: string): boolean {
  const match = /^(\[([0-9a-fA-F:.]*)\]|[^:]*)(?::([0-9]{0,5}))?$/.exec(text);
  if (match === null || Number(match[3] ?? 0) > 65535) return false;
  if (match[2] !== undefined) return URL.canParse(`http://[${match[2]}]/`);
  return REG_NAME.test(match[1]) && !match[1].includes('..') && match[1] !== '.';
}

/** Null for what is no complete, acceptable request. */
function read(text: string): Reading | null {
  const head = /^(?:\r\n){0,2}([\s\S]*?)\r\n\r\n/.exec(text);
  if (head === null) return null;
  const [first, ...lines] = head[1].split('\r\n');
  const request = REQUEST_LINE.exec(first);
  if (request === null || request[1].length > 32 || lines.length > 100) return null;
  const [, method, requestTarget, minor] = request;
  const fields: [string, string][] = [];
  for (const line of lines) {
    const field = FIELD_LINE.exec(line);
    if (field === null) return null;
    fields.push([field[1], field[2].replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')]);
  }
  const values = (name: string) => fields.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);

  if (method === 'CONNECT' || method === 'TRACE') return null;
  const hosts = values('host');
  if (hosts.length > 1 || hosts.some((host) => !isAuthority(host))) return null;
  const absolute = /^https?:\/\/([^/?]*)(\/.*)?$/is.exec(requestTarget);
  if (absolute !== null && !isAuthority(absolute[1])) return null;
  if (absolute === null && !requestTarget.startsWith('/') && !(requestTarget === '*' && method === 'OPTIONS'))
    return null;
  if (hosts.length === 0 && (absolute === null || minor === '1')) return null;

  const lengths = values('content-length');
  const codings = values('transfer-encoding');
  if (lengths.length + codings.length > 1) return null;
  if (lengths.some((length) => !/^[0-9]+$/.test(length) || BigInt(length) > Number.MAX_SAFE_INTEGER)) return null;
  if (codings.some((coding) => coding.toLowerCase() !== 'chunked' || minor === '0')) return null;
  const expectations = values('expect');
  if (expectations.length > 1 || expectations.some((value) => value.toLowerCase() !== '100-continue')) return null;
  return {
    method,
    target: absolute === null ? requestTarget : (absolute[2] ?? ''),
    minor: Number(minor),
    authority: absolute === null ? hosts[0] : absolute[1],
    fields,
    body: codings.length > 0 ? BODY_CHUNKED : lengths.length > 0 ? BODY_LENGTH : BODY_NONE,
    length: Number(lengths[0] ?? 0),
  };
}

function readingOf(head: RequestHead): Reading {
  const text = (start: number, end: number) => head.buf.toString('latin1', start, end);
  return {
    method: head.method,
    target: text(head.targetStart, head.targetEnd),
    minor: head.minor,
    authority: text(head.authorityStart, head.authorityEnd),
    fields: Array.from({ length: head.count }, (_, i) => [head.name(i), head.value(i)]),
    body: head.body,
    length: head.contentLength,
  };
}

const REQUESTS = [
  'GET /a/b?c=d HTTP/1.1\r\nHost: a.example\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello',
  'PUT /x HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nTrailer: y\r\n\r\n1\r\na\r\n0\r\n\r\n',
  'GET http://b.example/x HTTP/1.1\r\nHost: a\r\nConnection: close, X-A\r\nX-A: 1\r\n\r\n',
  '\r\nOPTIONS * HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n',
];
const PIECES = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\0',
    ':',
    ' ',
    '\t',
    ',',
    ';',
    '/',
    '?',
    '#',
    '*',
    '%',
    '@',
    '[',
    ']',
    '.',
    '..',
  ],
  ...['\x0b', '\x7f', '\x80', '\xa0', '\xff', '"', '_', '-', '+', '0', '9', 'a', 'Z', ' HTTP/1.1', 'http://'],
  ...['\r\nHost: b', '\r\nContent-Length: 0', '\r\nContent-Length: 007', '\r\nTransfer-Encoding: chunked'],
  ...[
    '\r\nTransfer-Encoding: identity',
    '\r\nTransfer-Encoding : chunked',
    '\r\n chunked',
    '\r\n: x',
    '\r\nX',
    '\r\nE:',
  ],
  ...['\r\nConnection: Host, Content-Length', '\r\nExpect: 100-continue', 'HTTP/1.0\r\n', 'HTTP/2.0\r\n'],
];

const mutation = fc.record({
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  /** Bytes to take out there. */
  removed: fc.constantFrom(0, 0, 1, 1, 2, 9),
  inserted: fc.oneof(
    fc.constantFrom('', ...PIECES),
    fc.nat(255).map((byte) => String.fromCharCode(byte)),
  ),
});
const damaged = fc
  .record({ request: fc.constantFrom(...REQUESTS), mutations: fc.array(mutation, { maxLength: 4 }) })
  .map(({ request, mutations }) =>
    mutations.reduce((text, { place, removed, inserted }) => {
      const at = Math.floor(place * text.length);
      return text.slice(0, at) + inserted + text.slice(at + removed);
    }, request),
  );

describe('request head, damaged requests', () => {
  it('agrees with a slow reading of the RFCs, also on what it would send on', () => {
    const head = new RequestHead();
    let accepted = 0;
    fc.assert(
      fc.property(damaged, (text) => {
        const buf = Buffer.from(text, 'latin1');
        const length = head.parse(buf, 0, buf.length);
        const expected = read(text);
        if (length <= 0) {
          expect(expected, head.refusal.detail).to.equal(null);
          return;
        }
        accepted++;
        const reading = readingOf(head);
        expect(reading).to.deep.equal(expected);
        // an absolute target goes on as its path, with its authority as Host
        const target = reading.target === '' ? '/' : reading.target;
        const fields = reading.fields.filter(([name]) => name.toLowerCase() !== 'host');
        fields.push(['Host', reading.authority]);
        const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
        const sentOn = `${reading.method} ${target} HTTP/1.${reading.minor}\r\n${lines}\r\n`;
        expect(read(sentOn)).to.deep.equal({ ...reading, target, fields });
      }),
      { numRuns: runsOf(20_000) },
    );
    expect(accepted, 'requests that survived their damage').to.be.greaterThan(runsOf(1_000));
  });

  it('says the same however the bytes arrive', () => {
    const head = new RequestHead();
    fc.assert(
      fc.property(damaged, fc.double({ min: 0, max: 1, noNaN: true }), (text, part) => {
        const buf = Buffer.from(text, 'latin1');
        const early = head.parse(buf, 0, Math.floor(part * buf.length));
        const earlyRefusal = head.refusal;
        const whole = head.parse(buf, 0, buf.length);
        if (early !== 0) expect(whole).to.equal(early);
        if (early < 0) expect(head.refusal).to.equal(earlyRefusal);
      }),
      { numRuns: runsOf(10_000) },
    );
  });

  it('reads any bytes at all without an exception', () => {
    const head = new RequestHead();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        expect(head.parse(Buffer.from(any), 0, any.length)).to.be.at.most(any.length);
      }),
      { numRuns: runsOf(2000) },
    );
  });
});
