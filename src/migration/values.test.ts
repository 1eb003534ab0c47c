import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { backendProblem, cidrProblem, formatBackend, hostProblem, parseBackend } from './addresses.ts';
import { formatDurationMs, parseDurationMs } from './duration.ts';
import { quote } from './quote.ts';
import { formatBp, percentToBp } from './share.ts';
import { nearest } from './suggest.ts';

describe('durations', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e10 }), (ms) => {
        expect(parseDurationMs(formatDurationMs(ms))).to.equal(ms);
      }),
    );
  });

  it('takes a number as seconds', () => {
    expect([parseDurationMs(60), parseDurationMs('60'), parseDurationMs(0.2)]).to.deep.equal([60_000, 60_000, 200]);
  });

  it('refuses everything else', () => {
    for (const text of ['', 's', '1', '1 s', '1d', '-1s', '1s1s', '1s1m', '1.s', '.5s', '1S', 'NaN', '１s']) {
      if (text !== '1') expect(parseDurationMs(text), text).to.equal(null);
    }
    expect([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300].map(parseDurationMs)).to.deep.equal([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('percentages', () => {
  it('are exact for every share there is', () => {
    for (let bp = 0; bp <= 10_000; bp++) {
      const text = formatBp(bp);
      expect(text).to.match(/^\d{1,3}(\.\d{1,2})?$/);
      expect(percentToBp(Number(text))).to.equal(bp);
    }
  });

  it('have at most two decimals and stay within 0 and 100', () => {
    for (const percent of [-0.01, 100.01, 0.001, 29.999, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(percentToBp(percent)).to.equal(null);
    }
  });
});

describe('hosts and backends', () => {
  it('come out in one form', () => {
    expect(parseBackend('API.Example:80')).to.deep.equal({ address: 'api.example', port: 80 });
    expect(parseBackend('[2001:DB8:0:0::1]:443')).to.deep.equal({ address: '2001:db8::1', port: 443 });
    expect(formatBackend('2001:db8::1', 443)).to.equal('[2001:db8::1]:443');
  });

  it('take any text without a throw, and what is accepted can be read', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'a1:.[]/-_*%@ é0'), maxLength: 20 });
    fc.assert(
      fc.property(fc.oneof(soup, fc.string(), fc.ipV6(), fc.domain()), (text) => {
        hostProblem(text);
        cidrProblem(text);
        if (backendProblem(text) === null) expect(parseBackend(text).port).to.be.within(1, 65_535);
      }),
      { numRuns: runsOf(3000) },
    );
  });

  it('take every domain and every address', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        expect(hostProblem(domain)).to.equal(null);
      }),
    );
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        expect([hostProblem(ip), cidrProblem(`${ip}/8`)]).to.deep.equal([null, null]);
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), (ip) => {
        expect([backendProblem(`[${ip}]:80`), cidrProblem(`${ip}/64`)]).to.deep.equal([null, null]);
      }),
    );
  });
});

describe('suggestions', () => {
  const known = ['old_host', 'old_backend', 'new_host', 'percentage', 'ca', 'ca_file'];

  it('find slips of the pen and other habits of writing', () => {
    const written = ['old_hots', 'oldHost', 'old-backend', 'PERCENTAGE', 'percent_age', 'ca_fiel'];
    expect(written.map((word) => nearest(word, known))).to.deep.equal([
      'old_host',
      'old_host',
      'old_backend',
      'percentage',
      'percentage',
      'ca_file',
    ]);
  });

  it('say nothing where nothing is near', () => {
    expect(['x', 'weight', '', 'z'.repeat(10_000)].map((word) => nearest(word, known))).to.deep.equal([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('quoting for messages', () => {
  it('keeps any text on one short line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(quote(text)).to.match(/^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$/u);
        expect(quote(text).length).to.be.lessThan(400);
      }),
    );
  });
});
