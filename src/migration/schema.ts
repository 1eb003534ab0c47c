/**
 * The form of a configuration: every key, its kind, its range, its default as editors show it. The validator reads with these very
 * schemas and the JSON Schema in `config/` is generated from them. What takes two keys to judge is in `cross-checks.ts`;
 * what the defaults become is in `resolve.ts`.
 */
import type { z } from 'zod';
import { backendProblem, cidrProblem, hostProblem } from './addresses.ts';
import { pemProblem } from './pem.ts';
import { duration, integer, keys, list, oneOf, percent, text, yesNo } from './schema-parts.ts';
import {
  COHORT_PATTERN,
  COOKIE_PATTERN,
  cohortProblem,
  cookieNameProblem,
  HASH_RANGE_PATTERN,
  HEADER_PATTERN,
  hashRangeProblem,
  headerNameProblem,
  healthPathProblem,
  NAME_PATTERN,
  pathPrefixProblem,
  ruleValueProblem,
  serviceNameProblem,
} from './texts.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const target = oneOf(['new_cluster', 'old_cluster'], { description: 'Where a request that matches goes.' });
const match = oneOf(['exact', 'prefix', 'regex', 'present'], {
  description: 'How the value is compared, with case. `present` takes any value that is not empty.',
  default: 'exact',
});
const value = text('new', { description: 'What is compared: at most 1 KiB, a regex 256 bytes.' }, ruleValueProblem);
const cidr = text('10.0.0.0/8', { description: 'A network, IPv4 or IPv6.' }, cidrProblem);
const host = (example: string, description: string) => text(example, { description }, hostProblem);
const backend = (description: string) => text('api.team.svc.cluster.local:8080', { description }, backendProblem);
const protocol = oneOf(['http', 'https'], {
  description: 'What the backend speaks. The default is https where its port is 443, else http.',
});
const headerName = (example: string, description: string, rest: { default?: string } = {}) =>
  text(example, { description, pattern: HEADER_PATTERN, ...rest }, headerNameProblem);

const timeout = duration(1, DAY_MS, {
  description: "Longest wait for the answer's head, and between bytes of an ordinary body.",
  default: '30s',
});
const connectTimeout = duration(1, HOUR_MS, {
  description: 'Longest wait for a connection, with TLS where it is spoken.',
  default: '5s',
});

const headerRule = keys(
  {
    header: headerName('X-Migration-Target', 'Compared without case. Repeated lines count as one, joined by `, `.'),
    value: value.optional(),
    match: match.optional(),
    target,
  },
  '{ header: X-Migration-Target, value: new, target: new_cluster }',
  { description: 'Requests that carry a header.' },
);
const cookieRule = keys(
  {
    cookie: text('beta', { description: 'The name, with case.', pattern: COOKIE_PATTERN }, cookieNameProblem),
    value: value.optional(),
    match: match.optional(),
    target,
  },
  '{ cookie: beta, value: "1", target: new_cluster }',
  { description: 'Requests that carry a cookie.' },
);
const ipRule = keys({ cidr, target }, '{ cidr: 10.0.0.0/8, target: new_cluster }', {
  description: 'Clients of a network.',
});
const userRule = keys(
  {
    user_id_header: headerName('X-User-ID', "The header that holds the user's id."),
    hash_range: text(
      '0-10',
      { description: 'Inclusive per cent of all users, 0 to 99; 100 reads as 99.', pattern: HASH_RANGE_PATTERN },
      hashRangeProblem,
    ),
    target,
  },
  '{ user_id_header: X-User-ID, hash_range: "0-10", target: new_cluster }',
  { description: 'A part of the users, by the hash of their id.' },
);

const migration = keys(
  {
    enabled: yesNo('true', { description: 'false: every request goes to old.' }).optional(),
    strategy: oneOf(['weight', 'user', 'header', 'ip'], {
      description: 'What becomes of a request that no rule of `canary` matched.',
      default: 'weight',
    }).optional(),
    percentage: percent({ description: 'Share of new.', example: 20, default: 0 }).optional(),
    cohort: text(
      'checkout',
      {
        description:
          "Salt of the hash, by default the service's name; services that share it move the same users together.",
        pattern: COHORT_PATTERN,
      },
      cohortProblem,
    ).optional(),
    user_id_header: headerName(
      'X-User-ID',
      'Header of the strategy `user`. The default is that of the first user rule, else X-User-ID.',
    ).optional(),
    sticky: oneOf(['cookie'], {
      description: 'Keeps a client on its side by a random id in a cookie. Only with the strategy `weight`.',
    }).optional(),
    hash: oneOf(['murmur2', 'murmur3'], {
      description: 'murmur2 is that of nginx split_clients.',
      default: 'murmur2',
    }).optional(),
  },
  '{ enabled: true, strategy: weight, percentage: 20 }',
  { description: 'How much of the traffic goes to new.' },
);

const canary = keys(
  {
    header_rules: list(
      headerRule,
      32,
      'header rules',
      '[ { header: X-Migration-Target, value: new, target: new_cluster } ]',
      {
        description: 'In order; the first that matches decides.',
      },
    ).optional(),
    cookie_rules: list(cookieRule, 32, 'cookie rules', '[ { cookie: beta, value: "1", target: new_cluster } ]', {
      description: 'Tried after header_rules.',
    }).optional(),
    ip_rules: list(ipRule, 1000, 'CIDRs', '[ { cidr: 10.0.0.0/8, target: new_cluster } ]', {
      description: 'Tried after cookie_rules.',
    }).optional(),
    user_rules: list(
      userRule,
      32,
      'user rules',
      '[ { user_id_header: X-User-ID, hash_range: "0-10", target: new_cluster } ]',
      { description: 'Tried after ip_rules.' },
    ).optional(),
  },
  '{ ip_rules: [ { cidr: 10.0.0.0/8, target: new_cluster } ] }',
  { description: 'Rules that come before the strategy, whichever it is.' },
);

