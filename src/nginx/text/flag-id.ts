/**
 * The name under which a service's run state stands on disk, where nginx looks for it. In: a service's name. Out: 16 hex
 * digits, the same for every edit, reload and restart. No text of a user is ever part of a file's name.
 */
import { createHash } from 'node:crypto';

export function flagId(service: string): string {
  return createHash('sha256').update(service).digest('hex').slice(0, 16);
}
