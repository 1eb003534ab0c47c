/**
 * Configurations as people may write them, drawn by chance: texts with tricky values, and run states. Values of rules come from small
 * pools, from which requests draw too, so that rules meet. Left out, because the planes differ there and docs/ say so: shares
 * drawn for each request. Nothing here knows a plane.
 */
import fc from 'fast-check';
import { type RunState, STEADY } from '../../../src/migration/run-state.ts';

export const HEADERS = ['X-A', 'X-B', 'X-Target', 'Accept-Language', 'User-Agent'] as const;
export const COOKIES = ['beta', 'Beta', 'a.b', 'x', '$c', 'a|b'] as const;
export const ID_HEADERS = ['X-User-ID', 'X-Member'] as const;
export const VALUES = [
  ...[
    'new',
    'New',
    'NEW',
    'newer',
    'ne',
    'old',
    '1',
    '0',
    '$host',
    '$\u007bhost}',
    '\\n',
    '\\',
    '"',
    "'",
    '~new',
    '~*new',
  ],
  ...[
    'a b',
    'a  b',
    'default',
    'hostnames',
    'volatile',
    '*',
    '.*',
    '{',
    '}',
    ';x'.slice(1),
    '#',
    'a,b',
    'a, b',
    '=x',
    'x=1',
  ],
  ...[
    'exact new:header',
    '^v[0-9]+',
    'v12',
    'été',
    'x\u2028y',
    '日本',
    '%41',
    '<&>',
    '{{x}}',
    "it's",
    'a\\"b',
    'n'.repeat(300),
  ],
] as const;
const REGEXES = [
  '^v[0-9]+$',
  'new|old',
  '^(?:new)?$',
  '\\bb\\b',
  '[^a-z]',
  '\\$',
  '"',
  'n{2,3}',
  '^.$',
  ' ',
  '\\\\',
  '\\d',
  'E',
  '^[\\w$.-]+$',
];
const CIDRS = [
  '127.0.0.0/8',
  '127.0.0.1/32',
  '127.1.0.0/16',
  '127.2.0.0/15',
  '10.0.0.0/8',
  '10.1.2.3/32',
  '2001:db8::/32',
  '::/0',
  '0.0.0.0/0',
  '192.0.2.0/24',
  '::1/128',
];
export const PATHS = ['/', '/a', '/a/b', '/A', '/ab', '/a.b', '/a%20b', '/a$b', "/a'b", '/a~b', '/(x)'] as const;

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const target = fc.constantFrom('new_cluster', 'old_cluster');
const matched = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ match: fc.constantFrom(undefined, 'exact', 'prefix'), value: fc.constantFrom(...VALUES) }),
  },
  { weight: 2, arbitrary: fc.record({ match: fc.constant('regex'), value: fc.constantFrom(...REGEXES) }) },
  { weight: 1, arbitrary: fc.constant({ match: 'present' }) },
);
const headerRule = fc
  .tuple(fc.constantFrom(...HEADERS), matched, target)
  .map(([header, match, target]) => ({ header, ...match, target }));
const cookieRule = fc
  .tuple(fc.constantFrom(...COOKIES), matched, target)
  .map(([cookie, match, target]) => ({ cookie, ...match, target }));
const ipRule = fc.record({ cidr: fc.constantFrom(...CIDRS), target });
const percent = fc.constantFrom(0, 0.01, 1, 10, 12.34, 50, 66.67, 99.99, 100);
const range = fc.tuple(fc.nat(99), fc.nat(99)).map(([x, y]) => `${Math.min(x, y)}-${Math.max(x, y)}`);
const userRule = fc.record({ user_id_header: fc.constantFrom(...ID_HEADERS), hash_range: range, target });
const few = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { maxLength: 4 });
const canary = fc.record({
  header_rules: few(headerRule),
  cookie_rules: few(cookieRule),
  ip_rules: few(ipRule),
  user_rules: few(userRule),
});

/** Shares of requests without a key are drawn, by each plane in its own way: they are all or nothing here. */
const migration = fc.oneof(
  fc.record({ strategy: fc.constantFrom(undefined, 'weight'), percentage: fc.constantFrom(100, 100, 100, 0) }),
  fc.record({
    strategy: fc.constant('weight'),
    sticky: fc.constant('cookie'),
    percentage: percent,
    cohort: maybe(fc.constantFrom('c', 'c.1_x-y')),
  }),
  fc.record({
    strategy: fc.constant('user'),
    percentage: percent,
    cohort: maybe(fc.constantFrom('c', 'c.1_x-y')),
    user_id_header: maybe(fc.constantFrom(...ID_HEADERS)),
  }),
  fc.record({ strategy: fc.constantFrom('header', 'ip'), percentage: percent }),
);
const fallback = fc.record({
  enabled: fc.boolean(),
  // An answer of 502 or 504 that is no failure: nginx cannot tell it from its own.
  failure_statuses: maybe(fc.constantFrom([502, 503, 504], [502, 504], [500, 404, 502, 504], [429, 502, 504], [])),
});
/** `dead`: nobody listens there. */
export type Backend = 'live' | 'dead';
const backend = fc.constantFrom<Backend>('live', 'live', 'live', 'live', 'dead');

