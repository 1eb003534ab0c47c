import { expect } from 'chai';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { runsOf } from '../../test/support/runs.ts';
import { regexProblem } from './regex.ts';

const literal = fc.constantFrom('a', 'Z', '7', '-', '/', ' ', '_', ',', ':', '=', '<', '"', '%', '~');
const punctuation = fc.constantFrom(...'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');
const escaped = fc.oneof(
  fc.constantFrom('\\d', '\\D', '\\w', '\\W', '\\s', '\\S'),
  punctuation.map((char) => `\\${char}`),
);
const classMember = fc.oneof(
  fc.constantFrom('a', 'x', '5', '.', '^', '$', '+', 'a-f', '0-9', '!-/', '\\d', '\\W', '\\s', '\\-', '\\]', '\\['),
  fc.constantFrom('\\.-\\/', '\\--a'),
);
const charClass = fc
  .tuple(fc.constantFrom('[', '[^'), fc.array(classMember, { minLength: 1, maxLength: 4 }), fc.constantFrom(']', '-]'))
  .map(([open, members, close]) => `${open}${members.join('')}${close}`);
const quantifier = fc
  .tuple(fc.constantFrom('', '', '', '*', '+', '?', '{3}', '{0}', '{2,}', '{1,4}', '{0,9}'), fc.constantFrom('', '?'))
  .map(([repeat, lazy]) => (repeat === '' ? '' : repeat + lazy));
const { regex } = fc.letrec<{ regex: string; group: string; atom: string }>((tie) => ({
  atom: fc.oneof({ depthSize: 'small' }, literal, fc.constant('.'), escaped, charClass, tie('group')),
  group: fc.tuple(fc.constantFrom('(', '(?:'), tie('regex')).map(([open, inner]) => `${open}${inner})`),
  regex: fc
    .array(
      fc.oneof(
        fc.tuple(tie('atom'), quantifier).map((pair) => pair.join('')),
        fc.constantFrom('^', '$', '\\b', '\\B', '|'),
      ),
      { minLength: 1, maxLength: 5 },
    )
    .map((items) => items.join('')),
}));

describe('regex subset', () => {
  const accepted = [
    'a',
    '^v[0-9]+$',
    '(?:a|b)*?',
    'x{2,5}',
    '[^a-z\\d_-]',
    '\\bnew\\b',
    'a|',
    '()',
    '[-a]',
    '[a^]',
    '\\.\\/\\-',
    '(a{10}){20}',
    '.*',
    'a{256}',
    '[+--]',
  ];
  for (const source of accepted) {
    it(`reads ${source}`, () => {
      expect(regexProblem(source)).to.equal(null);
      expect(() => RE2JS.compile(source)).not.to.throw();
    });
  }

  const refused: readonly [string, string][] = [
    ['', 'empty'],
    ['(a)\\1', 'back-references'],
    ['(?=a)', '(?:'],
    ['(?<!a)b', '(?:'],
    ['(?P<x>a)', '(?:'],
    ['(?<x>a)', '(?:'],
    ['(?i)a', '(?:'],
    ['(*UTF)a', 'repeats nothing'],
    ['a++', 'possessive'],
    ['a{2}+', 'possessive'],
    ['a**', 'needs a group'],
    ['a{2}{3}', 'needs a group'],
    ['a???', 'needs a group'],
    ['^*', 'cannot be repeated'],
    ['\\b+', 'cannot be repeated'],
    ['*a', 'repeats nothing'],
    ['a|+', 'repeats nothing'],
    ['\\Qa\\E', 'not in the subset'],
    ['\\A', 'not in the subset'],
    ['\\z', 'not in the subset'],
    ['\\pL', 'not in the subset'],
    ['\\x41', 'not in the subset'],
    ['\\0', 'not in the subset'],
    ['\\n', 'not in the subset'],
    ['\\', 'nothing follows'],
    ['[[:alpha:]]', '\\['],
    ['[]a]', 'empty class'],
    ['[^]', 'empty class'],
    ['[b-a]', 'ends before'],
    ['[a-\\d]', 'ends with one'],
    ['[\\d-a]', 'begins with one'],
    ['[a-c-e]', '\\-'],
    ['[\\b]', 'no character'],
    ['[a', 'never closed'],
    ['[a-', 'never closed'],
    ['(a', 'never closed'],
    ['a)', 'closes nothing'],
    ['a{,3}', 'a repeat is'],
    ['a{3', 'a repeat is'],
    ['a{3,2}', 'ends before'],
    ['a{257}', 'at most 256'],
    ['(a{100}){100}', '256 parts'],
    ['a}', '\\}'],
    ['a]', '\\]'],
    ['é', 'ASCII'],
    ['a\tb', 'ASCII'],
    ['a'.repeat(257), '256 bytes'],
  ];
  for (const [source, words] of refused) {
    it(`refuses ${source.slice(0, 20)}`, () => {
      expect(regexProblem(source)).to.contain(words);
    });
  }

  it('says where the problem is', () => {
    expect(regexProblem('ab(?=c)')).to.contain('character 3');
  });

  it('accepts nothing that RE2 or JavaScript cannot compile', () => {
    let read = 0;
    fc.assert(
      fc.property(regex, (source) => {
        if (regexProblem(source) !== null) return;
        read++;
        RE2JS.compile(source);
        new RegExp(source);
      }),
      { numRuns: runsOf(2000) },
    );
    expect(read).to.be.greaterThan(runsOf(500));
  });

  it('holds that for any text at all', () => {
    const soup = fc.string({ unit: fc.constantFrom(...'ab1-^$.|?*+()[]{},:\\dwb<=!P'), maxLength: 24 });
    fc.assert(
      fc.property(soup, (source) => {
        if (regexProblem(source) !== null) return;
        RE2JS.compile(source);
        new RegExp(source);
      }),
      { numRuns: runsOf(5000) },
    );
  });

  it('agrees with JavaScript on what matches', () => {
    const subject = fc.string({ unit: fc.constantFrom(...'aZ7x5- /_,.'), maxLength: 12 });
    fc.assert(
      fc.property(regex, subject, (source, text) => {
        if (regexProblem(source) !== null) return;
        expect(RE2JS.compile(source).test(text)).to.equal(new RegExp(source).test(text));
      }),
      { numRuns: runsOf(2000) },
    );
  });
});
