import { expect } from 'chai';
import { ownAddresses } from './own-addresses.ts';

describe('ownAddresses', () => {
  const interfaces = { lo: [{ address: '127.0.0.1' }], eth0: [{ address: '10.1.2.3' }, { address: 'fe80::1' }] };
  const of = (host: string | null, port: number) =>
    ownAddresses([{ host, port }], interfaces, 'Box').map(({ address }) => address);

  it('is every address of the machine for a listener on all interfaces', () => {
    for (const host of [null, '0.0.0.0', '::']) {
      expect(of(host, 80)).to.include.members(['127.0.0.1', '::1', 'localhost', '10.1.2.3', 'box']);
    }
  });

  it('is one address and its names otherwise, and nothing for a port to be chosen', () => {
    expect(of('10.1.2.3', 80)).to.deep.equal(['10.1.2.3']);
    expect(of('127.0.0.1', 80)).to.deep.equal(['127.0.0.1', 'localhost']);
    expect(of('localhost', 80)).to.deep.equal(['localhost', '127.0.0.1', '::1']);
    expect(of(null, 0)).to.deep.equal([]);
  });
});
