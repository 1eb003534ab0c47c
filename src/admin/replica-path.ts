/**
 * What a request to `/api/v1/replicas/NAME/REST` asks of which replica. In: the target as sent. Out: the name and the target for that
 * replica, or what is wrong with it. Pure. A path that another reader could take for another one goes no further, and nobody is
 * asked to ask a third.
 */
import { isIP } from 'node:net';

export const REPLICAS_PATH = '/api/v1/replicas';

export type ReplicaTarget = { readonly name: string; readonly target: string } | { readonly problem: string };

/** `url`: path and query, which matched `/api/v1/replicas/{name}/{rest}`. */
export function replicaTarget(url: string): ReplicaTarget {
  const [, rawName, rawRest, query = ''] = /^\/api\/v1\/replicas\/([^/?]*)\/([^?]*)(\?.*)?$/s.exec(url) ?? [];
  if (rawName === undefined) return { problem: 'a path of a replica is /api/v1/replicas/NAME/status, for example' };
  const name = decoded(rawName);
  const segments = rawRest.split('/').map(decoded);
  if (name === null || segments.includes(null)) return { problem: 'the path cannot be read' };
  const isOdd = (segment: string | null, index: number) =>
    segment === '.' ||
    segment === '..' ||
    // The end may be empty: /.
    (segment === '' && index < segments.length - 1) ||
    /[/\\\x00-\x1f\x7f]/.test(segment as string);
  if (segments.some(isOdd)) return { problem: 'the path has a segment that is empty, . or .., or an encoded / or \\' };
  const inner = `/${segments.join('/')}`;
  if (inner.startsWith(`${REPLICAS_PATH}/`)) return { problem: 'ask for a replica here, not through another replica' };
  return { name, target: `/${rawRest}${query}` };
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** `http://10.1.2.3:8080` or `http://[fd00::1]:8080` and nothing behind it: what the register may send a token to. */
export function isReplicaAddress(address: string): boolean {
  const [, ipv4, ipv6, port] = /^http:\/\/(?:([\d.]+)|\[([0-9a-f:.]+)\]):(\d{1,5})$/i.exec(address) ?? [];
  return isIP(ipv4 ?? ipv6 ?? '') !== 0 && Number(port) >= 1 && Number(port) <= 65_535;
}