const fallback = keys(
  {
    enabled: yesNo('true', { description: 'Whether traffic goes back to old by itself.' }).optional(),
    max_failures: integer(1, 10_000, { description: 'Failures of new in a row that trip.', default: 5 }).optional(),
    failure_window: duration(1, DAY_MS, {
      description: 'Within which failures count together.',
      default: '60s',
    }).optional(),
    recovery_time: duration(1, DAY_MS, {
      description: 'How long to wait before new is tried again; doubled at each further trip.',
      default: '300s',
    }).optional(),
    max_failure_rate: percent({
      description: 'Per cent of failures in the window that trips; 0 turns it off.',
      example: 50,
      default: 50,
    }).optional(),
    min_requests: integer(1, 1_000_000, {
      description: 'Requests in the window below which the rate is not looked at.',
      default: 20,
    }).optional(),
    failure_statuses: list(
      integer(400, 599, { description: 'A status of new that counts as a failure.', example: 503 }),
      64,
      'statuses',
      '[502, 503, 504]',
      { description: 'Statuses of new that are failures and may be retried on old.', default: [502, 503, 504] },
    ).optional(),
  },
  '{ enabled: true, max_failures: 5, failure_window: 60, recovery_time: 300 }',
  { description: 'When traffic goes back to old.' },
);

const tls = keys(
  {
    ca: text(
      '-----BEGIN CERTIFICATE-----…',
      { description: 'PEM text of the certificates to trust instead of the system CAs.' },
      pemProblem,
    ).optional(),
    ca_file: text(
      'ca.pem',
      { description: 'The same from a file, relative to this one; only in a local file.' },
      (path) => (path === '' || path.includes('\0') ? 'is no path' : null),
    ).optional(),
    server_name: host('api.example.com', 'Name for SNI and the certificate instead of the host.').optional(),
    insecure_skip_verify: yesNo('false', { description: 'true: no certificate is checked at all.' }).optional(),
  },
  '{ ca_file: ca.pem }',
  { description: "How the backend's certificate is checked." },
);

const healthCheck = keys(
  {
    path: text(
      '/healthz',
      { description: 'A GET of it must answer below 500. Without it a connect is the check.' },
      healthPathProblem,
    ).optional(),
  },
  '{ path: /healthz }',
  { description: 'The active check.' },
);

export const serviceSchema = keys(
  {
    name: text('api-name01', { description: 'Unique in the proxy.', pattern: NAME_PATTERN }, serviceNameProblem),
    old_host: host('api.example.com', 'The host that clients ask for.'),
    old_backend: backend('host:port of the old cluster.'),
    old_protocol: protocol.optional(),
    old_tls: tls.optional(),
    new_host: host('api.new.example.com', 'The host that the new cluster answers to.'),
    new_backend: backend('host:port of the new cluster.'),
    new_protocol: protocol.optional(),
    new_tls: tls.optional(),
    path_prefix: text(
      '/orders',
      { description: 'Several services on one old_host: the longest wins, by whole segments, with case.' },
      pathPrefixProblem,
    ).optional(),
    migration: migration.optional(),
    canary: canary.optional(),
    fallback: fallback.optional(),
    timeout: timeout.optional(),
    connect_timeout: connectTimeout.optional(),
    health_check: healthCheck.optional(),
  },
  '{ name: api-name01, old_host: …, old_backend: …, new_host: …, new_backend: … }',
  { description: 'One service on its way from the old cluster to the new one.' },
);

export const globalSchema = keys(
  {
    default_timeout: timeout.optional(),
    connect_timeout: connectTimeout.optional(),
    stream_idle_timeout: duration(1, 7 * DAY_MS, {
      description: 'Tunnels and event streams have this instead of default_timeout.',
      default: '1h',
    }).optional(),
    retry_attempts: integer(0, 10, {
      description: 'Most further attempts for one request, over both clusters together.',
      default: 3,
    }).optional(),
    health_check_interval: duration(1, DAY_MS, {
      description: 'Active check of each backend.',
      default: '30s',
    }).optional(),
    trusted_proxies: list(cidr, 1000, 'CIDRs', '[ 10.0.0.0/8 ]', {
      description: 'Peers whose X-Forwarded-* is believed.',
    }).optional(),
    expose_decision: yesNo('false', {
      description: 'Whether answers carry X-Migration-Cluster and X-Migration-Reason.',
    }).optional(),
  },
  '{ default_timeout: 30s, retry_attempts: 3 }',
  { description: 'For the services of this document.' },
);

/** The whole document: for editors, and for the names of its keys. */
export const documentSchema = keys(
  {
    global: globalSchema.optional(),
    services: list(serviceSchema, 100_000, 'services', '[ { name: api-name01, … } ]', { description: 'The services.' }),
  },
  '{ services: [ … ] }',
  { description: 'Configuration of migration-proxy.' },
);

/** Values that have passed, as they were written. */
export type RawService = z.output<typeof serviceSchema>;
export type RawGlobal = z.output<typeof globalSchema>;
