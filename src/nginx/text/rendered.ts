/** What rendering gives: a text for nginx, the files that it names, and what is to be said of it. */
import type { ServedMigration } from '../../migration/model.ts';
import type { NginxSettings } from './settings.ts';

export interface RenderInput {
  readonly services: readonly ServedMigration[];
  /** Addresses of a backend's host, as nginx may write them in `server`; null: its name never resolved. */
  readonly addresses: (host: string) => readonly string[] | null;
  readonly settings: NginxSettings;
}

/** A service that cannot be said in this nginx: it is not in the text. */
export interface Refusal {
  readonly service: string;
  /** The key that is to blame, below the service. */
  readonly key: string;
  readonly message: string;
}

export interface Rendered {
  readonly text: string;
  /** Digest of the text without it, which the control server answers: 16 hex digits. */
  readonly token: string;
  /** Content by path relative to the directory; named by their content. */
  readonly files: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  readonly refused: readonly Refusal[];
  /** How many variables of ours the text has; each costs every request (about 4 ns, measured with nginx 1.22). */
  readonly variables: number;
}
