import { expect } from 'chai';
import fc from 'fast-check';
import type { Decided } from './decided.ts';
import { parseFullLine } from './full-line.ts';
import { OutcomeLines } from './outcome-lines.ts';

interface Read {
  readonly brief: unknown[][];
  readonly full: string[];
  readonly garbage: number[];
}

function read(text: string): Read {
  const buf = Buffer.from(text, 'latin1');
  const result: Read = { brief: [], full: [], garbage: [] };
  new OutcomeLines().read(buf, 0, buf.length, {
    brief: (at, endMs, connection, { service, cluster, reason }: Decided, status, durationMs) =>
      result.brief.push([at, endMs, connection, service, cluster, reason, status, durationMs]),
    full: (_at, line) => result.full.push(line),
    garbage: (at) => result.garbage.push(at),
  });
  return result;
}

const LINE = '1795274397.796\t12\tshop\tnew:weight\t200\t0.005\n';

describe('lines of outcome.log', () => {
  it('are read field by field', () => {
    const cart = '1795274398.001\t999999\tcart-2\told:fallback\t404\t12.345\n';
    expect(read(LINE + cart).brief).to.deep.equal([
      [0, 1_795_274_397_796, 12, 'shop', 'new', 'weight', 200, 5],
      [LINE.length, 1_795_274_398_001, 999_999, 'cart-2', 'old', 'fallback', 404, 12_345],
    ]);
  });

  it('that go on after the time are handed on whole', () => {
    expect(read(`${LINE.trim()}\ta\tb\n${LINE}${LINE.trim()}\tc\n`)).to.deep.include({
      full: [`${LINE.trim()}\ta\tb`, `${LINE.trim()}\tc`],
      garbage: [],
    });
  });

  it('of requests without a service have no decision', () => {
    expect(read('1795274397.796\t12\t\t\t404\t0.000\n').brief[0].slice(3, 6)).to.deep.equal(['', 'old', 'default']);
  });

  for (const [what, line] of [
    ['an empty line', '\n'],
    ['a missing field', '1795274397.796\t12\tshop\t200\t0.005\n'],
    ['an unknown cluster', LINE.replace('new:', 'blue:')],
    ['an unknown reason', LINE.replace('weight', 'luck')],
    ['a time without its point', LINE.replace('.', '')],
    ['a status of two digits', LINE.replace('200', '20')],
    ['a name that no service has', LINE.replace('shop', 'Sh op')],
    ['a line cut in its time and glued to the next', `17952${LINE}`],
    ['a line cut at its end and glued to the next', LINE.trimEnd() + LINE],
  ]) {
    it(`with ${what} are left out, and the next one is read`, () => {
      const { brief, garbage } = read(line + LINE);
      expect(garbage).to.deep.equal([0]);
      expect(brief).to.have.length(1);
    });
  }

  it('cut anywhere never become another line, and never cost more than themselves and the one glued to them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: LINE.length - 1 }), (at) => {
        // What looks like a line with details is taken apart by its reader, which knows how many there are.
        const { brief, full, garbage } = read(LINE.slice(0, at) + LINE + LINE);
        expect([...garbage, ...full.filter((text) => parseFullLine(text) === null)]).to.have.length(1);
        expect(full.filter((text) => parseFullLine(text) !== null)).to.deep.equal([]);
        expect(brief).to.have.length(1);
      }),
    );
  });

  it('of many services are told apart', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `service-${i}`);
    const { brief } = read(
      names
        .map((name) => LINE.replace('shop', name))
        .join('')
        .repeat(2),
    );
    expect(brief.map((fields) => fields[3])).to.deep.equal([...names, ...names]);
  });

  it('of any bytes are survived', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (bytes) => {
        read(`${bytes.replaceAll(/[^\x00-\xff]/g, '?')}\n`);
      }),
    );
  });
});
