import { expect } from 'chai';
import fc from 'fast-check';
import { readNginx } from '../../../test/support/nginx-tokens.ts';
import { type Expression, LF, variable } from './expression.ts';
import { quote, quoteLiteral, quoteMapKey } from './quote.ts';
import { ConfigurationFault } from './token.ts';

const HOSTILE = [
  ...';{}"\'\\$#\t ~*=@^(),:/|aZ0é用😀',
  `\${x}`,
  '\\n',
  '$host',
  'default',
  'include',
  '; zz_marker on; #',
  '"; }\n',
];
const hostile = fc.array(fc.constantFrom(...HOSTILE), { maxLength: 12 }).map((pieces) => pieces.join(''));
const acceptable = hostile.filter((text) => !/[\x00-\x1f]/.test(text));

/** The words of a directive that ends with `;`, as nginx reads it. */
function wordsOf(text: string): readonly string[] {
  const { directives, comments } = readNginx(`${text};`);
  expect(comments, text).to.deep.equal([]);
  expect(directives, text).to.have.length(1);
  expect(directives[0].block, text).to.equal(null);
  return directives[0].words;
}

/** What nginx makes of a word where it expands variables, each known by its name. */
function expanded(word: string): string {
  return word.replace(/\$(?:\{([a-z0-9_]*)\}|([A-Za-z0-9_]*))/g, (_, long, short) => {
    const name = long ?? short;
    return name === 'dollar' ? '$' : `<${name}>`;
  });
}

describe('quoting for nginx', () => {
  it('keeps any text one word, and every character of it', () => {
    fc.assert(
      fc.property(acceptable, (text) => {
        expect(wordsOf(`set ${quoteLiteral(text, 'f')}`)).to.deep.equal(['set', text]);
        expect(wordsOf(`set ${quote([text], 'f')}`).map(expanded)).to.deep.equal(['set', text]);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps text and variables apart, however they touch', () => {
    const part = fc.oneof(acceptable, fc.constantFrom('host', 'http_x_id', 'a1').map(variable), fc.constant(LF));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (expression: Expression) => {
        const told = expression.map((p) => {
          if (p === LF) return '\n';
          return typeof p === 'string' ? p : `<${(p as { variable: string }).variable}>`;
        });
        expect(wordsOf(`set ${quote(expression, 'f')}`).map(expanded)).to.deep.equal(['set', told.join('')]);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses what no field may hold, and names the field', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom('\n', '\r', '\0', '\t', '\x7f', '\ud800'), hostile, (before, bad, after) => {
        for (const write of [quoteLiteral, (text: string, field: string) => quote([text], field)]) {
          expect(() => write(before + bad + after, 'header value')).to.throw(ConfigurationFault, 'header value');
        }
      }),
    );
  });

  it('reads well: quotes and braces only where they are needed', () => {
    const cases: readonly (readonly [Expression, string])[] = [
      [['api-name01'], 'api-name01'],
      [[variable('host')], '$host'],
      [['cohort:', variable('http_x_id')], 'cohort:$http_x_id'],
      [[variable('a'), 'b'], `\${a}b`],
      [[variable('a'), LF, variable('b')], '"$a\\n$b"'],
      [[], '""'],
      [['two words'], '"two words"'],
      [['5$'], '5$dollar'],
      [['$5'], `\${dollar}5`],
    ];
    for (const [expression, text] of cases) expect(quote(expression, 'f')).to.equal(text);
    expect(quoteLiteral('a$b', 'f')).to.equal('"a$b"');
  });

  it('takes a word of as many bytes as nginx reads, and no more', () => {
    for (const character of ['a', 'é', '用']) {
      const bytes = Buffer.byteLength(character);
      const longest = ` ${character.repeat((4093 - (4093 % bytes)) / bytes)}`;
      expect(wordsOf(`set ${quoteLiteral(longest, 'f')}`)[1]).to.equal(longest);
      expect(() => quoteLiteral(`${longest}${character.repeat(2)}`, 'f')).to.throw(ConfigurationFault, '4096 bytes');
    }
  });

  it('hides from map what map would take for its own', () => {
    for (const text of ['default', 'include', 'volatile', 'hostnames', '~x', '\\x']) {
      expect(wordsOf(`${quoteMapKey({ kind: 'exact', text }, 'f')} v`)[0]).to.equal(`\\${text}`);
    }
    expect(quoteMapKey({ kind: 'exact', text: 'Default' }, 'f')).to.equal('Default');
    expect(wordsOf(`${quoteMapKey({ kind: 'regex', pattern: '^a\\d"$' }, 'f')} v`)[0]).to.equal('~^a\\d"$');
  });

  it('takes names of variables that are names', () => {
    for (const name of ['', '1', 'a-b', 'a b', 'a}', 'Host', 'a\n']) {
      expect(() => quote([variable(name)], 'f'), name).to.throw(ConfigurationFault, 'variable name');
    }
  });
});
