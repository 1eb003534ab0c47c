/**
 * Who the client is, and how that is told to backends: trusted peers, X-Forwarded-*, X-Request-ID, Via, the authority that was asked
 * for. What an untrusted client says of itself is never looked at; where no service trusts anybody, no table asks.
 */
import { type Expression, variable } from '../expression.ts';
import type { TableContext } from './context.ts';
import { ownId } from './ids.ts';
import { networkList } from './networks.ts';
import { TAKEN } from './patterns.ts';
import { exact, regex } from './table-set.ts';

/** Values to print where a header or a log line wants them: a variable, or what is the same for every request. */
export interface ForwardedValues {
  readonly requestId: Expression;
  readonly forwardedFor: Expression;
  readonly forwardedProto: Expression;
  readonly forwardedHost: Expression;
  readonly forwardedPort: Expression;
  readonly via: Expression;
  readonly authority: Expression;
  readonly vainPeer: Expression;
}

/** An ingress, not somebody from outside: RFC 1918, RFC 4193, RFC 6598, loopback, link-local. */
const PRIVATE = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

export function forwardingTables(context: TableContext): ForwardedValues {
  const { tables, settings } = context;
  const http = (name: string) => variable(`http_${name}`);
  // The target in absolute form counts, not Host beside it (RFC 9112 section 3.2.2); `$host` is without case and port.
  const authority = tables.map(
    'authority',
    [variable('request')],
    [http('host')],
    [regex(`^[A-Z_-]++ (?i)https?://(?<${TAKEN}>[^/? ]++)`, variable(TAKEN))],
  );
  const via = tables.map(
    'via',
    [http('via')],
    [http('via'), `, 1.1 ${settings.instance}`],
    [exact('', `1.1 ${settings.instance}`)],
  );
  const trusted = trustTables(context);
  const vainPeer = vainTables(context, trusted);
  const own = ownId(context);
  if (trusted === null) {
    const forwardedPort = portTable(context, authority, ['80']);
    return {
      requestId: own,
      forwardedFor: [variable('remote_addr')],
      forwardedProto: ['http'],
      forwardedHost: authority,
      forwardedPort,
      via,
      authority,
      vainPeer,
    };
  }
  // Quotes and backslashes would need escapes in log lines and JSON.
  const requestId = tables.map('rid', [...trusted, ' ', http('x_request_id')], own, [
    regex(`^1 (?<${TAKEN}>[!#-\\[\\]-~]{1,128})\\z`, variable(TAKEN)),
  ]);
  const forwardedFor = tables.map(
    'forwarded_for',
    trusted,
    [variable('remote_addr')],
    [exact('1', variable('proxy_add_x_forwarded_for'))],
  );
  const forwardedProto = tables.map(
    'forwarded_proto',
    [...trusted, ' ', http('x_forwarded_proto')],
    ['http'],
    [exact('1 https', 'https')],
  );
  const forwardedHost = tables.map('forwarded_host', [...trusted, ' ', http('x_forwarded_host')], authority, [
    regex(`^1 (?<${TAKEN}>.++)`, variable(TAKEN)),
  ]);
  const schemePort = tables.map('scheme_port', forwardedProto, ['80'], [exact('https', '443')]);
  const named = portTable(context, authority, schemePort, 'authority_port');
  const forwardedPort = tables.map('forwarded_port', [...trusted, ' ', http('x_forwarded_port')], named, [
    regex(`^1 (?<${TAKEN}>.++)`, variable(TAKEN)),
  ]);
  return { requestId, forwardedFor, forwardedProto, forwardedHost, forwardedPort, via, authority, vainPeer };
}

/** The port that the client named. */
function portTable({ tables }: TableContext, authority: Expression, fallback: Expression, name = 'forwarded_port') {
  return tables.map(name, authority, fallback, [regex(`:0*+(?<${TAKEN}>[1-9][0-9]{0,4})\\z`, variable(TAKEN))]);
}

/** `$peer_trusted`: 1 where the socket's peer is one of the service's trusted_proxies, else ''. Null: nobody trusts anybody. */
function trustTables({ all, tables }: TableContext): Expression | null {
  const lists = new Map<string, readonly string[]>();
  const keys = all.map(({ migration: { trustedProxies } }) => {
    const key = trustedProxies.join(' ');
    if (!lists.has(key)) lists.set(key, networkList(trustedProxies));
    return key;
  });
  if ([...lists.values()].every((list) => list.length === 0)) return null;
  const values = new Map<string, Expression>();
  for (const [key, list] of lists) {
    const name = lists.size === 1 ? 'peer_trusted' : `peer_trusted_${values.size + 1}`;
    const rows = list.map((cidr) => ({ cidr, value: '1' }));
    values.set(key, list.length === 0 ? [''] : tables.geo({ variable: name, proxies: [], fallback: '', rows }));
  }
  return tables.perService(
    'peer_trusted',
    new Map(all.map(({ migration }, i) => [migration.name, values.get(keys[i])!])),
    [''],
  );
}

/** `$vain_peer`: the address of an untrusted private peer that sends X-Forwarded-For, else ''. */
function vainTables({ tables }: TableContext, trusted: Expression | null): Expression {
  const rows = PRIVATE.map((cidr) => ({ cidr, value: '1' }));
  const isPrivate = tables.geo({ variable: 'peer_private', proxies: [], fallback: '', rows });
  const untrusted = tables.map(
    'untrusted_peer',
    [...isPrivate, ...(trusted ?? [])],
    [''],
    [exact('1', variable('remote_addr'))],
  );
  return tables.map('vain_peer', [variable('http_x_forwarded_for')], untrusted, [exact('', '')]);
}
