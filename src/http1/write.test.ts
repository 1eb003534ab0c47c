/** Writers: what they write, and that they never write half a text or a line end that nobody asked for. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ChunkedReader, DATA, DONE } from './chunked.ts';
import {
  CHUNK_END,
  isFieldText,
  LAST_CHUNK,
  MAX_CHUNK_HEAD_BYTES,
  writeAscii,
  writeBytes,
  writeChunkHead,
  writeFieldLine,
} from './write.ts';

const written = (buf: Buffer, end: number) => buf.toString('latin1', 0, end);

describe('write', () => {
  it('writes text, bytes and lines one behind the other', () => {
    const buf = Buffer.alloc(64);
    let pos = writeAscii(buf, 0, 'GET ');
    pos = writeBytes(buf, pos, Buffer.from('x/path'), 1, 6);
    pos = writeFieldLine(buf, pos, 'X-A', '\xe9');
    expect(written(buf, pos)).to.equal('GET /pathX-A: \xe9\r\n');
  });

  it('throws rather than write what does not fit or becomes another character', () => {
    const buf = Buffer.alloc(3);
    expect(writeAscii(buf, 0, 'abc')).to.equal(3);
    expect(() => writeAscii(buf, 1, 'abc')).to.throw(RangeError);
    expect(() => writeAscii(buf, 0, '\u010a')).to.throw(RangeError);
    expect(() => writeBytes(buf, 1, Buffer.from('abc'), 0, 3)).to.throw(RangeError);
    expect(() => writeChunkHead(buf, 0, 16)).to.throw(RangeError);
  });

  it('knows which texts may stand in a line', () => {
    for (const text of ['', 'a b', '\t', '\xe9', '~']) expect(isFieldText(text), text).to.equal(true);
    for (const text of ['\r', 'a\nb', '\0', '\x7f', '\u010a', '漢']) expect(isFieldText(text), text).to.equal(false);
  });

  it('writes chunk sizes in hexadecimal', () => {
    const buf = Buffer.alloc(MAX_CHUNK_HEAD_BYTES);
    for (const size of [0, 1, 15, 16, 255, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(written(buf, writeChunkHead(buf, 0, size))).to.equal(`${size.toString(16)}\r\n`);
    }
  });

  it('writes chunks that are read back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (data) => {
        const buf = Buffer.alloc(400);
        let end = writeChunkHead(buf, 0, data.length);
        end = writeBytes(buf, end, Buffer.from(data), 0, data.length);
        end = writeAscii(buf, end, CHUNK_END + LAST_CHUNK);
        const reader = new ChunkedReader();
        expect(reader.next(buf, 0, end)).to.equal(DATA);
        expect([...buf.subarray(reader.dataStart, reader.dataEnd)]).to.deep.equal([...data]);
        expect(reader.next(buf, reader.pos, end)).to.equal(DONE);
        expect(reader.pos).to.equal(end);
      }),
    );
  });
});
