import { expect } from 'chai';
import fc from 'fast-check';
import type { Migration, Standing, Strategy } from '../migration/model.ts';
import { STEADY } from '../migration/run-state.ts';
import type { CompiledService } from './compile.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { RequestFacts } from './facts.ts';
import type { ImaginedRequest } from './imagined-request.ts';
import { FALLEN_BACK, facts, NO_DRAW, probing, service } from './sample.test.ts';

const NEW = { next: () => true };

/** `new, header, canary.header_rules[0]` in one line. */
function words(decision: Decision): string {
  return [decision.cluster, decision.reason, decision.rule].filter((word) => word !== null).join(' ');
}

function decided(
  changes: Partial<Migration>,
  headers: Record<string, string> = {},
  rest: Partial<ImaginedRequest> = {},
  run = STEADY,
): string {
  const target = service(changes);
  return words(decide(target, run, facts(target, headers, rest), NO_DRAW));
}

const everyRule: Partial<Migration> = {
  headerRules: [
    { header: 'x-team', match: { kind: 'exact', value: 'blue' }, target: 'new' },
    { header: 'x-team', match: { kind: 'prefix', value: 'blue-' }, target: 'old' },
  ],
  cookieRules: [{ cookie: 'plan', match: { kind: 'present' }, target: 'new' }],
  ipRules: [
    { cidr: '10.1.0.0/16', target: 'old' },
    { cidr: '10.0.0.0/8', target: 'new' },
  ],
  userRules: [{ header: 'x-user-id', from: 0, to: 99, target: 'new' }],
  shareBp: 0,
};

describe('deciding a request', () => {
  it('asks headers, cookies, addresses, users and the strategy, in this order', () => {
    const all = { cookies: [{ name: 'plan', value: 'pro' }], ip: '10.2.0.1', user: 'alice' };
    expect(decided(everyRule, { 'X-Team': 'blue' }, all)).to.equal('new header canary.header_rules[0]');
    expect(decided(everyRule, { 'X-Team': 'red' }, all)).to.equal('new cookie canary.cookie_rules[0]');
    expect(decided(everyRule, {}, { ...all, cookies: [] })).to.equal('new ip canary.ip_rules[1]');
    expect(decided(everyRule, {}, { user: 'alice' })).to.equal('new user canary.user_rules[0]');
    const target = service(everyRule);
    expect(words(decide(target, STEADY, facts(target), { next: () => false }))).to.equal('old weight');
  });

  it('takes the first rule of a kind that matches, of either target', () => {
    expect(decided(everyRule, { 'X-Team': 'blue-7' })).to.equal('old header canary.header_rules[1]');
    expect(decided(everyRule, {}, { ip: '10.1.2.3' })).to.equal('old ip canary.ip_rules[0]');
    expect(decided(everyRule, {}, { ip: '::ffff:10.1.2.3' })).to.equal('old ip canary.ip_rules[0]');
  });

  it('tries the rules under every strategy', () => {
    for (const strategy of ['weight', 'user', 'header', 'ip'] satisfies Strategy[]) {
      expect(decided({ ...everyRule, strategy }, { 'x-team': 'blue' })).to.equal('new header canary.header_rules[0]');
    }
  });

  it('sends what no rule matched to old under the strategies header and ip', () => {
    expect(decided({ strategy: 'header', shareBp: 10_000 })).to.equal('old default');
    expect(decided({ strategy: 'ip', shareBp: 10_000 })).to.equal('old default');
  });

  it('names the strategy also at 0 %, and for a user without an id', () => {
    const weight = service({ shareBp: 0 });
    expect(words(decide(weight, STEADY, facts(weight), { next: () => false }))).to.equal('old weight');
    expect(decided({ strategy: 'user', shareBp: 10_000 })).to.equal('old user');
    expect(decided({ strategy: 'user', shareBp: 0 }, {}, { user: 'alice' })).to.equal('old user');
  });

  it('never hashes an empty user id, which would always be in the first range', () => {
    const userRules = [{ header: 'x-user-id', from: 0, to: 0, target: 'new' as const }];
    expect(decided({ strategy: 'user', userRules, shareBp: 10_000 }, { 'x-user-id': '' })).to.equal('old user');
  });

  it('keeps to old where the migration is disabled or was never valid', () => {
    const fixed = (changes: Partial<Migration>, standing: Standing): string => {
      const target = service(changes, standing);
      return words(decide(target, STEADY, facts(target, { 'x-team': 'blue' }), NO_DRAW));
    };
    expect(fixed({ ...everyRule, enabled: false }, 'valid')).to.equal('old disabled');
    expect(fixed(everyRule, 'invalid')).to.equal('old invalid');
    expect(fixed(everyRule, 'stale')).to.equal('new header canary.header_rules[0]');
    const broken = [{ header: 'x', match: { kind: 'regex' as const, source: '(' }, target: 'new' as const }];
    expect(fixed({ headerRules: broken, trustedProxies: ['x'] }, 'invalid')).to.equal('old invalid');
  });

  it('salts the hash with the cohort: services that share it move the same users', () => {
    const users = Array.from({ length: 500 }, (_, i) => `user-${i}`);
    const moved = (changes: Partial<Migration>): string[] =>
      users.filter((user) => decided({ strategy: 'user', ...changes }, {}, { user }) === 'new user');
    expect(moved({ name: 'a', cohort: 'shop' })).to.deep.equal(moved({ name: 'b', cohort: 'shop' }));
    expect(moved({ cohort: 'shop' })).to.not.deep.equal(moved({ cohort: 'other' }));
    expect(moved({ hash: 'murmur3' })).to.not.deep.equal(moved({ hash: 'murmur2' }));
  });

  it('hands out decisions made beforehand', () => {
    const target = service({ strategy: 'user', shareBp: 10_000 });
    const alice = decide(target, STEADY, facts(target, {}, { user: 'alice' }), NO_DRAW);
    expect(alice).to.equal(decide(target, STEADY, facts(target, {}, { user: 'bob' }), NO_DRAW));
    expect(Object.isFrozen(alice)).to.equal(true);
  });
});

