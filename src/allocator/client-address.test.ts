import { expect } from 'chai';
import { compileCidrs } from './cidr.ts';
import { clientAddress } from './client-address.ts';
import { parseIp } from './ip.ts';

const trusted = compileCidrs(['10.0.0.0/8', '2001:db8::/32']);
const client = (peer: string, forwardedFor: string): string =>
  clientAddress(parseIp(peer)!, trusted, forwardedFor).text;

describe('the client behind trusted proxies', () => {
  const cases: readonly [string, string, string, string][] = [
    ['an untrusted peer is the client, whatever it claims', '192.0.2.1', '10.0.0.1, 198.51.100.7', '192.0.2.1'],
    ['no header: the peer', '10.0.0.1', '', '10.0.0.1'],
    ['the rightmost untrusted address', '10.0.0.1', '203.0.113.9, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
    ['all trusted: the leftmost', '10.0.0.1', '10.0.0.4, 10.0.0.3, 10.0.0.2', '10.0.0.4'],
    ['garbage ends the walk at the last good one', '10.0.0.1', '198.51.100.7, unknown, 10.0.0.2', '10.0.0.2'],
    ['garbage at once: the peer', '10.0.0.1', '198.51.100.7, _hidden', '10.0.0.1'],
    ['garbage left of the client is not looked at', '10.0.0.1', '<script>, 198.51.100.7', '198.51.100.7'],
    ['a port is dropped', '10.0.0.1', '198.51.100.7:4711, 10.0.0.2:80', '198.51.100.7'],
    ['a port of IPv6 stands behind brackets', '10.0.0.1', '[2001:db9::7]:4711', '2001:db9::7'],
    ['IPv6 without a port', '10.0.0.1', '2001:db9::7', '2001:db9::7'],
    ['IPv6 proxies are trusted too', '2001:db8::1', '198.51.100.7, 2001:db8::2', '198.51.100.7'],
    ['mapped addresses are IPv4', '::ffff:10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
    ['spaces, tabs and empty entries mean nothing', '10.0.0.1', ' ,198.51.100.7 ,\t, 10.0.0.2,, ', '198.51.100.7'],
    ['only empty entries: the peer', '10.0.0.1', ', ,', '10.0.0.1'],
    ['brackets without a port are no address', '10.0.0.1', '[2001:db9::7]', '10.0.0.1'],
    ['brackets around IPv4 are no address', '10.0.0.1', '[198.51.100.7]:80', '10.0.0.1'],
    ['a port that is none', '10.0.0.1', '198.51.100.7:0', '10.0.0.1'],
    ['a port beyond 65535', '10.0.0.1', '198.51.100.7:65536', '10.0.0.1'],
    ['two addresses without a comma', '10.0.0.1', '198.51.100.7 198.51.100.8', '10.0.0.1'],
    ['a byte that only looks like a space', '10.0.0.1', '\xa0198.51.100.7', '10.0.0.1'],
  ];
  for (const [name, peer, forwardedFor, expected] of cases) {
    it(name, () => {
      expect(client(peer, forwardedFor)).to.equal(expected);
    });
  }
});