export interface DrawnService {
  readonly host: string;
  readonly newHost: string;
  readonly pathPrefix: string | undefined;
  readonly old: Backend;
  readonly new: Backend;
  readonly enabled: boolean;
  /** With one that tests can wait for, its backends may say nothing. */
  readonly timeout: string | undefined;
  readonly migration: { readonly strategy?: string | undefined; readonly sticky?: string; readonly percentage: number };
  readonly canary: { readonly user_rules: readonly object[] };
  readonly fallback: { readonly enabled: boolean; readonly failure_statuses?: readonly number[] | undefined };
  readonly state: RunState;
}

const fallenBack: RunState = { ...STEADY, state: 'fallen_back', admitBp: 0 };
const probing = (admitBp: number): RunState => ({ ...STEADY, state: 'probing', admitBp });
const single = (methods: RunState['methods']): RunState => ({
  ...STEADY,
  state: 'probing',
  admitBp: 0,
  admission: 'one',
  methods,
});
const state = fc.oneof(
  { weight: 3, arbitrary: fc.constant(STEADY) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      fallenBack,
      ...[1000, 2500, 5000, 10_000].map(probing),
      single('replayable'),
      single('all'),
    ),
  },
);

const service: fc.Arbitrary<DrawnService> = fc
  .record({
    host: fc.constantFrom('one.example', 'two.example', 'three.example'),
    newHost: fc.constantFrom('new.example', 'a.new.example', 'new.example.com'),
    pathPrefix: fc.option(fc.constantFrom(...PATHS), { nil: undefined, freq: 1 }),
    old: backend,
    new: backend,
    enabled: fc.constantFrom(true, true, true, true, true, false),
    timeout: fc.constantFrom(undefined, undefined, '400ms'),
    migration,
    canary,
    fallback,
    state,
  })
  .map((drawn) =>
    isKeyed(drawn) || drawn.state.admission === 'one'
      ? drawn
      : { ...drawn, state: drawn.state.admitBp === 0 ? fallenBack : STEADY },
  );

/** Where probing has no other key than the request's own id, the share is drawn. */
function isKeyed({ migration, canary }: Pick<DrawnService, 'migration' | 'canary'>): boolean {
  return migration.strategy === 'user' || migration.sticky !== undefined || canary.user_rules.length > 0;
}

export interface Drawn {
  /** Backends keep connections and answer, or end each connection and sometimes fail. Whether one that was kept has gone nginx cannot tell where it sends nothing twice. */
  readonly backends: 'keep' | 'end';
  readonly global: { readonly retry_attempts: number; readonly [key: string]: unknown };
  readonly services: readonly DrawnService[];
}

const key = ({ host, pathPrefix }: DrawnService): string => `${host} ${pathPrefix === '/' ? '' : (pathPrefix ?? '')}`;

export const configurations: fc.Arbitrary<Drawn> = fc.record({
  backends: fc.constantFrom('keep', 'end', 'end'),
  global: fc.record({
    default_timeout: fc.constant('2s'),
    stream_idle_timeout: fc.constant('1s'),
    connect_timeout: fc.constant('1s'),
    expose_decision: fc.boolean(),
    retry_attempts: fc.nat(3),
    trusted_proxies: fc.constantFrom(
      [],
      ['127.0.0.0/8'],
      ['127.0.0.1/32', '10.0.0.0/8'],
      ['127.1.0.0/16', '192.0.2.0/24', '2001:db8::/32'],
    ),
  }),
  services: fc.uniqueArray(service, { minLength: 1, maxLength: 6, selector: key }),
});

/** The configuration's text for a plane with backends on these ports. */
export function textOf({ global, services }: Drawn, ports: Readonly<Record<'old' | 'new' | 'dead', number>>): string {
  return JSON.stringify({
    global,
    services: services.map((drawn, i) => ({
      name: `s${i}`,
      old_host: drawn.host,
      old_backend: `127.0.0.1:${drawn.old === 'live' ? ports.old : ports.dead}`,
      new_host: drawn.newHost,
      new_backend: `127.0.0.1:${drawn.new === 'live' ? ports.new : ports.dead}`,
      path_prefix: drawn.pathPrefix,
      timeout: drawn.timeout,
      migration: { enabled: drawn.enabled, ...drawn.migration },
      canary: drawn.canary,
      fallback: drawn.fallback,
    })),
  });
}