describe('the share of users', () => {
  const sides = (shareBp: number, user: string, more: Partial<Migration> = {}): string =>
    decided({ strategy: 'user', shareBp, ...more }, {}, { user });
  const id = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => text.trim() !== '');
  const share = fc.nat(10_000);

  it('only gains users when it rises, by either hash', () => {
    fc.assert(
      fc.property(id, share, share, fc.constantFrom('murmur2' as const, 'murmur3' as const), (user, x, y, hash) => {
        const [low, high] = [Math.min(x, y), Math.max(x, y)];
        if (sides(low, user, { hash }) === 'new user') expect(sides(high, user, { hash })).to.equal('new user');
      }),
    );
  });

  it('holds nobody at 0 and everybody at 100 %', () => {
    fc.assert(
      fc.property(id, (user) => {
        expect(sides(0, user)).to.equal('old user');
        expect(sides(10_000, user)).to.equal('new user');
      }),
    );
  });

  it('is what the percentage says, within chance', () => {
    for (const shareBp of [100, 2_000, 5_000, 9_000]) {
      const target = service({ strategy: 'user', shareBp });
      let news = 0;
      for (let i = 0; i < 10_000; i++) {
        const asked = { ...facts(target), header: (name: string) => (name === 'x-user-id' ? `user-${i}` : '') };
        if (decide(target, STEADY, asked, NO_DRAW).cluster === 'new') news++;
      }
      expect(news / 10_000).to.be.closeTo(shareBp / 10_000, 0.015);
    }
  });

  it('is cut by hash ranges without gap or overlap', () => {
    fc.assert(
      fc.property(id, fc.nat(98), (user, border) => {
        const range = (from: number, to: number): boolean =>
          decided(
            { strategy: 'header', userRules: [{ header: 'x-user-id', from, to, target: 'new' }] },
            {},
            { user },
          ) === 'new user canary.user_rules[0]';
        expect(range(0, 99)).to.equal(true);
        expect(range(0, border)).to.not.equal(range(border + 1, 99));
        expect(range(0, border)).to.equal(sides((border + 1) * 100, user) === 'new user');
      }),
    );
  });

  it('reads each rule from its own header', () => {
    const userRules = [
      { header: 'x-member', from: 0, to: 99, target: 'old' as const },
      { header: 'x-user-id', from: 0, to: 99, target: 'new' as const },
    ];
    const by = (headers: Record<string, string>) => decided({ strategy: 'ip', userRules }, headers);
    expect(by({ 'X-User-ID': 'alice' })).to.equal('new user canary.user_rules[1]');
    expect(by({ 'X-User-ID': 'alice', 'X-Member': '7' })).to.equal('old user canary.user_rules[0]');
    expect(by({ X_User_ID: 'alice' })).to.equal('old default');
  });
});

