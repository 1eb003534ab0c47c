/**
 * The small grammars of single values: names, header and cookie names, rule values, paths, ranges. In: text. Out: what is wrong with
 * it in a few words, or null. A value that could never match anything is wrong too: it is a slip, not a wish.
 */
import { quote } from './quote.ts';

/** A refusal for size rather than for form, so that it gets its own code. */
export interface LimitProblem {
  readonly limit: string;
}
export type Problem = string | LimitProblem | null;

export const NAME_PATTERN = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';
export const HEADER_PATTERN = '^[A-Za-z0-9-]+$';
/** RFC 6265 section 4.1.1: a cookie's name is a token. */
export const COOKIE_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
export const COHORT_PATTERN = '^[A-Za-z0-9][-._A-Za-z0-9]{0,62}$';
export const HASH_RANGE_PATTERN = '^(0|[1-9][0-9]?|100)-(0|[1-9][0-9]?|100)$';

const MAX_VALUE_BYTES = 1024;
const MAX_NAME_CHARACTERS = 256;
const MAX_PATH_CHARACTERS = 1024;

export function serviceNameProblem(name: string): Problem {
  if (new RegExp(NAME_PATTERN).test(name)) return null;
  if (name.length > 63) return `has ${name.length} characters; a name has at most 63`;
  return `${quote(name)} is no name: lower case letters, digits and inner hyphens`;
}

export function headerNameProblem(name: string): Problem {
  if (name.length > MAX_NAME_CHARACTERS)
    return { limit: `a header name has at most ${MAX_NAME_CHARACTERS} characters` };
  if (new RegExp(HEADER_PATTERN).test(name)) return null;
  if (/^[A-Za-z0-9_-]+$/.test(name)) return `${quote(name)} has an underscore; such headers are never matched`;
  return `${quote(name)} is no header name: letters, digits and hyphens`;
}

export function cookieNameProblem(name: string): Problem {
  if (name.length > MAX_NAME_CHARACTERS)
    return { limit: `a cookie name has at most ${MAX_NAME_CHARACTERS} characters` };
  return new RegExp(COOKIE_PATTERN).test(name) ? null : `${quote(name)} is no cookie name`;
}

export function cohortProblem(cohort: string): Problem {
  if (new RegExp(COHORT_PATTERN).test(cohort)) return null;
  return `${quote(cohort)} is no cohort: letters, digits, \`-\`, \`_\` and \`.\`, at most 63`;
}

/** Of every rule value, whatever its match. */
export function ruleValueProblem(value: string): Problem {
  if (value === '') return 'is empty, and an empty value counts as absent';
  if (!value.isWellFormed()) return 'is no Unicode text: half of a surrogate pair';
  if (new TextEncoder().encode(value).length > MAX_VALUE_BYTES)
    return { limit: `has more than ${MAX_VALUE_BYTES} bytes` };
  return /[\x00-\x1f\x7f]/.test(value) ? `${quote(value)} has a control character` : null;
}

/** Of values that are compared as they stand: a field value arrives without white space around it. */
export function comparedValueProblem(value: string, match: 'exact' | 'prefix'): string | null {
  const trimmed = match === 'exact' ? value.trim() : value.trimStart();
  return trimmed === value ? null : `${quote(value)} can never match: values arrive without spaces around them`;
}

export function cookieValueProblem(value: string): string | null {
  return value.includes(';') ? `${quote(value)} can never match: \`;\` ends a cookie's value` : null;
}

/** A prefix that could only be asked for by a path that is refused is wrong as well. */
export function pathPrefixProblem(path: string): Problem {
  if (!path.startsWith('/')) return `${quote(path)} does not begin with /`;
  if (path.length > MAX_PATH_CHARACTERS) return { limit: `a path has at most ${MAX_PATH_CHARACTERS} characters` };
  if (/[?#]/.test(path)) return `${quote(path)} has a query or a fragment; a prefix is a path`;
  if (path.includes('//')) return `${quote(path)} has an empty segment (//)`;
  if (path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment)))
    return `${quote(path)} has a . or .. segment`;
  if (/%2f|%5c/i.test(path)) return `${quote(path)} has an encoded / or \\, which requests may not have`;
  if (/%(?![0-9a-f]{2})/i.test(path)) return `${quote(path)} has a % that begins no %xx`;
  // RFC 3986 section 3.3: what a path may hold without being encoded.
  if (!/^[A-Za-z0-9._~!$&'()*+,;=:@%/-]+$/.test(path))
    return `${quote(path)} has characters that a path encodes as %xx`;
  return null;
}

/** `/api/` and `/api` are one prefix; `/` is the whole host: null. */
export function normalPathPrefix(path: string): string | null {
  return path === '/' ? null : path.replace(/\/$/, '');
}

export function healthPathProblem(path: string): Problem {
  if (!path.startsWith('/')) return `${quote(path)} does not begin with /`;
  if (path.length > MAX_PATH_CHARACTERS) return { limit: `a path has at most ${MAX_PATH_CHARACTERS} characters` };
  return /^[\x21-\x22\x24-\x7e]+$/.test(path) ? null : `${quote(path)} has a space, a # or characters beyond ASCII`;
}

export function hashRangeProblem(range: string): Problem {
  if (!new RegExp(HASH_RANGE_PATTERN).test(range)) return `${quote(range)} is no range of per cent from 0 to 99`;
  const { from, to } = parseHashRange(range);
  return from > to ? `${quote(range)} ends before it begins` : null;
}

/** Both ends inclusive, 0..99: 100 reads as 99. */
export function parseHashRange(range: string): { from: number; to: number } {
  const [from, to] = range.split('-').map((end) => Math.min(Number(end), 99));
  return { from, to };
}
