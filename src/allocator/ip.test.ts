import { expect } from 'chai';
import fc from 'fast-check';
import { parseIp } from './ip.ts';

const GOOD: readonly [string, string][] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::ffff:a01:203', '10.1.2.3'],
  ['0:0:0:0:0:FFFF:0a01:0203', '10.1.2.3'],
  ['::10.1.2.3', '::a01:203'],
];
const BAD = [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '1.2.3.04',
  '00.0.0.0',
  '256.1.1.1',
  '1.2.3.4 ',
  ' 1.2.3.4',
  '1..2.3',
  '1.2.3.',
  '.1.2.3',
  '0x10.1.2.3',
  '+1.2.3.4',
  '1.2.3.4:80',
  '[::1]',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  ':1::2',
  '1:2:',
  '1:2:3:4:5:6:7:8::',
  '12345::',
  'g::1',
  '1.2.3.4::',
  '::1.2.3',
  '::1.2.3.04',
  'fe80::1%eth0',
  '::ffff:1.2.3.4.5',
  'unknown',
];

describe('IP addresses', () => {
  for (const [text, canonical] of GOOD) {
    it(`${text} is ${canonical}`, () => {
      expect(parseIp(text)?.text).to.equal(canonical);
    });
  }

  for (const text of BAD) {
    it(`${JSON.stringify(text)} is none`, () => {
      expect(parseIp(text)).to.equal(null);
    });
  }

  it('mapped into IPv6 are the IPv4 address itself', () => {
    expect(parseIp('::ffff:10.1.2.3')).to.deep.equal(parseIp('10.1.2.3'));
  });

  it('read back from their canonical text are the same', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const ip = parseIp(text);
        expect(ip).to.not.equal(null);
        expect(parseIp(ip!.text)).to.deep.equal(ip);
      }),
    );
  });
});
