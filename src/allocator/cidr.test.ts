import { expect } from 'chai';
import fc from 'fast-check';
import IPCIDR from 'ip-cidr';
import { compileCidrs } from './cidr.ts';
import { parseIp } from './ip.ts';

const first = (cidrs: readonly string[], ip: string): number => compileCidrs(cidrs).firstMatch(parseIp(ip)!);

/** Few distinct octets, so that networks nest and repeat, and addresses fall on their edges. */
const octet = fc.constantFrom(0, 1, 10, 127, 128, 255);
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const group = fc.constantFrom('0', '1', '2001', '7fff', '8000', 'ffff');
const ipv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => `2${groups.join(':').slice(1)}`);
const cidr4 = fc.tuple(ipv4, fc.nat(32)).map(([ip, bits]) => `${ip}/${bits}`);
const cidr6 = fc.tuple(ipv6, fc.nat(128)).map(([ip, bits]) => `${ip}/${bits}`);

describe('CIDR look-up', () => {
  it('names the first rule of the list, not the narrowest', () => {
    expect(first(['10.0.0.0/8', '10.1.0.0/16'], '10.1.2.3')).to.equal(0);
    expect(first(['10.1.0.0/16', '10.0.0.0/8'], '10.1.2.3')).to.equal(0);
    expect(first(['10.1.0.0/16', '10.0.0.0/8'], '10.2.2.3')).to.equal(1);
    expect(first(['10.0.0.0/8', '10.0.0.0/8'], '10.2.2.3')).to.equal(0);
  });

  it('answers -1 where no rule holds the address, and for no rules at all', () => {
    expect(first(['10.0.0.0/8'], '11.0.0.0')).to.equal(-1);
    expect(first(['10.0.0.0/8'], '9.255.255.255')).to.equal(-1);
    expect(first(['10.0.0.0/8'], '2001:db8::1')).to.equal(-1);
    expect(first([], '10.0.0.1')).to.equal(-1);
  });

  it('holds the ends of the address space', () => {
    expect(first(['255.255.255.255/32'], '255.255.255.255')).to.equal(0);
    expect(first(['0.0.0.0/0'], '255.255.255.255')).to.equal(0);
    expect(first(['::/0'], 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')).to.equal(0);
  });

  it('reads a network with host bits as the network', () => {
    expect(first(['10.1.2.3/8'], '10.200.0.1')).to.equal(0);
  });

  it('takes a mapped network as the IPv4 network that it is', () => {
    for (const cidr of ['::ffff:10.0.0.0/104', '::ffff:a00:0/104', '0:0:0:0:0:ffff:10.0.0.0/104']) {
      expect(first([cidr], '10.9.9.9')).to.equal(0);
      expect(first([cidr], '11.9.9.9')).to.equal(-1);
    }
    expect(first(['::/0'], '::ffff:10.0.0.1')).to.equal(-1);
  });

  it('throws on text that is no CIDR', () => {
    for (const text of [
      '10.0.0.0',
      '10.0.0.0/33',
      '10.0.0/8',
      '010.0.0.0/8',
      '::1/129',
      'fe80::1%eth0/64',
      '10.0.0.0/',
      'x/8',
    ]) {
      expect(() => compileCidrs([text]), text).to.throw();
    }
  });

  it('agrees with ip-cidr asked rule by rule', () => {
    const list = fc.array(fc.oneof(cidr4, cidr6), { maxLength: 12 });
    const addresses = fc.array(fc.oneof(ipv4, ipv6), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(list, addresses, (cidrs, ips) => {
        const lookup = compileCidrs(cidrs);
        const networks = cidrs.map((cidr) => new IPCIDR(cidr));
        for (const ip of ips) {
          const expected = networks.findIndex(
            ({ cidr }, i) => cidr.includes(':') === ip.includes(':') && networks[i].contains(ip),
          );
          expect(lookup.firstMatch(parseIp(ip)!), `${ip} in ${cidrs}`).to.equal(expected);
        }
      }),
    );
  });
});
