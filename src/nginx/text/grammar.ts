/**
 * Values that have a form of their own in an nginx configuration: each kind with its grammar, a value in, a word as nginx wants it
 * out. Validation has refused everything else long before, so what does not fit throws, naming the field.
 */

import { parseIp } from '../../allocator/ip.ts';
import { formatBackend, hostProblem } from '../../migration/addresses.ts';
import { pemProblem } from '../../migration/pem.ts';
import { networkOf } from './network.ts';
import { ConfigurationFault, fitting, type Token, token } from './token.ts';

/** A whole host in lower case, for `server_name`: labels of RFC 1123 with `_`, or an IPv4 address. */
export function hostName(host: string, field: string): Token {
  if (hostProblem(host) === null && host === host.toLowerCase()) return token(host);
  throw new ConfigurationFault(field, host, 'is no host name in lower case', 'api.example.com');
}

/** Where to connect or to listen: `api.example.com:443`, `10.0.0.1:80`, `[2001:db8::1]:80`. */
export function endpoint(address: string, port: number, field: string): Token {
  if (address.includes(':') ? parseIp(address) !== null : hostProblem(address) === null) {
    return token(formatBackend(address.toLowerCase(), Number(portNumber(port, field))));
  }
  throw new ConfigurationFault(field, address, 'is no host or address', '10.0.0.1');
}

export function portNumber(port: number, field: string): Token {
  if (port >= 1 && port <= 65_535) return wholeNumber(port, field);
  throw new ConfigurationFault(field, port, 'is no port', '443');
}

export function wholeNumber(value: number, field: string): Token {
  if (Number.isSafeInteger(value) && value >= 0) return token(String(value));
  throw new ConfigurationFault(field, value, 'is no whole number', '32');
}

/** `30s` for whole seconds, else `1500ms`. */
export function duration(ms: number, field: string): Token {
  const number = wholeNumber(ms, field);
  return token(ms % 1000 === 0 ? `${ms / 1000}s` : `${number}ms`);
}

/** `1m`, `32k`, or bytes. */
export function size(bytes: number, field: string): Token {
  const number = wholeNumber(bytes, field);
  if (bytes === 0 || bytes % 1024 !== 0) return number;
  return token(bytes % 1_048_576 === 0 ? `${bytes / 1_048_576}m` : `${bytes / 1024}k`);
}

/** Basis points as `split_clients` reads them, at most two decimals: `20%`, `0.01%`. It refuses 0 %. */
export function percent(shareBp: number, field: string): Token {
  if (Number.isInteger(shareBp) && shareBp >= 1 && shareBp <= 10_000) return token(`${shareBp / 100}%`);
  throw new ConfigurationFault(field, shareBp, 'is no share in basis points from 1 to 10000', '2000');
}

/** The network of a CIDR, without the low bits that nginx warns of; that of a mapped address is one of IPv4. */
export function network(cidr: string, field: string): Token {
  const found = networkOf(cidr);
  if (found !== null) return token(found);
  throw new ConfigurationFault(field, cidr, 'is no CIDR', '10.0.0.0/8');
}

export function hexId(text: string, field: string): Token {
  return fitting(text, /^[0-9a-f]{8,64}$/, field, 'id of hexadecimal digits', '3f9c0a1b2c3d4e5f');
}

/** Of an `upstream` block. */
export function upstreamName(name: string, field: string): Token {
  return fitting(name, /^[a-z0-9][a-z0-9._-]{0,299}$/, field, 'upstream name', 'old_10.0.0.1_8078');
}

/** Of a named location, with its sign. */
export function laneName(name: string, field: string): Token {
  return fitting(name, /^@[a-z][a-z0-9_]*$/, field, 'named location', '@rescue');
}

export function statusCode(status: number, field: string): Token {
  if (Number.isInteger(status) && status >= 100 && status <= 599) return token(String(status));
  throw new ConfigurationFault(field, status, 'is no status', '503');
}

/** A user of the machine, for `user`. */
export function userName(name: string, field: string): Token {
  return fitting(name, /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, field, 'user name', 'www-data');
}

/** `$http_x_user_id` for `X-User-ID`, without the sign. */
export function headerVariable(header: string, field: string): Token {
  const fits = fitting(header, /^[A-Za-z0-9-]+$/, field, 'header name', 'X-User-ID');
  return token(`http_${fits.toLowerCase().replaceAll('-', '_')}`);
}

/**
 * What is wrong with a path that nginx shall read or write; null when nothing. Templates put names after it, so it has to be one
 * word without quotes. In some directives nginx expands `$`, and in none can it be escaped.
 */
export function pathProblem(path: string): string | null {
  if (!path.startsWith('/')) return 'is no absolute path';
  if (/[\x00-\x20\x7f"'\\$;{}#()]/.test(path)) return 'has a space, a control character or one of "\'\\$;{}#()';
  if (new TextEncoder().encode(path).length > 1024) return 'has more than 1024 bytes';
  return path.isWellFormed() ? null : 'is no Unicode text';
}

export function absolutePath(path: string, field: string): Token {
  const problem = pathProblem(path);
  if (problem === null) return token(path);
  throw new ConfigurationFault(field, path, problem, '/dev/shm/migration-proxy');
}

/** The certificates alone, in their order, as the text of a file: what stands around them is nobody's business. */
export function pemFile(text: string, field: string): string {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const problem = pemProblem(text);
  if (problem === null) return `${blocks.join('\n')}\n`;
  throw new ConfigurationFault(field, text, problem, '-----BEGIN CERTIFICATE-----…');
}
