/**
 * What a request to `/api/v1/replicas/NAME/REST` asks of which replica. In: the target as sent. Out: the name and the target for that
 * replica, or what is wrong with it. Pure. A path that another reader could take for another one goes no further, and nobody is
 * asked to ask a third.
 */
import { BlockList, isIP } from 'node:net';

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

/** No replica's: what a cloud tells its machines about themselves (RFC 3927, RFC 4291), everybody, and nobody. */
const NEVER = new BlockList();
NEVER.addSubnet('0.0.0.0', 8);
NEVER.addSubnet('169.254.0.0', 16);
NEVER.addSubnet('224.0.0.0', 3);
NEVER.addAddress('::', 'ipv6');
NEVER.addAddress('fd00:ec2::254', 'ipv6');
NEVER.addSubnet('fe80::', 10, 'ipv6');
NEVER.addSubnet('ff00::', 8, 'ipv6');

/** `http://10.1.2.3:8080` or `http://[fd00::1]:8080` and nothing behind it: where a request may be handed on to. */
export function isReplicaAddress(address: string): boolean {
  const [, ipv4, ipv6, port] = /^http:\/\/(?:([\d.]+)|\[([0-9a-f:.]+)\]):(\d{1,5})$/i.exec(address) ?? [];
  const ip = ipv4 ?? ipv6 ?? '';
  const family = isIP(ip);
  if (family === 0 || Number(port) < 1 || Number(port) > 65_535) return false;
  return !NEVER.check(ip, family === 4 ? 'ipv4' : 'ipv6');
}
