/**
 * Names and addresses of machines as a configuration writes them: hosts, backends, CIDRs. In: text. Out: the parts in their one
 * canonical form, or a sentence that says what is wrong. Nothing is resolved here.
 */
import IPCIDR from 'ip-cidr';
import { quote } from './quote.ts';

export interface Backend {
  /** Lower case name, dotted quad, or IPv6 in RFC 5952 form without brackets. */
  readonly address: string;
  readonly port: number;
}

const LABEL = /^[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?$/;
const QUAD = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** What is wrong with a host (a name or an IPv4 address, any case, no port); null when nothing. */
export function hostProblem(host: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(host)) return `${quote(host)} is a URL; only the host belongs here`;
  if (host.includes('*')) return `${quote(host)} has a wildcard; each host is its own service`;
  if (/^[^:]+:\d*$/.test(host)) return `${quote(host)} has a port; a host stands without one`;
  if (host.includes('/')) return `${quote(host)} has a path; only the host belongs here`;
  if (host.length > 253) return `a host has at most 253 characters, this one ${host.length}`;
  return nameProblem(host);
}

/** What is wrong with `host:port` or `[IPv6]:port`; null when nothing. */
export function backendProblem(text: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    return `${quote(text)} is a URL; write host:port here and http or https as the protocol`;
  }
  const found = splitBackend(text);
  if (found === null) {
    const bare = text.startsWith('[') ? text.replace(/^\[|\]$/g, '') : text;
    if (ipv6Text(bare) !== null) return `${quote(text)} needs brackets and a port`;
    if (/^\[?[^:[\]/]+\]?$/.test(text)) return `${quote(text)} has no port`;
    return `${quote(text)} is not host:port`;
  }
  const { host, port } = found;
  if (!(/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535)) return `${quote(port)} is no port (1 to 65535)`;
  if (host.startsWith('[')) {
    return ipv6Text(host.slice(1, -1)) === null ? `${quote(host)} is no IPv6 address` : null;
  }
  if (host.length > 253) return `a host has at most 253 characters, this one ${host.length}`;
  return nameProblem(host);
}

/** Throws on text that `backendProblem` refuses. */
export function parseBackend(text: string): Backend {
  const found = splitBackend(text);
  if (found === null || backendProblem(text) !== null) throw new Error(`no backend: ${quote(text)}`);
  const { host, port } = found;
  const address = host.startsWith('[') ? ipv6Text(host.slice(1, -1))! : host.toLowerCase();
  return { address, port: Number(port) };
}

/** What is wrong with a CIDR, IPv4 or IPv6; null when nothing. */
export function cidrProblem(text: string): string | null {
  const [address, length, ...rest] = text.split('/');
  const ipv6 = ipv6Text(address);
  const bits = QUAD.test(address) ? 32 : ipv6 !== null ? 128 : 0;
  if (length === undefined && bits > 0) return `${quote(text)} has no prefix length; one address is ${address}/${bits}`;
  if (bits === 0 || rest.length > 0) return `${quote(text)} is no CIDR`;
  if (!(/^(?:0|[1-9]\d{0,2})$/.test(length ?? '') && Number(length) <= bits)) {
    return `${quote(text)} is no CIDR: its prefix length is 0 to ${bits}`;
  }
  // ip-cidr 4.0.2 refuses some spellings of IPv6, such as `::0:0:0.0.0.0`; the canonical one it reads.
  return IPCIDR.isValidCIDR(`${ipv6 ?? address}/${length}`) ? null : `${quote(text)} is no CIDR`;
}

function splitBackend(text: string): { host: string; port: string } | null {
  const found = /^(\[[^\]]*\]|[^:[\]/]+):([^:[\]/]*)$/.exec(text);
  return found === null ? null : { host: found[1], port: found[2] };
}

/** RFC 1123 labels, with `_`, which names inside clusters have; a last label of digits makes it an IPv4 address. */
function nameProblem(host: string): string | null {
  if (host === '') return 'is empty';
  const labels = host.toLowerCase().split('.');
  if (labels.every((label) => LABEL.test(label))) {
    const numeric = /^\d+$/.test(labels[labels.length - 1]);
    return numeric && !QUAD.test(host) ? `${quote(host)} is no IPv4 address` : null;
  }
  if (host.endsWith('.')) return `${quote(host)} ends with a dot`;
  const [foreign] = /[^\x00-\x7f]/u.exec(host) ?? [];
  // Some look just like ASCII, as the Cyrillic `а` does.
  if (foreign !== undefined) {
    return `${quote(host)} has ${quote(foreign)} (${codePoint(foreign)}); such names are written in their xn-- form`;
  }
  return `${quote(host)} is no host name`;
}

/** `U+0430` */
function codePoint(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The canonical text of an IPv6 address without brackets; null for anything else. */
function ipv6Text(text: string): string | null {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(':')) return null;
  const url = URL.parse(`http://[${text}]/`);
  return url === null ? null : url.hostname.slice(1, -1);
}

/** `host:port`, with brackets where the address is IPv6. */
export function formatBackend(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
