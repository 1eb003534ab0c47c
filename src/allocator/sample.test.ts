/**
 * Material for the tests of deciding and routing: a migration with every default, facts of an imagined request, run states, and
 * random services with random requests. Holds no tests of its own.
 */
import fc from 'fast-check';
import { sampleMigration as aMigration } from '../../test/support/status-samples.ts';
import type { HeaderRule, IpRule, Match, Migration, ServedMigration, Standing, UserRule } from '../migration/model.ts';
import type { RunState } from '../migration/run-state.ts';
import { type CompiledService, compileService } from './compile.ts';
import type { RequestFacts } from './facts.ts';
import { type ImaginedRequest, imaginedFacts } from './imagined-request.ts';

const TLS = { ca: null, caFile: null, serverName: null, insecureSkipVerify: false };

export function sampleMigration(changes: Partial<Migration> = {}): Migration {
  return aMigration({
    name: 'api',
    cohort: 'api',
    old: { host: 'api.old.test', address: 'old.test', port: 80, protocol: 'http', tls: TLS },
    new: { host: 'api.new.test', address: 'new.test', port: 443, protocol: 'https', tls: TLS },
    ...changes,
  });
}

export function served(changes: Partial<Migration> = {}, standing: Standing = 'valid'): ServedMigration {
  return { migration: sampleMigration(changes), standing };
}

export function service(changes: Partial<Migration> = {}, standing: Standing = 'valid'): CompiledService {
  return compileService(served(changes, standing));
}

/** Facts of a request with these headers (text) and the rest absent. */
export function facts(
  target: CompiledService,
  headers: Record<string, string> = {},
  rest: Partial<ImaginedRequest> = {},
): RequestFacts {
  const list = Object.entries(headers).map(([name, value]) => ({ name, value }));
  return imaginedFacts(target, { headers: list, cookies: [], ip: null, user: null, ...rest });
}

export function probing(changes: Partial<RunState>): RunState {
  return { state: 'probing', sinceMs: 0, admitBp: 0, admission: 'share', methods: 'all', ...changes };
}

export const FALLEN_BACK: RunState = probing({ state: 'fallen_back' });

/** A draw for decisions that must not need one. */
export const NO_DRAW = {
  next(): boolean {
    throw new Error('drawn, though the decision has a key');
  },
};

const target = fc.constantFrom('old' as const, 'new' as const);
const word = fc.constantFrom('a', 'b', 'new', 'ü', 'a b');
const header = fc.constantFrom('x-team', 'x-user-id', 'x-member');
const match: fc.Arbitrary<Match> = fc.oneof(
  fc.record({ kind: fc.constant('exact' as const), value: word }),
  fc.record({ kind: fc.constant('prefix' as const), value: word }),
  fc.record({ kind: fc.constant('regex' as const), source: fc.constantFrom('^a', 'b$', '[a-n]\\s', '.') }),
  fc.record({ kind: fc.constant('present' as const) }),
);
const headerRule: fc.Arbitrary<HeaderRule> = fc.record({ header, match, target });
const cookieRule = fc.record({ cookie: fc.constantFrom('team', 'plan'), match, target });
const ipRule: fc.Arbitrary<IpRule> = fc.record({
  cidr: fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', '2001:db8::/32', '192.0.2.7/32'),
  target,
});
const userRule: fc.Arbitrary<UserRule> = fc
  .record({ header, low: fc.nat(99), high: fc.nat(99), target })
  .map(({ header, low, high, target }) => ({ header, from: Math.min(low, high), to: Math.max(low, high), target }));
const few = { maxLength: 3 };

export const anyMigration: fc.Arbitrary<Migration> = fc
  .record({
    enabled: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    strategy: fc.constantFrom('weight' as const, 'user' as const, 'header' as const, 'ip' as const),
    shareBp: fc.oneof(fc.constantFrom(0, 10_000), fc.nat(10_000)),
    cohort: fc.constantFrom('api', 'checkout', 'kasse-ü'),
    userIdHeader: fc.constantFrom('x-user-id', 'x-member'),
    sticky: fc.boolean(),
    hash: fc.constantFrom('murmur2' as const, 'murmur3' as const),
    headerRules: fc.array(headerRule, few),
    cookieRules: fc.array(cookieRule, few),
    ipRules: fc.array(ipRule, few),
    userRules: fc.array(userRule, few),
  })
  .map(sampleMigration);

export const anyRunState: fc.Arbitrary<RunState> = fc.oneof(
  fc.constant(probing({ state: 'steady', admitBp: 10_000 })),
  fc.constant(FALLEN_BACK),
  fc.constant(probing({ admission: 'one' })),
  fc.constantFrom(1_000, 2_500, 5_000, 10_000).map((admitBp) => probing({ admitBp })),
);

export const anyRequest: fc.Arbitrary<ImaginedRequest> = fc.record({
  headers: fc.array(
    fc.record({ name: fc.constantFrom('X-Team', 'X-User-ID', 'X_Team', 'X-Request-ID'), value: word }),
    few,
  ),
  cookies: fc.array(
    fc.oneof(
      fc.record({ name: fc.constantFrom('team', 'plan'), value: word }),
      fc.record({
        name: fc.constant('migration_id'),
        value: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }),
      }),
    ),
    few,
  ),
  ip: fc.constantFrom('10.1.2.3', '10.2.0.1', '192.0.2.7', '2001:db8::5', '::ffff:10.1.0.9', null),
  user: fc.option(fc.string({ minLength: 1, maxLength: 12 })),
});
