import { expect } from 'chai';
import { peerAddress } from './peer-address.ts';

describe('proxy/peer-address', () => {
  const addresses: [system: string | undefined, known: string | null][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::a:b%2', 'fe80::a:b'],
    [undefined, null],
  ];
  for (const [system, known] of addresses) {
    it(`${system} is ${known}`, () => {
      expect(peerAddress(system)?.text ?? null).to.equal(known);
    });
  }
});
