import { expect } from 'chai';
import fc from 'fast-check';
import { compileCidrs } from '../../../allocator/cidr.ts';
import { parseIp } from '../../../allocator/ip.ts';
import type { IpRule } from '../../../migration/model.ts';
import { longestPrefixRules, networkList } from './networks.ts';

const rules = (...cidrs: string[]): IpRule[] => cidrs.map((cidr) => ({ cidr, target: 'new' }));
const kept = (...cidrs: string[]): string[] => longestPrefixRules(rules(...cidrs)).map(({ cidr }) => cidr);

describe('networks for geo', () => {
  it('drop a rule that an earlier one always wins against, and repeat nothing', () => {
    expect(kept('10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8')).to.deep.equal(['10.0.0.0/8']);
    expect(kept('10.1.0.0/16', '10.0.0.0/8')).to.deep.equal(['10.1.0.0/16', '10.0.0.0/8']);
    expect(kept('0.0.0.0/0', '::/0', '2001:db8::/32', '10.0.0.0/8')).to.deep.equal(['0.0.0.0/0', '::/0']);
  });

  it('know mapped networks as IPv4, and write what nginx takes without a warning', () => {
    expect(kept('::ffff:10.0.0.7/104', '10.0.0.0/8')).to.deep.equal(['10.0.0.0/8']);
    expect(kept('2001:DB8:0:0::5/32')).to.deep.equal(['2001:db8::/32']);
    expect(networkList(['10.0.0.1/8', '::1/128', '10.0.0.0/8', 'x'])).to.deep.equal(['10.0.0.0/8', '::1/128']);
  });

  it('say by the longest prefix what the list says by its order', () => {
    const few = fc.nat(3).map((low) => `10.0.0.${low * 64}`);
    const cidr = fc.oneof(
      fc.tuple(few, fc.integer({ min: 0, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`),
      fc.tuple(few, fc.integer({ min: 80, max: 128 })).map(([ip, bits]) => `::ffff:${ip}/${bits}`),
      fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 128 })).map(([low, bits]) => `2001:db8::${low}/${bits}`),
    );
    const address = fc.oneof(
      few,
      few.map((ip) => `::ffff:${ip}`),
      fc.nat(5).map((low) => `2001:db8::${low}`),
    );
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 8 }), address, (cidrs, text) => {
        const ip = parseIp(text)!;
        const list = cidrs.map((cidr, i): IpRule => ({ cidr, target: i % 3 === 0 ? 'old' : 'new' }));
        const first = compileCidrs(cidrs).firstMatch(ip);
        const geo = longestPrefixRules(list).filter(({ cidr }) => compileCidrs([cidr]).firstMatch(ip) === 0);
        const bits = ({ cidr }: IpRule): number => Number(cidr.split('/')[1]);
        const longest = geo.sort((x, y) => bits(y) - bits(x))[0];
        expect(longest?.target).to.equal(list[first]?.target);
      }),
      { numRuns: 500 },
    );
  });
});
