/**
 * What nginx is told of TLS with backends. In: names and policies of lanes. Out: words for the server, where its lanes agree, and
 * for a lane what differs from that.
 *
 * A location that names a CA has an SSL_CTX of its own (0.4 ms with one CA, 10 to 38 ms with the system's), one that names none
 * takes the server's or http's from nginx 1.23.1 on. Before, each https location has its own, so there CAs are a directory
 * that OpenSSL looks into at handshakes, and nginx's own list is a file without a certificate (0.26 ms with any CAs, nginx 1.22.1).
 */
import type { TlsPolicy } from '../../migration/model.ts';
import { caDirectoryFiles } from './ca-directory.ts';
import { absolutePath, pemFile } from './grammar.ts';
import type { NamedFiles } from './named-files.ts';
import { quoteLiteral } from './quote.ts';
import { isAtLeast, type NginxSettings } from './settings.ts';
import { type Token, token } from './token.ts';

/** How a lane's connections are made. */
export interface LaneTls {
  readonly name: Token;
  readonly verified: boolean;
  /** Path of the CAs of its own; null: those trusted by default, or nobody is asked. */
  readonly authority: Token | null;
}

/** As the template prints it; null is not said. */
export interface TlsWords {
  readonly name: Token | null;
  readonly verify: Token | null;
  /** At most one of both. */
  readonly trusted: Token | null;
  readonly looked: Token | null;
}

/** Whether CAs are looked up at handshakes. */
export function looksUp({ version, caDirectory }: NginxSettings): boolean {
  return caDirectory !== null && !isAtLeast(version, 1, 23, 1);
}

/** Its own CAs become files of the text. */
export function laneTls(name: string, policy: TlsPolicy, files: NamedFiles, settings: NginxSettings): LaneTls {
  const { ca, insecureSkipVerify } = policy;
  const own = ca === null || insecureSkipVerify ? null : ownAuthority(ca, files, settings);
  return {
    name: quoteLiteral(name, 'server_name'),
    verified: !insecureSkipVerify,
    authority: own === null ? null : absolutePath(own, 'ca'),
  };
}

function ownAuthority(ca: string, files: NamedFiles, settings: NginxSettings): string {
  return looksUp(settings)
    ? files.addFolder('tls', '.certs', ca, () => caDirectoryFiles(ca, 'ca'))
    : files.add('tls', '.pem', pemFile(ca, 'ca'));
}

export function trustsDefault({ verified, authority }: LaneTls): boolean {
  return verified && authority === null;
}

/**
 * What a server says for its lanes: the commonest name and policy. Null where it had better say nothing. Where one lane trusts the
 * default CAs no policy is said: taking it back would make an SSL_CTX with all of them in each such lane.
 */
export function sharedTls(lanes: readonly LaneTls[]): LaneTls | null {
  if (lanes.length === 0) return null;
  const name = commonest(lanes, (lane) => lane.name).name;
  if (lanes.some(trustsDefault)) return { name, verified: true, authority: null };
  return { ...commonest(lanes, policyKey), name };
}

/** Null: nothing is to be said. `given`: what holds without it; null: nothing but http's. */
export function tlsWords(lane: LaneTls, given: LaneTls | null, settings: NginxSettings): TlsWords | null {
  const verified = given?.verified ?? true;
  const name = lane.name === given?.name ? null : lane.name;
  const verify = lane.verified === verified ? null : token(lane.verified ? 'on' : 'off');
  const authority = lane.authority === (given?.authority ?? null) ? null : lane.authority;
  if (name === null && verify === null && authority === null) return null;
  return looksUp(settings)
    ? { name, verify, trusted: null, looked: authority }
    : { name, verify, trusted: authority, looked: null };
}

function policyKey({ verified, authority }: LaneTls): string {
  return `${verified} ${authority}`;
}

/** The first of those that are there most often. */
function commonest(lanes: readonly LaneTls[], key: (lane: LaneTls) => string): LaneTls {
  const groups = [...Map.groupBy(lanes, key).values()];
  return groups.reduce((most, group) => (group.length > most.length ? group : most))[0];
}

/**
 * A PEM file in which there is nothing to trust: nginx wants one beside `proxy_ssl_verify on`, and OpenSSL takes one with a list of
 * revoked certificates alone. Nobody's (CN=nobody), empty, signed with a key that is gone, and never looked at.
 */
export const NO_AUTHORITY = `-----BEGIN X509 CRL-----
MIGWMD8wCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGbm9ib2R5Fw0yNjExMjExNjEy
NTBaGA8yMTI2MTAyODE2MTI1MFowCgYIKoZIzj0EAwIDRwAwRAIgX1k8rl1/Eo60
jr7xkBjSbithxiIbMoNcHW/Tnifh1ogCIDhatiNcnbrAg2yihRX1BgtnP0mUIeLl
0mp5Gv2SjjYU
-----END X509 CRL-----
`;
