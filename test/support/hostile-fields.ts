/**
 * Every field of a configuration that can hold text of its author's choice, each with texts that were written to break out of
 * an nginx configuration. Out: documents with one such text in one field, and the same document with a harmless one.
 */
import { rootCertificates } from 'node:tls';
import fc from 'fast-check';

/** A directive that no nginx knows: where it is read as one, nginx says so. */
export const MARKER = 'zz_marker';

const PIECES = [
  ...';{}"\'\\$#\r\n\t\0 ~*=@^(),:/|?!%&<>[]+-_.aA0',
  ...'éа用😀\u00a0\u2028\ufeff',
  ...['default', 'include', 'volatile', 'hostnames', 'proxy', 'ranges', 'if', 'server', 'location', 'lua'],
  ...[
    '$host',
    `\${x}`,
    '$1',
    '${',
    '\\n',
    '\\"',
    "\\'",
    '\\\\',
    '/*',
    '*/',
    '//',
    '..',
    '%2f',
    '%00',
    '{{x}}',
    '{{> tables}}',
  ],
  ...[
    `; ${MARKER} on;`,
    `;}\n${MARKER} on;\n#`,
    `"; ${MARKER} on; "`,
    `\n${MARKER};`,
    `' ; ${MARKER} '`,
    `} ${MARKER} {`,
  ],
];

/** Hostile text alone, or with what is right around it, so that it gets past the first check. */
export function hostileText(right: string): fc.Arbitrary<string> {
  const soup = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
  const within = fc.tuple(soup, fc.nat(right.length)).map(([text, at]) => right.slice(0, at) + text + right.slice(at));
  return fc.oneof(soup, within, fc.constantFrom(...PIECES));
}

interface ServiceDocument {
  name: string;
  old_host: string;
  old_backend: string;
  new_host: string;
  new_backend: string;
  new_protocol?: string;
  new_tls?: { server_name: string; ca?: string };
  path_prefix?: string;
  health_check?: { path: string };
  migration?: { strategy: string; percentage: number; cohort: string; user_id_header: string };
  canary?: Record<string, Record<string, string>[]>;
}

/** As JSON it is a text that YAML reads. */
export interface Document {
  global: { trusted_proxies: string[]; expose_decision: boolean };
  services: ServiceDocument[];
}

export interface HostileField {
  readonly name: string;
  /** A right value, around which hostile ones are built. */
  readonly right: string;
  readonly put: (document: Document, text: string) => void;
  /** The harmless value that `text` may be compared with; absent: the right one. */
  readonly harmless?: (text: string) => string;
}

/** One whole service with every kind of rule, one on a divided host, one of defaults. */
export function documentWith(): Document {
  const backends = { old_backend: '127.0.0.1:8001', new_backend: '127.0.0.1:8002' };
  return {
    global: { trusted_proxies: ['192.0.2.0/24'], expose_decision: true },
    services: [
      {
        name: 'shop',
        old_host: 'shop.test',
        new_host: 'shop.new.test',
        ...backends,
        migration: { strategy: 'user', percentage: 20, cohort: 'autumn', user_id_header: 'X-Shopper' },
        canary: {
          header_rules: [
            { header: 'X-Exact', value: 'exact-value', match: 'exact', target: 'new_cluster' },
            { header: 'X-Prefix', value: 'prefix-value', match: 'prefix', target: 'new_cluster' },
            { header: 'X-Regex', value: 'regex-[v]alue', match: 'regex', target: 'new_cluster' },
          ],
          cookie_rules: [
            { cookie: 'exact', value: 'exact-cookie', match: 'exact', target: 'new_cluster' },
            { cookie: 'prefix', value: 'prefix-cookie', match: 'prefix', target: 'new_cluster' },
            { cookie: 'regex', value: 'regex-[c]ookie', match: 'regex', target: 'new_cluster' },
          ],
          ip_rules: [{ cidr: '10.0.0.0/8', target: 'new_cluster' }],
          user_rules: [{ user_id_header: 'X-User', hash_range: '0-10', target: 'new_cluster' }],
        },
      },
      {
        name: 'orders',
        old_host: 'divided.test',
        path_prefix: '/orders',
        new_host: 'orders.new.test',
        ...backends,
        new_protocol: 'https',
        new_tls: { server_name: 'tls.test' },
        health_check: { path: '/healthz' },
      },
      // A literal $ in each kind of value, so that no other text is the first with one.
      {
        name: 'plain',
        old_host: 'plain.test',
        new_host: 'plain.new.test',
        ...backends,
        canary: { header_rules: [{ header: 'X-Price', value: '$5', target: 'new_cluster' }] },
      },
    ],
  };
}

const rule = (kind: 'header_rules' | 'cookie_rules', i: number) => (document: Document) =>
  document.services[0].canary![kind]![i];

export const FIELDS: readonly HostileField[] = [
  { name: 'name', right: 'shop', put: (d, text) => (d.services[0].name = text) },
  { name: 'old_host', right: 'shop.test', put: (d, text) => (d.services[0].old_host = text) },
  { name: 'new_host', right: 'shop.new.test', put: (d, text) => (d.services[0].new_host = text) },
  { name: 'old_backend', right: 'old.test:80', put: (d, text) => (d.services[0].old_backend = text) },
  { name: 'new_backend', right: '[2001:db8::1]:80', put: (d, text) => (d.services[0].new_backend = text) },
  {
    name: 'path_prefix',
    right: '/orders',
    put: (d, text) => (d.services[1].path_prefix = text),
    // How deep a prefix goes is structure, and `/` is none.
    harmless: (text) => text.replace(/[^/]+/g, 'orders'),
  },
  { name: 'cohort', right: 'autumn', put: (d, text) => (d.services[0].migration!.cohort = text) },
  { name: 'user_id_header', right: 'X-Shopper', put: (d, text) => (d.services[0].migration!.user_id_header = text) },
  ...(['exact', 'prefix', 'regex'] as const).flatMap((match, i) => [
    {
      name: `header (${match})`,
      right: 'X-Name',
      put: (d: Document, text: string) => (rule('header_rules', i)(d).header = text),
    },
    {
      name: `header value (${match})`,
      right: 'value',
      put: (d: Document, text: string) => (rule('header_rules', i)(d).value = text),
    },
    {
      name: `cookie (${match})`,
      right: 'name',
      put: (d: Document, text: string) => (rule('cookie_rules', i)(d).cookie = text),
    },
    {
      name: `cookie value (${match})`,
      right: 'value',
      put: (d: Document, text: string) => (rule('cookie_rules', i)(d).value = text),
    },
  ]),
  { name: 'cidr', right: '10.1.2.3/9', put: (d, text) => (d.services[0].canary!.ip_rules![0].cidr = text) },
  {
    name: 'user rule header',
    right: 'X-User',
    put: (d, text) => (d.services[0].canary!.user_rules![0].user_id_header = text),
  },
  { name: 'trusted_proxies', right: '2001:db8::/32', put: (d, text) => (d.global.trusted_proxies = [text]) },
  { name: 'tls server_name', right: 'tls.test', put: (d, text) => (d.services[1].new_tls!.server_name = text) },
  {
    name: 'text around a CA',
    right: '',
    put: (d, text) => (d.services[1].new_tls!.ca = `${text}\n${rootCertificates[0]}\n${text}`),
  },
  { name: 'health path', right: '/healthz', put: (d, text) => (d.services[1].health_check!.path = text) },
];
