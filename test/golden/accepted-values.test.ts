/**
 * What the configuration accepts the allocator must be able to compile: a value that only fails where requests are decided would take
 * all services down with it.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { compileCidrs } from '../../src/allocator/cidr.ts';
import { parseIp } from '../../src/allocator/ip.ts';
import { compileRegex } from '../../src/allocator/regex.ts';
import { cidrProblem } from '../../src/migration/addresses.ts';
import { regexProblem } from '../../src/migration/regex.ts';

describe('accepted values', () => {
  it('are CIDRs that compile and hold their own address', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'0123456789abcdef:./f::'), maxLength: 24 });
    const likely = fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('::ffff:10.0.0.1', '::ffff:0:0', '::1.2.3.4')), fc.nat(130))
      .map(([address, bits]) => `${address}/${bits}`);
    fc.assert(
      fc.property(fc.oneof(soup, likely), (text) => {
        if (cidrProblem(text) !== null) return;
        const [written, bits] = text.split('/');
        const address = parseIp(written);
        expect(address, text).not.to.equal(null);
        // A network of IPv6 that is wider than the mapped addresses holds no IPv4.
        const isWider = address!.family === 4 && written.includes(':') && Number(bits) < 96;
        expect(compileCidrs([text]).firstMatch(address!), text).to.equal(isWider ? -1 : 0);
      }),
      { numRuns: 3000 },
    );
  });

  it('are regexes that compile', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'ab1-^$.|?*+()[]{},\\dsSw'), maxLength: 16 });
    fc.assert(
      fc.property(soup, (source) => {
        if (regexProblem(source) === null) expect(compileRegex(source).test('')).to.be.a('boolean');
      }),
      { numRuns: 3000 },
    );
  });
});
