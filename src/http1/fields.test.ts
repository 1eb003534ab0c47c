/** Looking up headers and cookies in the lines of a head. */
import { expect } from 'chai';
import fc from 'fast-check';
import { F, fieldId } from './field-names.ts';
import { Fields } from './fields.ts';
import { RequestHead } from './request-head.ts';

function headOf(lines: string): RequestHead {
  const head = new RequestHead();
  const whole = `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
  expect(head.parse(Buffer.from(whole, 'latin1'), 0, whole.length)).to.equal(whole.length);
  return head;
}

describe('field names', () => {
  it('knows its names in any case and nothing else', () => {
    for (const [key, id] of Object.entries(F)) {
      if (id === F.OTHER) continue;
      const name = key.toLowerCase().replaceAll('_', '-');
      for (const text of [name, name.toUpperCase()])
        expect(fieldId(Buffer.from(text), 0, text.length), text).to.equal(id);
      for (const text of [`${name}x`, `x${name}`, name.slice(1), `${name.slice(0, -1)}_`]) {
        expect(fieldId(Buffer.from(text), 0, text.length), text).to.equal(F.OTHER);
      }
    }
    expect(fieldId(Buffer.alloc(0), 0, 0)).to.equal(F.OTHER);
    expect(fieldId(Buffer.alloc(5000, 'a'), 0, 5000)).to.equal(F.OTHER);
  });
});

describe('fields', () => {
  const head = headOf(
    'X-User-ID: u1\r\nx-user-id:\r\nX-USER-ID: u2\r\nX_Team: t\r\nX-Empty:\r\nX-Latin: \xe9\r\n' +
      'Cookie: a=1; b=2;c = 3 ;d;=x; a=9;e=\r\ncookie:  f="q;r";g=x=y; A=4; h=\t5\t\r\n',
  );

  for (const [name, value] of [
    ['x-user-id', 'u1, , u2'],
    ['x-empty', ''],
    ['x-latin', '\xe9'],
    ['host', 'a'],
    ['x-user', ''],
    ['x-absent', ''],
    ['x_team', ''],
    ['x-team', ''],
  ]) {
    it(`reads the header ${name} as ${JSON.stringify(value)}`, () => expect(head.header(name)).to.equal(value));
  }

  for (const [name, value] of [
    ['a', '1'],
    ['A', '4'],
    ['b', '2'],
    ['c', '3'],
    ['d', ''],
    ['e', ''],
    ['f', '"q'],
    ['g', 'x=y'],
    ['h', '5'],
    ['r"', ''],
    ['absent', ''],
  ]) {
    it(`reads the cookie ${name} as ${JSON.stringify(value)}`, () => expect(head.cookie(name)).to.equal(value));
  }

  it('finds the first line of a known field', () => {
    expect(head.indexOf(F.COOKIE)).to.equal(7);
    expect(head.has(F.COOKIE)).to.equal(true);
    expect(head.has(F.VIA)).to.equal(false);
    expect(head.indexOf(F.VIA)).to.equal(-1);
    expect([head.name(1), head.value(1)]).to.deep.equal(['X-User-ID', 'u1']);
  });

  it('forgets its lines', () => {
    const other = headOf('X-A: 1\r\n');
    other.reset();
    expect([other.count, other.header('x-a'), other.has(F.HOST)]).to.deep.equal([0, '', false]);
    expect(new Fields().count).to.equal(0);
  });

  it('finds every cookie that was sent', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.!%'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.dictionary(word, word, { minKeys: 1 }),
        fc.constantFrom('; ', ';', ' ; '),
        (cookies, separator) => {
          const sent = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
          const half = Math.floor(sent.length / 2);
          const line = (pairs: string[]) => `Cookie: ${pairs.join(separator)}\r\n`;
          const parsed = headOf(line(sent.slice(0, half)) + line(sent.slice(half)));
          for (const [name, value] of Object.entries(cookies)) expect(parsed.cookie(name)).to.equal(value);
        },
      ),
    );
  });
});
