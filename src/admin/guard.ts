/**
 * Who may write.
 * In: what a request says of itself and how the server is set up. Out: go on, or a refusal with its reason.
 * With a token: whoever shows it. Without: a person at this very machine, and nobody who was sent by a web page (Host and
 * Origin against DNS rebinding and cross-site requests) or through another proxy. Refuses to know what is to be written.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export interface GuardPolicy {
  /** Null: none is set. */
  readonly token: string | null;
  /** The address that the server is really bound to. */
  readonly boundAddress: string;
  /** `refuse` where no peer can be trusted for its address, as in a pod. */
  readonly withoutToken: 'loopback' | 'refuse';
}

export interface WriteFacts {
  readonly peerAddress: string;
  /** Every field line by its lower-case name, as received. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
}

export interface Refusal {
  readonly status: 401 | 403;
  readonly code: 'unauthorized' | 'forbidden';
  readonly detail: string;
}

/** Null: the write may go on. */
export function refusalOf(policy: GuardPolicy, request: WriteFacts): Refusal | null {
  if (policy.token !== null) return tokenProblem(policy.token, request);
  const detail = policy.withoutToken === 'refuse' ? NEEDS_TOKEN : strangerProblem(policy, request);
  return detail === null ? null : { status: 403, code: 'forbidden', detail };
}

const NEEDS_TOKEN = 'writes need a token here: start the proxy with --admin-token-file';

function tokenProblem(token: string, { headers }: WriteFacts): Refusal | null {
  const lines = headers.authorization ?? [];
  // RFC 6750 section 2.1; the scheme compares without case (RFC 9110 section 11.1).
  const shown = lines.length === 1 ? /^bearer +([^\s]+)$/i.exec(lines[0]) : null;
  if (shown !== null && isSame(shown[1], token)) return null;
  const detail =
    lines.length === 0
      ? 'this needs a token: send Authorization: Bearer TOKEN'
      : 'the token is not the right one, or not sent as one line Authorization: Bearer TOKEN';
  return { status: 401, code: 'unauthorized', detail };
}

/** In constant time whatever the lengths: both sides are hashed first. Header text is latin1, a token file UTF-8. */
function isSame(shown: string, token: string): boolean {
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(hash(Buffer.from(shown, 'latin1')), hash(Buffer.from(token, 'utf8')));
}

function strangerProblem(policy: GuardPolicy, { peerAddress, headers }: WriteFacts): string | null {
  if (!isLoopback(policy.boundAddress)) {
    return `${NEEDS_TOKEN}, or listen on a loopback address alone`;
  }
  if (!isLoopback(peerAddress)) return 'without a token only this machine may write';
  const forwarded = Object.keys(headers).find((name) => /^(?:forwarded|x-forwarded-.*|via)$/.test(name));
  if (forwarded !== undefined)
    return `without a token a request that came through a proxy (${forwarded}) may not write`;
  const hosts = headers.host ?? [];
  if (hosts.length !== 1 || !isLoopbackHost(hosts[0])) {
    return 'without a token the Host must be localhost, 127.x.x.x or [::1]';
  }
  const origins = headers.origin;
  if (origins !== undefined && !(origins.length === 1 && isOwnOrigin(origins[0], hosts[0]))) {
    return 'the request comes from a page of another origin';
  }
  // Browsers send it with each request; other clients do not. `none`: the user himself, not a page.
  const sites = headers['sec-fetch-site'];
  if (sites !== undefined && !(sites.length === 1 && ['same-origin', 'none'].includes(sites[0]))) {
    return 'the request comes from a page of another site';
  }
  return null;
}

/** An IP address of this machine alone; IPv4-mapped IPv6 counts as IPv4. */
export function isLoopback(address: string): boolean {
  return address === '::1' || isLoopbackIpv4(address.replace(/^::ffff:/i, ''));
}

function isLoopbackIpv4(text: string): boolean {
  const octets = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  return octets?.slice(1).every((octet) => Number(octet) <= 255) ?? false;
}

function isLoopbackHost(host: string): boolean {
  const name = /^(.*?)(?::\d{1,5})?$/.exec(host.toLowerCase())![1];
  return name === 'localhost' || name === '[::1]' || isLoopbackIpv4(name);
}

/** We speak plain HTTP, so our own pages have this very origin; `null` and look-alikes differ from it. */
function isOwnOrigin(origin: string, host: string): boolean {
  return origin.toLowerCase() === `http://${host.toLowerCase().replace(/:80$/, '')}`;
}
