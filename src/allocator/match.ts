/**
 * One value against one rule's `match`. In: the model's match, compiled once into bytes. Out: yes or no for a value, and the
 * rule in words. An absent or empty value matches nothing, not even `present`. Knows nothing of headers or cookies.
 */
import type { Match } from '../migration/model.ts';
import { utf8Bytes } from './bytes.ts';
import { type ByteRegex, compileRegex } from './regex.ts';

export interface CompiledMatch {
  readonly kind: Match['kind'];
  /** What exact and prefix compare with, as bytes; '' for the others. */
  readonly bytes: string;
  readonly regex: ByteRegex | null;
}

/** Throws on a regex that RE2 cannot compile, which validation must have refused. */
export function compileMatch(match: Match): CompiledMatch {
  const bytes = match.kind === 'exact' || match.kind === 'prefix' ? utf8Bytes(match.value) : '';
  return Object.freeze({ kind: match.kind, bytes, regex: match.kind === 'regex' ? compileRegex(match.source) : null });
}

/** `value` is a byte string, '' when absent. */
export function matches(match: CompiledMatch, value: string): boolean {
  if (value === '') return false;
  switch (match.kind) {
    case 'exact':
      return value === match.bytes;
    case 'prefix':
      return value.startsWith(match.bytes);
    case 'present':
      return true;
    case 'regex':
      return match.regex!.test(value);
  }
}

/** `is "new"`, `begins with "v2"`, `matches /^v[23]$/`, `is present`. */
export function describeMatch(match: Match): string {
  switch (match.kind) {
    case 'exact':
      return `is ${JSON.stringify(match.value)}`;
    case 'prefix':
      return `begins with ${JSON.stringify(match.value)}`;
    case 'present':
      return 'is present';
    case 'regex':
      return `matches /${match.source}/`;
  }
}
