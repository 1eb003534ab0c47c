/**
 * Texts of rules that a plane may mistake for each other, or for words of its own: case, several rules on one header, and
 * what means something in other languages.
 */
import type { ServiceText } from '../configuration.ts';
import { type Group, groupCases } from '../decision-rows.ts';
import type { Theme } from '../theme.ts';

const TO_NEW = 'new_cluster';
const TO_OLD = 'old_cluster';
const NO = 'old weight';

const ruled = (canary: Readonly<Record<string, unknown>>): ServiceText => ({ migration: { percentage: 0 }, canary });

const GROUPS: readonly Group[] = [
  {
    name: 'header rules that differ only in case',
    service: ruled({
      header_rules: [
        { header: 'X-Target', value: 'Beta', target: TO_NEW },
        { header: 'X-Target', value: 'beta', target: TO_OLD },
        { header: 'X-Target', value: 'GAMMA-', match: 'prefix', target: TO_NEW },
        { header: 'X-Target', value: 'gamma-', match: 'prefix', target: TO_OLD },
        { header: 'X-Target', value: '^DELTA', match: 'regex', target: TO_NEW },
        { header: 'X-Target', value: '^delta', match: 'regex', target: TO_OLD },
      ],
      cookie_rules: [
        { cookie: 'Lane', value: 'x', target: TO_NEW },
        { cookie: 'lane', value: 'x', target: TO_OLD },
        { cookie: 'lane', value: 'X', target: TO_NEW },
      ],
    }),
    rows: [
      ['one value', ['X-Target: Beta'], 'new header'],
      ['the other value', ['X-Target: beta'], 'old header'],
      ['neither value', ['X-Target: BETA'], NO],
      ['one prefix', ['X-Target: GAMMA-1'], 'new header'],
      ['the other prefix', ['X-Target: gamma-1'], 'old header'],
      ['neither prefix', ['X-Target: Gamma-1'], NO],
      ['one regex', ['X-Target: DELTA 1'], 'new header'],
      ['the other regex', ['X-Target: delta 1'], 'old header'],
      ['neither regex', ['X-Target: Delta 1'], NO],
      ['one cookie name', ['Cookie: Lane=x'], 'new cookie'],
      ['the other cookie name', ['Cookie: lane=x'], 'old cookie'],
      ['neither cookie name', ['Cookie: LANE=x'], NO],
      ['another cookie value', ['Cookie: lane=X'], 'new cookie'],
    ],
  },
  {
    name: 'several rules on one header',
    service: ruled({
      header_rules: [
        { header: 'X-Target', value: 'a', target: TO_NEW },
        { header: 'x-target', value: 'b', target: TO_NEW },
        { header: 'X-TARGET', value: 'c', match: 'prefix', target: TO_OLD },
        { header: 'X-Target', value: 'cc', target: TO_NEW },
        { header: 'X-Target', value: 'd|e', match: 'regex', target: TO_NEW },
        { header: 'X-Other', match: 'present', target: TO_OLD },
        { header: 'X-Target', match: 'present', target: TO_NEW },
      ],
    }),
    rows: [
      ['the first', ['X-Target: a'], 'new header'],
      ['the second', ['X-Target: b'], 'new header'],
      ['an earlier prefix hides a later value', ['X-Target: cc'], 'old header'],
      ['a regex', ['X-Target: xex'], 'new header'],
      ['another header between', ['X-Target: zzz', 'X-Other: 1'], 'old header'],
      ['the last', ['X-Target: zzz'], 'new header'],
      ['none', [], NO],
    ],
  },
  {
    name: 'values that other languages read otherwise',
    service: ruled({
      header_rules: [
        { header: 'X-Target', value: '$host', target: TO_NEW },
        { header: 'X-Target', value: '~^.*$', target: TO_NEW },
        { header: 'X-Target', value: 'a"b\\c;{}#', target: TO_NEW },
        { header: 'X-Target', value: 'default', target: TO_NEW },
        { header: 'X-Target', value: '*.+?()[]|^', match: 'prefix', target: TO_NEW },
      ],
    }),
    rows: [
      ['a variable', ['X-Target: $host'], 'new header'],
      ['what the variable holds', ['X-Target: shop.example'], NO],
      ['a regex that is none', ['X-Target: ~^.*$'], 'new header'],
      ['what the regex would match', ['X-Target: anything'], NO],
      ['quotes and braces', ['X-Target: a"b\\c;{}#'], 'new header'],
      ['a word of the language', ['X-Target: default'], 'new header'],
      ['every special character of a regex', ['X-Target: *.+?()[]|^ more'], 'new header'],
    ],
  },
];

export const ruleTexts: Theme = { name: 'rule texts', cases: groupCases(GROUPS) };
