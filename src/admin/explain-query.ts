/**
 * The query of `explain`: one imagined request, spelt out.
 * In: the query string. Out: an ExplainRequest, or what is wrong with it. `header` and `cookie` may be repeated.
 */
import { isIP } from 'node:net';
import type { ExplainRequest } from './backend.ts';
import type { Parsed } from './write-body.ts';

const PARTS_LIMIT = 100;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

interface Pair {
  readonly name: string;
  readonly value: string;
}

export function parseExplainQuery(query: string): Parsed<ExplainRequest> {
  const headers: Pair[] = [];
  const cookies: Pair[] = [];
  const single = new Map<string, string>();
  const parameters = new URLSearchParams(query);
  if (parameters.size > PARTS_LIMIT) return bad(`at most ${PARTS_LIMIT} parameters`);
  for (const [key, text] of parameters) {
    if (CONTROL.test(text)) return bad('a parameter has a control character');
    if (key === 'header' || key === 'cookie') {
      const pair = key === 'header' ? pairOf(text, ':') : pairOf(text, '=');
      if (pair === null) return bad(key === 'header' ? 'header must be NAME: VALUE' : 'cookie must be NAME=VALUE');
      (key === 'header' ? headers : cookies).push(pair);
    } else if (key !== 'ip' && key !== 'user') {
      return bad('unknown parameter; known are: header, cookie, ip, user');
    } else if (single.has(key)) {
      return bad(`${key} may be given once`);
    } else {
      single.set(key, text);
    }
  }
  const ip = single.get('ip') ?? null;
  if (ip !== null && (isIP(ip) === 0 || ip.includes('%'))) return bad('ip must be an IPv4 or IPv6 address');
  return { value: { headers, cookies, ip, user: single.get('user') ?? null } };
}

function pairOf(text: string, separator: string): Pair | null {
  const at = text.indexOf(separator);
  if (at === -1) return null;
  const name = text.slice(0, at).trim();
  return TOKEN.test(name) ? { name, value: text.slice(at + 1).trim() } : null;
}

function bad(detail: string): Parsed<never> {
  return { problem: { code: 'bad_request', detail } };
}
