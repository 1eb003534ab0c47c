import { expect } from 'chai';
import fc from 'fast-check';
import type { Migration } from '../migration/model.ts';
import { STEADY } from '../migration/run-state.ts';
import { compileService } from './compile.ts';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import { type ImaginedRequest, imaginedFacts } from './imagined-request.ts';
import { anyMigration, anyRequest, anyRunState, FALLEN_BACK, facts, probing, service } from './sample.test.ts';

function explained(
  changes: Partial<Migration>,
  headers: Record<string, string> = {},
  rest: Partial<ImaginedRequest> = {},
  run = STEADY,
) {
  const target = service(changes);
  return explain(target, run, facts(target, headers, rest));
}

describe('explaining a decision', () => {
  it('always says what decide does', () => {
    fc.assert(
      fc.property(
        anyMigration,
        anyRunState,
        anyRequest,
        fc.constantFrom('valid' as const, 'stale' as const),
        (migration, run, request, standing) => {
          const target = compileService({ migration, standing });
          const asked = imaginedFacts(target, request);
          let drawn = false;
          const decision = decide(target, run, asked, {
            next: (shareBp) => {
              drawn = shareBp > 0 && shareBp < 10_000;
              return shareBp === 10_000;
            },
          });
          const explanation = explain(target, run, asked);
          expect(explanation.reason).to.equal(decision.reason);
          expect(explanation.rule).to.equal(decision.rule);
          expect(explanation.cluster).to.equal(drawn ? null : decision.cluster);
          expect(explanation.drawn !== null).to.equal(drawn);
          const matched = explanation.rules.filter((rule) => rule.matched);
          expect(matched.map((rule) => rule.path)).to.deep.equal(decision.rule === null ? [] : [decision.rule]);
          if (decision.rule !== null) expect(explanation.rules.at(-1)?.path).to.equal(decision.rule);
          expect(explanation.without_fallback !== null).to.equal(decision.reason === 'fallback');
          expect(JSON.parse(JSON.stringify(explanation))).to.deep.equal(explanation);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('names the percentage at which a user turns to new, exactly', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), (name) => {
        const user = `u${name}`;
        const { key } = explained({ strategy: 'user' }, {}, { user });
        const flipsBp = Math.round(key!.flips_at! * 100);
        expect(explained({ strategy: 'user', shareBp: flipsBp }, {}, { user }).cluster).to.equal('new');
        expect(explained({ strategy: 'user', shareBp: flipsBp - 1 }, {}, { user }).cluster).to.equal('old');
      }),
    );
  });

  it('shows the key and its bucket for a user', () => {
    const explanation = explained({ strategy: 'user', shareBp: 2_000, cohort: 'api-name01' }, {}, { user: 'alice' });
    expect(explanation).to.deep.include({
      service: 'api',
      cluster: 'new',
      reason: 'user',
      percentage: 20,
      state: 'steady',
    });
    expect(explanation.key).to.deep.equal({
      from: 'header',
      name: 'x-user-id',
      id: 'alice',
      hashed: 'api-name01:alice',
      hash: 'murmur2',
      bucket: 1.28,
      flips_at: 1.29,
    });
    expect(explanation.notes).to.deep.equal(['bucket 1.28 is below 20 %; new from 1.29 % on']);
  });

  it('says of each rule that was asked what was found', () => {
    const { rules, rule_text } = explained(
      {
        headerRules: [{ header: 'x-team', match: { kind: 'exact', value: 'blue' }, target: 'new' }],
        cookieRules: [{ cookie: 'plan', match: { kind: 'regex', source: '^pro' }, target: 'new' }],
        ipRules: [
          { cidr: '10.0.0.0/8', target: 'new' },
          { cidr: '192.0.2.0/24', target: 'old' },
          { cidr: '0.0.0.0/0', target: 'new' },
        ],
        userRules: [{ header: 'x-user-id', from: 0, to: 10, target: 'new' }],
      },
      { 'x-team': 'größe' },
      { ip: '192.0.2.1' },
    );
    expect(rules).to.deep.equal([
      {
        path: 'canary.header_rules[0]',
        rule: 'x-team is "blue" -> new_cluster',
        matched: false,
        why: 'x-team is "größe"',
      },
      {
        path: 'canary.cookie_rules[0]',
        rule: 'cookie plan matches /^pro/ -> new_cluster',
        matched: false,
        why: 'no cookie plan',
      },
      { path: 'canary.ip_rules[0]', rule: '10.0.0.0/8 -> new_cluster', matched: false, why: 'the client is 192.0.2.1' },
      {
        path: 'canary.ip_rules[1]',
        rule: '192.0.2.0/24 -> old_cluster',
        matched: true,
        why: 'the client is 192.0.2.1',
      },
    ]);
    expect(rule_text).to.equal('192.0.2.0/24 -> old_cluster');
  });

  it('shows the bucket that a hash range was compared with', () => {
    const userRules = [{ header: 'x-user-id', from: 0, to: 0, target: 'new' as const }];
    const { rules, key } = explained({ userRules, cohort: 'api-name01' }, {}, { user: 'alice' });
    expect(rules[0].why).to.equal('x-user-id is "alice", bucket 1.28');
    expect(key).to.deep.include({ id: 'alice', bucket: 1.28, flips_at: null });
    expect(explained({ userRules }).rules[0].why).to.equal('no x-user-id: nothing to hash');
  });

  it('says that chance decides, and draws once when it is given some', () => {
    const target = service({ shareBp: 2_000 });
    const asked = facts(target);
    const undrawn = explain(target, STEADY, asked);
    expect(undrawn).to.deep.include({ cluster: null, reason: 'weight', drawn: { new_percent: 20 } });
    expect(undrawn.notes).to.deep.equal(['unkeyed: drawn, 20 % of requests go to new']);
    expect(explain(target, STEADY, asked, () => 0.1999).cluster).to.equal('new');
    expect(explain(target, STEADY, asked, () => 0.2).cluster).to.equal('old');
    expect(explained({ shareBp: 0 })).to.deep.include({ cluster: 'old', drawn: null });
    expect(explained({ shareBp: 10_000 })).to.deep.include({ cluster: 'new', drawn: null });
  });

  it('tells why there is no key', () => {
    expect(explained({ strategy: 'user' }).notes).to.deep.equal([
      'no user id (x-user-id): strategy user sends it to old',
    ]);
    expect(explained({ strategy: 'ip' }).notes).to.deep.equal(['no rule matched: strategy ip sends it to old']);
    expect(explained({ sticky: true }).notes).to.deep.equal([
      'no valid migration_id cookie: the answer sets one, and 20 % of such ids belong to new',
    ]);
    expect(explained({ enabled: false })).to.deep.include({
      rules: [],
      key: null,
      notes: ['migration.enabled is false: everything goes to old'],
    });
  });

  it('says that no address was given only where one is asked for', () => {
    const ipRules = [{ cidr: '10.0.0.0/8', target: 'new' as const }];
    const headerRules = [{ header: 'x-team', match: { kind: 'present' as const }, target: 'new' as const }];
    const note = 'no client address was given: ip_rules were asked about 0.0.0.0';
    expect(explained({ ipRules, headerRules }).notes).to.include(note);
    expect(explained({ ipRules, headerRules }, {}, {}, FALLEN_BACK).notes).to.include(note);
    expect(explained({ ipRules, headerRules }, { 'x-team': 'a' }).notes).to.deep.equal([]);
    expect(explained({ ipRules, headerRules }, { 'x-team': 'a' }, {}, FALLEN_BACK).notes).not.to.include(note);
  });

  it('says of a service that fell back where it would go while steady', () => {
    const explanation = explained({ strategy: 'user', shareBp: 10_000 }, {}, { user: 'alice' }, FALLEN_BACK);
    expect(explanation).to.deep.include({
      cluster: 'old',
      reason: 'fallback',
      state: 'fallen_back',
      rules: [],
      probe: null,
    });
    expect(explanation.without_fallback).to.deep.equal({ cluster: 'new', reason: 'user', rule: null });
    expect(explanation.notes).to.deep.equal([
      'the service has fallen back: everything goes to old, whatever the rules say',
      'while steady it would go to new (user)',
    ]);
  });

  it('shows the key that admits to probing', () => {
    const changes = { strategy: 'user' as const, shareBp: 10_000, cohort: 'api-name01' };
    const run = probing({ admitBp: 1_000 });
    expect(explained(changes, {}, { user: 'alice' }, run).probe).to.deep.equal({
      admission: 'share',
      admitted_percent: 10,
      hashed: 'probe:api-name01:alice',
      bucket: 89.94,
      admitted: false,
    });
    expect(explained(changes, {}, {}, run).probe).to.deep.include({ hashed: null, bucket: null, admitted: false });
    expect(explained(changes, {}, { user: 'alice' }, probing({ admission: 'one' }))).to.deep.include({
      cluster: 'new',
    });
  });
});
