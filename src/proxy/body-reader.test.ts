import { expect } from 'chai';
import fc from 'fast-check';
import { RequestHead } from '../http1/request-head.ts';
import { BodyReader } from './body-reader.ts';

const CHUNKED = headOf('Transfer-Encoding: chunked');

function headOf(framing: string): RequestHead {
  const head = new RequestHead();
  const bytes = Buffer.from(`POST / HTTP/1.1\r\nHost: a.test\r\n${framing}\r\n\r\n`);
  expect(head.parse(bytes, 0, bytes.length)).to.equal(bytes.length);
  return head;
}

/** What came of bytes that arrived in these pieces: the body's pieces, and how it ended. */
function read(head: RequestHead, arrivals: readonly Buffer[]) {
  const pieces: string[] = [];
  let end = 'open';
  const reader = new BodyReader({
    onBodyPiece: (piece) => pieces.push(piece.toString('latin1')),
    onBodyEnd: () => {
      end = 'complete';
    },
    onBodyMalformed: () => {
      end = 'malformed';
    },
  });
  reader.begin(head);
  const rest = arrivals.map((bytes) =>
    reader.open ? bytes.toString('latin1', reader.feed(bytes, 0)) : bytes.toString(),
  );
  return { pieces, end, rest: rest.join('') };
}

const framed = (chunks: readonly string[]): string =>
  `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;

describe('proxy/body-reader', () => {
  it('what one read brought is one piece, however many chunks it was cut into', () => {
    const chunks = [...'a body in the smallest chunks there are'];
    const got = read(CHUNKED, [Buffer.from(`${framed(chunks)}GET /next`)]);
    expect(got).to.deep.equal({ pieces: [chunks.join('')], end: 'complete', rest: 'GET /next' });
  });

  it('data before a broken chunk is given, and then the break', () => {
    expect(read(CHUNKED, [Buffer.from('2\r\nok\r\n+1\r\n')])).to.deep.include({ pieces: ['ok'], end: 'malformed' });
  });

  it('a body of known length ends where it says', () => {
    expect(read(headOf('Content-Length: 5'), [Buffer.from('he'), Buffer.from('lloGET')])).to.deep.equal({
      pieces: ['he', 'llo'],
      end: 'complete',
      rest: 'GET',
    });
  });

  it('the same body comes of any chunks in any cut', () => {
    const chunk = fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 6 }), (chunks, cuts) => {
        const bytes = Buffer.from(`${framed(chunks)}rest`, 'latin1');
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((x, y) => x - y), bytes.length];
        const arrivals = places.slice(1).map((end, i) => Buffer.from(bytes.subarray(places[i], end)));
        const got = read(CHUNKED, arrivals);
        expect(got.pieces.join('')).to.equal(chunks.join(''));
        expect(got).to.include({ end: 'complete', rest: 'rest' });
      }),
    );
  });
});
