/** IPv6 literals, the one part of an authority with rules of its own; the rest stands in the request tables. */
import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { Authority } from './authority.ts';

function hostOf(text: string): string | null {
  const authority = new Authority();
  const buf = Buffer.from(text, 'latin1');
  return authority.read(buf, 0, buf.length) ? buf.toString('latin1', authority.hostStart, authority.hostEnd) : null;
}

describe('authority', () => {
  for (const address of [
    ...['::', '::1', '1::', '1::8', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8', '1:2:3::6:7:8'],
    ...['abcd:EF01::', '::ffff:1.2.3.4', '1:2:3:4:5:6:255.255.255.255', '::0.0.0.0', '64:ff9b::192.0.2.33'],
  ]) {
    it(`takes [${address}]`, () => expect(hostOf(`[${address}]:80`)).to.equal(address));
  }

  for (const address of [
    ...[
      '',
      ':',
      '1',
      ':1',
      '1:',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      '12345::',
    ],
    ...[
      'g::',
      '::1.2.3',
      '::1.2.3.4.5',
      '::1.2.3.256',
      '::1.2.3.04',
      '::1.2.3.',
      '::.1.2.3',
      '::1.2.3.4:1',
      '::a.2.3.4',
    ],
    ...['1:2:3:4:5:6:7:1.2.3.4', '1.2.3.4', '::1%1', '::1 ', '[::1]'],
  ]) {
    it(`refuses [${address}]`, () => expect(hostOf(`[${address}]`)).to.equal(null));
  }

  it('agrees with the URL standard on any likely address', () => {
    const part = fc.constantFrom('', ':', '::', '0', '1', 'ab', 'ffff', '12345', '.', '1.2.3.4', '255', '256', 'g');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 18 }), (parts) => {
        const address = parts.join('');
        expect(hostOf(`[${address}]`) !== null, address).to.equal(URL.canParse(`http://[${address}]/`));
      }),
      { numRuns: runsOf(20_000) },
    );
  });
});