describe('stickiness', () => {
  const cookie = (id: string) => ({ cookies: [{ name: 'migration_id', value: id }] });
  const ids = Array.from({ length: 300 }, (_, i) => (i * 7_919 + 1).toString(16).padStart(32, '0'));

  it('lets the id of the cookie decide, so that raising the share only adds visitors', () => {
    const moved = (shareBp: number) =>
      ids.filter((id) => decided({ sticky: true, shareBp }, {}, cookie(id)) === 'new weight');
    expect(moved(0)).to.deep.equal([]);
    expect(moved(3_000)).to.include.members(moved(2_000));
    expect(moved(10_000)).to.deep.equal(ids);
  });

  it('is asked for with the strategy weight alone', () => {
    expect(decided({ sticky: true, strategy: 'user', shareBp: 10_000 }, {}, cookie(ids[0]))).to.equal('old user');
  });
});

describe('a service that has fallen back', () => {
  const admitted = (target: CompiledService, admitBp: number, asked: RequestFacts): boolean =>
    decide(target, probing({ admitBp }), asked, NEW).reason !== 'fallback';

  it('sends everything to old, whatever the rules say', () => {
    expect(decided(everyRule, { 'x-team': 'blue' }, {}, FALLEN_BACK)).to.equal('old fallback');
  });

  it('but disabled stays disabled', () => {
    expect(decided({ enabled: false }, {}, {}, FALLEN_BACK)).to.equal('old disabled');
  });

  it('probing one at a time asks for the slot, with the methods of the step', () => {
    const target = service(everyRule);
    const slot = (free: boolean, asked: string[] = []): RequestFacts => ({
      ...facts(target, { 'x-team': 'blue' }),
      mayProbe: (methods) => asked.push(methods) > 0 && free,
    });
    const asked: string[] = [];
    const one = probing({ admission: 'one', methods: 'replayable' });
    expect(words(decide(target, one, slot(true, asked), NO_DRAW))).to.equal('new header canary.header_rules[0]');
    expect(words(decide(target, one, slot(false, asked), NO_DRAW))).to.equal('old fallback');
    expect(asked).to.deep.equal(['replayable', 'replayable']);
  });

  it('probing by share admits a set of users that only grows, apart from the share of the strategy', () => {
    const target = service({ strategy: 'user', shareBp: 10_000 });
    const users = Array.from({ length: 400 }, (_, i) => facts(target, {}, { user: `user-${i}` }));
    let before: RequestFacts[] = [];
    for (const admitBp of [1_000, 2_500, 5_000, 10_000]) {
      const now = users.filter((user) => admitted(target, admitBp, user));
      expect(now).to.include.members(before);
      expect(now.length / users.length).to.be.closeTo(admitBp / 10_000, 0.07);
      before = now;
    }
    expect(before).to.have.length(users.length);
  });

  it('admits by the user id, else the sticky id, else the id of the request', () => {
    const ids = Array.from({ length: 64 }, (_, i) => i.toString(16).padStart(32, '0'));
    const pattern = (target: CompiledService, ask: (id: string) => RequestFacts): string =>
      ids.map((id) => (admitted(target, 5_000, ask(id)) ? '+' : '-')).join('');
    const byUser = service({ strategy: 'user' });
    const expected = pattern(byUser, (id) => facts(byUser, { 'x-user-id': id, 'x-request-id': 'r' }));
    expect(expected).to.contain('+').and.to.contain('-');
    const sticky = service({ sticky: true });
    const cookies = (value: string) => ({ cookies: [{ name: 'migration_id', value }] });
    expect(pattern(sticky, (id) => facts(sticky, { 'x-user-id': 'u', 'x-request-id': 'r' }, cookies(id)))).to.equal(
      expected,
    );
    const plain = service();
    expect(pattern(plain, (id) => facts(plain, { 'x-user-id': 'u', 'x-request-id': id }))).to.equal(expected);
    const ruled = service({ userRules: [{ header: 'x-member', from: 0, to: 9, target: 'new' }] });
    expect(pattern(ruled, (id) => facts(ruled, { 'x-member': id, 'x-request-id': 'r' }))).to.equal(expected);
  });
});
