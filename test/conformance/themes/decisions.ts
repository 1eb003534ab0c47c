/**
 * Which cluster a request goes to, and why: every kind of rule, their order, the strategies, and services that no rule is
 * asked about. A row is a request's own lines and the decision, as `cluster reason`.
 */
import type { ServiceText } from '../configuration.ts';
import { type Group, groupCases } from '../decision-rows.ts';
import type { Theme } from '../theme.ts';

const TO_NEW = 'new_cluster';
const TO_OLD = 'old_cluster';

/** No rule matched, 0 %: whatever is on new is there because of a rule. */
const ruled = (canary: Readonly<Record<string, unknown>>): ServiceText => ({ migration: { percentage: 0 }, canary });
const header = (rule: object): ServiceText =>
  ruled({ header_rules: [{ header: 'X-Target', target: TO_NEW, ...rule }] });
const cookie = (rule: object): ServiceText => ruled({ cookie_rules: [{ cookie: 'lane', target: TO_NEW, ...rule }] });

const NO = 'old weight';

const GROUPS: readonly Group[] = [
  {
    name: 'header rule, exact',
    service: header({ value: 'new' }),
    rows: [
      ['the value', ['X-Target: new'], 'new header'],
      ['the name in another case', ['x-TARGET: new'], 'new header'],
      ['white space around the value', ['X-Target: \t new  '], 'new header'],
      ['the value in another case', ['X-Target: New'], NO],
      ['a longer value', ['X-Target: new1'], NO],
      ['an empty value', ['X-Target:'], NO],
      ['no such header', [], NO],
      ['another header with that value', ['X-Targets: new'], NO],
      ['sent twice: the lines joined', ['X-Target: new', 'X-Target: new'], NO],
      ['sent twice, once empty', ['X-Target: new', 'X-Target:'], NO],
      ['a list of it', ['X-Target: new, new'], NO],
      ['a name with an underscore', ['X_Target: new'], NO],
      ['a name with an underscore behind it', ['X-Target: new', 'X_Target: other'], 'new header'],
      ['a name with an underscore before it', ['X_Target: other', 'X-Target: new'], 'new header'],
      [
        'named by Connection: what is matched is what the client sent',
        ['X-Target: new', 'Connection: X-Target'],
        'new header',
      ],
    ],
  },
  {
    name: 'header rule, joined lines',
    service: header({ value: 'a, b' }),
    rows: [
      ['two lines', ['X-Target: a', 'X-Target: b'], 'new header'],
      ['two lines with others between', ['X-Target: a', 'Accept: */*', 'x-target: b'], 'new header'],
      ['one line', ['X-Target: a, b'], 'new header'],
      ['the other order', ['X-Target: b', 'X-Target: a'], NO],
    ],
  },
  {
    name: 'header rule, prefix',
    service: header({ value: 'beta-', match: 'prefix' }),
    rows: [
      ['longer', ['X-Target: beta-7'], 'new header'],
      ['the prefix itself', ['X-Target: beta-'], 'new header'],
      ['shorter', ['X-Target: beta'], NO],
      ['not at the start', ['X-Target: my-beta-7'], NO],
      ['another case', ['X-Target: Beta-7'], NO],
    ],
  },
  {
    name: 'header rule, present',
    service: header({ match: 'present' }),
    rows: [
      ['any value', ['X-Target: 0'], 'new header'],
      ['empty counts as absent', ['X-Target:'], NO],
      ['only white space counts as absent', ['X-Target:  \t'], NO],
      ['absent', [], NO],
    ],
  },
  {
    name: 'header rule, regex',
    service: header({ value: '^v[0-9]+$|team-\\w+', match: 'regex' }),
    rows: [
      ['matches', ['X-Target: v12'], 'new header'],
      ['unanchored where the expression is', ['X-Target: in team-blue now'], 'new header'],
      ['anchored where it says so', ['X-Target: xv12'], NO],
      ['with case', ['X-Target: V12'], NO],
      ['empty', ['X-Target:'], NO],
    ],
  },
  {
    name: 'header rule, bytes beyond ASCII',
    service: header({ value: 'zoë' }),
    rows: [
      ['the same UTF-8 bytes', [`X-Target: ${latin1('zoë')}`], 'new header'],
      ['the same text in latin1', ['X-Target: zo\xeb'], NO],
    ],
  },
  {
    name: 'cookie rule, exact',
    service: cookie({ value: 'new' }),
    rows: [
      ['alone', ['Cookie: lane=new'], 'new cookie'],
      ['among others', ['Cookie: a=1; lane=new; b=2'], 'new cookie'],
      ['without a space between', ['Cookie: a=1;lane=new'], 'new cookie'],
      ['on a second line', ['Cookie: a=1', 'Cookie: lane=new'], 'new cookie'],
      ['the first of two counts', ['Cookie: lane=new; lane=old'], 'new cookie'],
      ['the first of two counts, and is another', ['Cookie: lane=old; lane=new'], NO],
      ['the value in another case', ['Cookie: lane=NEW'], NO],
      ['the name in another case', ['Cookie: Lane=new'], NO],
      ['the name as the end of another', ['Cookie: mylane=new'], NO],
      ['within the value of another', ['Cookie: a=lane=new'], NO],
      ['in quotes: they are part of the value', ['Cookie: lane="new"'], NO],
      ['empty', ['Cookie: lane='], NO],
    ],
  },
  {
    name: 'cookie rule, present',
    service: cookie({ match: 'present' }),
    rows: [
      ['any value', ['Cookie: lane=x'], 'new cookie'],
      ['empty counts as absent', ['Cookie: lane='], NO],
      ['no equals sign', ['Cookie: lane'], NO],
    ],
  },
  {
    name: 'user rule, hash_range 0-10',
    // Places of the ids in the hash of `shop:ID`: liam 0.63, judy 2.83, ugo 13.67 %.
    service: ruled({ user_rules: [{ user_id_header: 'X-User', hash_range: '0-10', target: TO_NEW }] }),
    rows: [
      ['in it', ['X-User: liam'], 'new user'],
      ['in it as well', ['x-user: judy'], 'new user'],
      ['beyond', ['X-User: ugo'], NO],
      ['without an id', [], NO],
      ['with an empty id: the empty text would hash to 0', ['X-User:'], NO],
      ['another header', ['X-User-ID: liam'], NO],
    ],
  },
  {
    name: 'user rule, hash_range 13-13',
    service: ruled({ user_rules: [{ user_id_header: 'X-User-ID', hash_range: '13-13', target: TO_NEW }] }),
    rows: [
      ['13.67', ['X-User-ID: ugo'], 'new user'],
      ['13.93: the end is inclusive', ['X-User-ID: frank'], 'new user'],
      ['14.44', ['X-User-ID: mona'], NO],
      ['2.83', ['X-User-ID: judy'], NO],
    ],
  },
  {
    name: 'user rule, hash_range 0-100',
    service: ruled({ user_rules: [{ user_id_header: 'X-User-ID', hash_range: '0-100', target: TO_NEW }] }),
    rows: [
      ['92.17', ['X-User-ID: vera'], 'new user'],
      ['0.63', ['X-User-ID: liam'], 'new user'],
    ],
  },
  {
    name: 'order',
    service: ruled({
      header_rules: [
        { header: 'X-A', value: '1', target: TO_NEW },
        { header: 'X-B', value: '1', target: TO_OLD },
        { header: 'X-A', match: 'present', target: TO_OLD },
      ],
      cookie_rules: [{ cookie: 'c', value: '1', target: TO_NEW }],
      ip_rules: [{ cidr: '127.0.0.0/8', target: TO_OLD }],
      user_rules: [{ user_id_header: 'X-User-ID', hash_range: '0-99', target: TO_NEW }],
    }),
    rows: [
      ['the first header rule', ['X-B: 1', 'X-A: 1', 'Cookie: c=1'], 'new header'],
      ['the second, where the first does not match', ['X-A: 2', 'X-B: 1', 'Cookie: c=1'], 'old header'],
      ['a later rule on the same header', ['X-A: 2', 'Cookie: c=1'], 'old header'],
      ['cookies after headers', ['Cookie: c=1', 'X-User-ID: liam'], 'new cookie'],
      ['addresses after cookies, before users', ['X-User-ID: liam'], 'old ip'],
    ],
  },
  {
    name: 'user rules in order',
    service: ruled({
      user_rules: [
        { user_id_header: 'X-User-ID', hash_range: '0-9', target: TO_OLD },
        { user_id_header: 'X-User-ID', hash_range: '0-50', target: TO_NEW },
        { user_id_header: 'X-Team', hash_range: '0-99', target: TO_NEW },
      ],
    }),
    rows: [
      ['the first', ['X-User-ID: liam'], 'old user'],
      ['the second', ['X-User-ID: ugo'], 'new user'],
      ['another header', ['X-User-ID: vera', 'X-Team: blue'], 'new user'],
      ['none', ['X-User-ID: vera'], NO],
    ],
  },
  ...(['weight', 'user', 'header', 'ip'] as const).map((strategy) => ({
    name: `strategy ${strategy} tries the rules of every kind`,
    service: {
      migration: { strategy, percentage: 0 },
      canary: {
        header_rules: [{ header: 'X-Target', value: 'new', target: TO_NEW }],
        cookie_rules: [{ cookie: 'lane', value: 'new', target: TO_NEW }],
        user_rules: [{ user_id_header: 'X-User-ID', hash_range: '0-10', target: TO_NEW }],
      },
    },
    rows: [
      ['header', ['X-Target: new'], 'new header'],
      ['cookie', ['Cookie: lane=new'], 'new cookie'],
      ['user', ['X-User-ID: liam'], 'new user'],
      ['none', ['X-User-ID: vera'], strategy === 'weight' || strategy === 'user' ? `old ${strategy}` : 'old default'],
    ] as Group['rows'],
  })),
  ...(['header', 'ip'] as const).map((strategy) => ({
    name: `strategy ${strategy} sends what no rule matched to old at any percentage`,
    service: { migration: { strategy, percentage: 100 } },
    rows: [['100 %', ['X-User-ID: liam'], 'old default']] as Group['rows'],
  })),
  {
    name: 'disabled: no rule is asked',
    service: {
      migration: { enabled: false, percentage: 100 },
      canary: { header_rules: [{ header: 'X-Target', value: 'new', target: TO_NEW }] },
    },
    rows: [
      ['100 %', [], 'old disabled'],
      ['a rule', ['X-Target: new'], 'old disabled'],
    ],
  },
  {
    name: 'never valid: served by old alone',
    service: { migration: { percentage: 101 } },
    errors: 1,
    rows: [['any request', [], 'old invalid']],
  },
  {
    name: 'fallen back: no rule is asked',
    service: { canary: { header_rules: [{ header: 'X-Target', value: 'new', target: TO_NEW }] } },
    state: { state: 'fallen_back', admitBp: 0 },
    rows: [
      ['100 %', [], 'old fallback'],
      ['a rule', ['X-Target: new'], 'old fallback'],
    ],
  },
  {
    name: 'disabled comes before fallen back',
    service: { migration: { enabled: false } },
    state: { state: 'fallen_back', admitBp: 0 },
    rows: [['any request', [], 'old disabled']],
  },
];

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

export const decisions: Theme = { name: 'decisions', cases: groupCases(GROUPS) };
