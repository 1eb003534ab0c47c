/**
 * What the admin server says of a change, for people: done, or done here alone so far.
 */
import { plain, printData, printNote } from './streams.ts';

export interface WriteAnswer {
  readonly message: string;
  /** The other replicas do not know it yet. */
  readonly pending?: boolean;
}

/** A difference as it is, for `patch`; where a person looks, a line of it must not steer the terminal. */
export function printDifference(text: string): void {
  const shown = process.stdout.isTTY ? text.split('\n').map(plain).join('\n') : text;
  process.stdout.write(shown);
}

export function printAnswer({ message, pending }: WriteAnswer): void {
  printData(plain(message));
  if (pending !== true) return;
  printNote('migration-proxy: pending: the other replicas do not know it yet');
}
