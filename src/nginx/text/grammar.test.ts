import { expect } from 'chai';
import fc from 'fast-check';
import { readNginx } from '../../../test/support/nginx-tokens.ts';
import * as grammar from './grammar.ts';
import { ConfigurationFault } from './token.ts';

const texts: Readonly<Record<string, (text: string) => string>> = {
  hostName: (text) => grammar.hostName(text, 'field'),
  endpoint: (text) => grammar.endpoint(text, 80, 'field'),
  network: (text) => grammar.network(text, 'field'),
  hexId: (text) => grammar.hexId(text, 'field'),
  upstreamName: (text) => grammar.upstreamName(text, 'field'),
  laneName: (text) => grammar.laneName(text, 'field'),
  userName: (text) => grammar.userName(text, 'field'),
  headerVariable: (text) => grammar.headerVariable(text, 'field'),
  absolutePath: (text) => grammar.absolutePath(text, 'field'),
};
const SOUP = [...';{}"\'\\$#\r\n\t\0 ~*=@^(),:/|%[]-_.aAzZ019éа', '10.0.0.1', '::1', '/8', 'api.test', '@new', '/var/'];
const soup = fc.array(fc.constantFrom(...SOUP), { maxLength: 8 }).map((pieces) => pieces.join(''));

describe('grammars of nginx words', () => {
  for (const [kind, print] of Object.entries(texts)) {
    it(`${kind}: one word that nginx reads as it stands, or a fault that names the field`, () => {
      fc.assert(
        fc.property(soup, (text) => {
          let word: string;
          try {
            word = print(text);
          } catch (error) {
            expect(error).to.be.instanceOf(ConfigurationFault);
            expect((error as Error).message).to.include('field');
            return;
          }
          const [directive, ...rest] = readNginx(`d ${word};`).directives;
          expect(rest).to.deep.equal([]);
          expect(directive.block).to.equal(null);
          expect(directive.words, text).to.have.length(2);
          // Templates may put more text before or after it.
          expect(directive.words[1]).to.equal(word);
          expect(word).not.to.match(/["'\\$;{}#\s]/);
        }),
        { numRuns: 3000 },
      );
    });
  }

  it('print what nginx knows', () => {
    expect(grammar.hostName('api_1.example.com', 'f')).to.equal('api_1.example.com');
    expect(grammar.endpoint('2001:db8::1', 443, 'f')).to.equal('[2001:db8::1]:443');
    expect(grammar.endpoint('10.0.0.1', 80, 'f')).to.equal('10.0.0.1:80');
    expect([0, 500, 1_000, 90_000].map((ms) => grammar.duration(ms, 'f'))).to.deep.equal(['0s', '500ms', '1s', '90s']);
    expect([0, 1, 1_024, 65_536, 1_048_576, 1_572_864].map((n) => grammar.size(n, 'f'))).to.deep.equal([
      '0',
      '1',
      '1k',
      '64k',
      '1m',
      '1536k',
    ]);
    expect([1, 7, 1_000, 1_234, 3_330, 9_999].map((bp) => grammar.percent(bp, 'f'))).to.deep.equal([
      '0.01%',
      '0.07%',
      '10%',
      '12.34%',
      '33.3%',
      '99.99%',
    ]);
    expect(grammar.network('10.255.3.4/9', 'f')).to.equal('10.128.0.0/9');
    expect(grammar.network('2001:db8:ffff::1/33', 'f')).to.equal('2001:db8:8000::/33');
    expect(grammar.network('::ffff:10.1.2.3/104', 'f')).to.equal('10.0.0.0/8');
    expect(grammar.network('::1.2.3.4/0', 'f')).to.equal('::/0');
    expect(grammar.headerVariable('X-User-ID', 'f')).to.equal('http_x_user_id');
    expect(grammar.absolutePath('/tmp/a~b@[c],é=%', 'f')).to.equal('/tmp/a~b@[c],é=%');
  });

  it('print every share of two decimals exactly', () => {
    for (let bp = 1; bp <= 10_000; bp++) {
      const text = grammar.percent(bp, 'f');
      expect(text).to.match(/^\d{1,3}(\.\d{1,2})?%$/);
      expect(Math.round(Number.parseFloat(text) * 100)).to.equal(bp);
    }
  });

  it('refuse numbers that are none', () => {
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21]) {
      for (const print of [
        grammar.duration,
        grammar.size,
        grammar.wholeNumber,
        grammar.percent,
        grammar.portNumber,
        grammar.statusCode,
      ]) {
        expect(() => print(value, 'field'), `${value}`).to.throw(ConfigurationFault, 'field');
      }
    }
  });

  it('keep of a CA the certificates alone', () => {
    expect(() => grammar.pemFile('ssl_engine x;', 'ca')).to.throw(ConfigurationFault, 'ca');
  });
});
