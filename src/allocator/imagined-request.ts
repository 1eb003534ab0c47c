/**
 * A request that nobody sent, to be explained. In: headers, cookies, address and user as a person writes them (text). Out: the
 * facts that a decision asks for, the same at each asking. What the person left out stays absent.
 */
import { utf8Bytes } from './bytes.ts';
import type { CompiledService } from './compile.ts';
import type { RequestFacts } from './facts.ts';
import { type IpAddress, parseIp } from './ip.ts';
import { isStickyId, STICKY_COOKIE } from './sticky.ts';

export interface ImaginedRequest {
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly cookies: readonly { readonly name: string; readonly value: string }[];
  /** Without a port. Null or no address at all: 0.0.0.0. */
  readonly ip: string | null;
  /** Stands in every header that the service reads a user's id from and that `headers` does not name. */
  readonly user: string | null;
}

const NOWHERE: IpAddress = Object.freeze({ family: 4, a: 0, b: 0, c: 0, d: 0, text: '0.0.0.0' });

/** Facts about an imagined request to this service. The single probing slot counts as free. */
export function imaginedFacts(service: CompiledService, request: ImaginedRequest): RequestFacts {
  const headers = new Map<string, string>();
  const add = (name: string, value: string, separator: string): void => {
    const key = name.toLowerCase();
    // Such names are forwarded, but never matched.
    if (key.includes('_')) return;
    const before = headers.get(key);
    headers.set(key, before === undefined ? utf8Bytes(value) : `${before}${separator}${utf8Bytes(value)}`);
  };
  for (const { name, value } of request.headers) add(name, value.trim(), name.toLowerCase() === 'cookie' ? '; ' : ', ');
  for (const { name, value } of request.cookies) add('cookie', `${name}=${value}`, '; ');
  if (request.user !== null) {
    const { userIdHeader, userRules } = service.migration;
    for (const name of new Set([userIdHeader, ...userRules.map((rule) => rule.header)])) {
      if (!headers.has(name)) add(name, request.user, ', ');
    }
  }
  const cookies = readCookies(headers.get('cookie') ?? '');
  const address = request.ip === null ? NOWHERE : (parseIp(request.ip) ?? NOWHERE);
  const sticky = cookies.get(STICKY_COOKIE) ?? '';
  return {
    header: (name) => headers.get(name) ?? '',
    cookie: (name) => cookies.get(name) ?? '',
    clientIp: () => address,
    stickyId: () => (isStickyId(sticky) ? sticky : ''),
    requestId: () => headers.get('x-request-id') ?? '',
    mayProbe: () => true,
  };
}

/** The first cookie of each name. */
function readCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    if (equals > 0 && !cookies.has(name)) cookies.set(name, pair.slice(equals + 1).trim());
  }
  return cookies;
}
