import { expect } from 'chai';
import type { Match } from '../migration/model.ts';
import { utf8Bytes } from './bytes.ts';
import { compileMatch, describeMatch, matches } from './match.ts';

const match = (rule: Match, value: string): boolean => matches(compileMatch(rule), value);
const regex = (source: string, value: string): boolean => match({ kind: 'regex', source }, value);

describe('matching a value', () => {
  it('compares whole values and prefixes with case, as UTF-8 bytes', () => {
    expect(match({ kind: 'exact', value: 'new' }, 'new')).to.equal(true);
    expect(match({ kind: 'exact', value: 'new' }, 'New')).to.equal(false);
    expect(match({ kind: 'exact', value: 'new' }, 'newer')).to.equal(false);
    expect(match({ kind: 'prefix', value: 'new' }, 'newer')).to.equal(true);
    expect(match({ kind: 'exact', value: 'größe' }, utf8Bytes('größe'))).to.equal(true);
    expect(match({ kind: 'exact', value: 'größe' }, 'größe')).to.equal(false);
  });

  it('takes an empty value as absent, whatever the rule', () => {
    const rules: Match[] = [{ kind: 'present' }, { kind: 'regex', source: '^$' }, { kind: 'prefix', value: '' }];
    for (const rule of rules) expect(match(rule, ''), describeMatch(rule)).to.equal(false);
    expect(match({ kind: 'present' }, 'x')).to.equal(true);
  });

  it('searches regexes anywhere, with case', () => {
    expect(regex('b+c', 'aabbcc')).to.equal(true);
    expect(regex('^b+c', 'aabbcc')).to.equal(false);
    expect(regex('B', 'aabbcc')).to.equal(false);
  });

  it('means by classes what PCRE means on bytes', () => {
    expect(regex('^\\s$', '\v')).to.equal(true);
    expect(regex('^\\s$', '\xa0')).to.equal(false);
    expect(regex('^\\S$', '\xa0')).to.equal(true);
    expect(regex('^\\S$', '\v')).to.equal(false);
    expect(regex('^[a\\s]$', '\v')).to.equal(true);
    expect(regex('^[^\\s]$', '\t')).to.equal(false);
    expect(regex('^[\\S]+$', 'a\xffz')).to.equal(true);
    expect(regex('^[^\\S]$', ' ')).to.equal(true);
    expect(regex('^[\\s-z]$', 'y')).to.equal(false);
    expect(regex('^[\\s-z]$', '-')).to.equal(true);
    expect(regex('\\w', '\xe9')).to.equal(false);
    expect(regex('\\bx', '\xe9x')).to.equal(true);
    expect(regex('^..$', utf8Bytes('é'))).to.equal(true);
    expect(regex('^.$', '\n')).to.equal(false);
  });

  it('keeps escapes and brackets apart', () => {
    expect(regex('^\\\\s$', '\\s')).to.equal(true);
    expect(regex('^[[]\\s$', '[ ')).to.equal(true);
    expect(regex('^[]a\\s]+$', ']a ')).to.equal(true);
    expect(regex('^\\[\\s\\]$', '[ ]')).to.equal(true);
    expect(regex('^[\\]\\s]+$', '] ')).to.equal(true);
  });

  it('takes time by length alone where backtracking would take forever', () => {
    expect(regex('^(a+)+$', `${'a'.repeat(5_000)}b`)).to.equal(false);
  });

  it('throws on what RE2 cannot compile', () => {
    for (const source of ['(', '(?=a)', '(a)\\1', 'a\\']) {
      expect(() => compileMatch({ kind: 'regex', source }), source).to.throw();
    }
  });
});
