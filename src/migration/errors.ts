/**
 * What is wrong in a configuration, as a value: where, which key, why, and an example of what is right.
 * Codes are stable and never used again for something else.
 */
export type ConfigErrorCode =
  | 'unreadable' // the source could not be read at all
  | 'syntax' // no YAML
  | 'empty'
  | 'duplicate_key'
  | 'unknown_key'
  | 'missing_key'
  | 'wrong_type'
  | 'bad_value' // right type, outside its range or grammar
  | 'limit' // too many rules, too long a value
  | 'duplicate_service' // a name, or (old_host, path_prefix), that an earlier service has
  | 'own_address' // a backend that is one of our own listeners
  | 'source_gone' // the ConfigMap or its key was deleted
  | 'nginx_refused'; // right as configuration, but this nginx cannot serve it

export interface ConfigError {
  readonly code: ConfigErrorCode;
  /** The service's name where it is known. */
  readonly service: string | null;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  /** `services[2].canary.ip_rules[0].cidr`; '' for the document. */
  readonly path: string;
  /** What is wrong, and an example of right, in one sentence or two. */
  readonly message: string;
}

/** `FILE:LINE:COLUMN: PATH: message`, the form that editors and CI jump to; without PATH for the document. */
export function formatConfigError({
  file,
  line,
  column,
  path,
  message,
}: Pick<ConfigError, 'file' | 'line' | 'column' | 'path' | 'message'>): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}
