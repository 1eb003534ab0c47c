/** The chunked coding: what is accepted gives the same data in every cut; what is refused is refused in every cut. */
import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { BAD, ChunkedReader, DATA, DONE, MAX_TRAILER_BYTES, NEED_MORE } from './chunked.ts';

interface Result {
  end: number;
  data: string;
  /** Bytes consumed. */
  length: number;
}

/** Reads the text cut at the given positions. */
function readIn(text: string, cuts: readonly number[], reader = new ChunkedReader()): Result {
  reader.reset();
  const buf = Buffer.from(text, 'latin1');
  let data = '';
  let pos = 0;
  let event: number = NEED_MORE;
  for (const end of [...cuts, buf.length]) {
    for (;;) {
      event = reader.next(buf, pos, end);
      pos = reader.pos;
      if (event !== DATA) break;
      expect(reader.dataEnd).to.be.greaterThan(reader.dataStart);
      data += buf.toString('latin1', reader.dataStart, reader.dataEnd);
    }
    if (event === NEED_MORE) expect(pos, 'all is read before more is asked for').to.equal(end);
    else break;
  }
  return { end: event, data, length: pos };
}

const everyByte = (text: string) => Array.from({ length: text.length }, (_, i) => i);

const ACCEPTED: readonly (readonly [what: string, body: string, data: string])[] = [
  ['nothing', '0\r\n\r\n', ''],
  ['one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['several chunks', '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'],
  ['sizes in both cases', 'a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789'],
  ['leading zeros', '0000000000000001\r\na\r\n000\r\n\r\n', 'a'],
  ['16 digits in every size', '0000000000000001\r\na\r\n0000000000000001\r\nb\r\n0\r\n\r\n', 'ab'],
  ['trailers of 8 KiB', `0\r\nX: ${'a'.repeat(MAX_TRAILER_BYTES - 6)}\r\n\r\n`, ''],
  ['line ends in the data', '4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n'],
  ['an extension, dropped', '1;foo=bar\r\na\r\n0;last\r\n\r\n', 'a'],
  ['a quoted extension', '1; foo="b;\\"a\\\\" ;x\r\na\r\n0\r\n\r\n', 'a'],
  ['an extension of 4 KiB', `1;${'x'.repeat(4096)}\r\na\r\n0\r\n\r\n`, 'a'],
  ['trailers, dropped', '1\r\na\r\n0\r\nX-Sum: 1\r\nServer-Timing:\r\n\r\n', 'a'],
  ['a trailer with a long name', `0\r\n${'x'.repeat(500)}: a\r\n\r\n`, ''],
  ['a trailer that only begins like a bad one', '0\r\nContent-Lengths: a\r\nHosts: b\r\nX-Forward: c\r\n\r\n', ''],
  [
    'extensions that grow with the data',
    [...Array(40).fill(`400;${'x'.repeat(1024)}\r\n${'d'.repeat(1024)}\r\n`), '0\r\n\r\n'].join(''),
    'd'.repeat(40_960),
  ],
];

const REFUSED: readonly (readonly [what: string, body: string])[] = [
  ...['0x1', '+1', '-1', '0_2e', ' 1', '\t1', '1 ', '1\t', '', 'g', '1g', '.1', '1.0', '\xb2', "'1", '1,', '0 '].map(
    (size) => [`the size ${JSON.stringify(size)}`, `${size}\r\na\r\n0\r\n\r\n`] as const,
  ),
  ['a size without end', 'FFFFFFFFFFFFFFFF1\r\na'],
  ['a size of 2^64 + 1', '10000000000000001\r\na'],
  ['a size of 2^53', '20000000000000\r\na'],
  ['17 digits', `${'0'.repeat(16)}1\r\na`],
  ['a bare LF behind the size', '1\na\r\n0\r\n\r\n'],
  ['a bare CR behind the size', '1\ra\r\n0\r\n\r\n'],
  ['two CRs behind the size', '1\r\r\na\r\n0\r\n\r\n'],
  ['a bare LF behind the data', '1\r\na\n0\r\n\r\n'],
  ['a bare CR behind the data', '1\r\na\r0\r\n\r\n'],
  ['another two bytes behind the data', '1\r\naXX0\r\n\r\n'],
  ['data longer than its size', '1\r\nab\r\n0\r\n\r\n'],
  ['nothing behind the data', '1\r\na0\r\n\r\n'],
  ['a bare LF in an extension', '1;a\nb\r\na\r\n0\r\n\r\n'],
  ['a bare CR in an extension', '1;a\rb\r\na\r\n0\r\n\r\n'],
  ['a NUL in an extension', '1;\x00\r\na\r\n0\r\n\r\n'],
  ['a line end in a quoted extension', '1;a="\r\n"\r\n0\r\n\r\n'],
  ['a line end behind a backslash', '1;a="\\\r\n"\r\n0\r\n\r\n'],
  ['an extension of more than 4 KiB', `1;${'x'.repeat(4097)}\r\na\r\n0\r\n\r\n`],
  ['extensions without end', `1;${'x'.repeat(1000)}\r\na\r\n`.repeat(20)],
  ['a bare LF at the end', '0\r\n\n'],
  ['a bare CR at the end', '0\r\n\rX'],
  ['a bare LF behind the last size', '0\n\r\n'],
  ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n'],
  ['a trailer without colon', '0\r\nabc\r\n\r\n'],
  ['a trailer without name', '0\r\n: a\r\n\r\n'],
  ['a space before the colon of a trailer', '0\r\nX : a\r\n\r\n'],
  ['a NUL in a trailer', '0\r\nX: \x00\r\n\r\n'],
  ['a bare LF in a trailer', '0\r\nX: a\n\r\n'],
  ['a bare CR in a trailer', '0\r\nX: a\rb\r\n\r\n'],
  ['a request instead of trailers', '0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['trailers of more than 8 KiB', `0\r\nX: ${'a'.repeat(MAX_TRAILER_BYTES - 5)}\r\n\r\n`],
  ...[
    ...['Content-Length', 'transfer-encoding', 'HOST', 'Connection', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Via'],
    ...[
      'Cookie',
      'Set-Cookie',
      'Authorization',
      'Proxy-Authorization',
      'X-Forwarded-For',
      'x-forwarded-whatever-else-there-is',
    ],
    ...['Content-Type', 'Content-Encoding', 'Content-Range', 'Expect', 'Location', 'Forwarded', 'X-Request-ID'],
  ].map((name) => [`${name} as trailer`, `0\r\nX: a\r\n${name}: 5\r\n\r\n`] as const),
];

describe('chunked', () => {
  for (const [what, body, data] of ACCEPTED) {
    it(`reads ${what}, and leaves what follows`, () => {
      const reader = new ChunkedReader();
      const text = `${body}GET / HTTP/1.1\r\n`;
      const whole = { end: DONE, data, length: body.length };
      expect(readIn(text, [], reader)).to.deep.equal(whole);
      expect(readIn(text, everyByte(text), reader)).to.deep.equal(whole);
      const step = body.length > 2000 ? 997 : 1;
      for (let cut = 0; cut <= text.length; cut += step) expect(readIn(text, [cut], reader)).to.deep.equal(whole);
      for (let end = 0; end < body.length; end += step) expect(readIn(body.slice(0, end), []).end).to.equal(NEED_MORE);
    });
  }

  for (const [what, body] of REFUSED) {
    it(`refuses ${what}`, () => {
      const reader = new ChunkedReader();
      const whole = readIn(body, [], reader);
      expect(whole.end).to.equal(BAD);
      expect(reader.problem).to.match(/^[A-Z].*\.$/);
      expect(readIn(body, everyByte(body), reader)).to.deep.equal(whole);
      const step = body.length > 2000 ? 997 : 1;
      for (let cut = 0; cut <= body.length; cut += step) expect(readIn(body, [cut], reader)).to.deep.equal(whole);
    });
  }

  it('stays at its end', () => {
    const reader = new ChunkedReader();
    readIn('0\r\n\r\n', [], reader);
    expect(reader.next(Buffer.from('5\r\n'), 0, 3)).to.equal(DONE);
    expect(reader.pos).to.equal(0);
    readIn('x', [], reader);
    expect(reader.next(Buffer.from('5\r\n'), 0, 3)).to.equal(BAD);
    expect(reader.pos).to.equal(0);
  });

  it('announces the largest chunk and waits for its data', () => {
    expect(readIn('1fffffffffffff\r\nab', [])).to.deep.equal({ end: NEED_MORE, data: 'ab', length: 18 });
  });

  it('reads back any data in any chunks and any cuts', () => {
    const reader = new ChunkedReader();
    const chunk = fc.string({ unit: fc.constantFrom(...'ab0\r\n;:"'), minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(chunk), fc.array(fc.nat(400)), (chunks, places) => {
        const body = `${chunks.map((data) => `${data.length.toString(16)}\r\n${data}\r\n`).join('')}0\r\n\r\n`;
        const cuts = places.filter((place) => place < body.length).sort((a, b) => a - b);
        expect(readIn(body, cuts, reader)).to.deep.equal({ end: DONE, data: chunks.join(''), length: body.length });
      }),
      { numRuns: runsOf(2000) },
    );
  });

  it('reads damaged bodies without an exception, and the same in any cut', () => {
    const reader = new ChunkedReader();
    const piece = fc.constantFrom('', '\r', '\n', '\r\n', '\0', ' ', ';', '"', '0', '5', 'f', ':', '\x80', '0\r\n\r\n');
    fc.assert(
      fc.property(
        fc.constantFrom(...ACCEPTED),
        fc.nat(60),
        fc.nat(2),
        piece,
        fc.nat(60),
        ([, body], at, removed, put, cut) => {
          const text = body.slice(0, at) + put + body.slice(at + removed);
          expect(readIn(text, [Math.min(cut, text.length)], reader)).to.deep.equal(readIn(text, []));
        },
      ),
      { numRuns: runsOf(5000) },
    );
  });
});
