/**
 * The hash that gives an id its fixed place: which function, and the salt before the id.
 * `cohort:id` decides by percentage, `probe:cohort:id` who is admitted while probing; the nginx plane writes the same
 * strings as keys of `split_clients`. Knows nothing of where an id comes from; an empty id is never to be hashed.
 */
import type { HashName } from '../migration/model.ts';
import { utf8Bytes } from './bytes.ts';
import { makeSalt, murmur2, type Salt } from './murmur2.ts';
import { murmur3 } from './murmur3.ts';

export interface KeyedHash {
  readonly name: HashName;
  readonly salt: Salt;
}

/** The text before an id whose hash meets the percentage. */
export function cohortPrefix(cohort: string): string {
  return `${cohort}:`;
}

/** The text before an id whose hash meets the share that is admitted while probing. */
export function probePrefix(cohort: string): string {
  return `probe:${cohort}:`;
}

/** `prefix` is text, as configured. */
export function keyedHash(name: HashName, prefix: string): KeyedHash {
  return Object.freeze({ name, salt: makeSalt(utf8Bytes(prefix)) });
}

/** The place of an id (a byte string, not empty) in 0..0xffffffff. */
export function hashId(hash: KeyedHash, id: string): number {
  return hash.name === 'murmur2' ? murmur2(hash.salt, id) : murmur3(hash.salt.bytes + id);
}
