/**
 * An error of a configuration on one line, in the form that editors and CI systems jump to: `FILE:LINE:COLUMN: PATH: message`.
 */
import type { ConfigError } from '../migration/errors.ts';

/** `path` is left out where the whole document is meant. */
export function errorLine({
  file,
  line,
  column,
  path,
  message,
}: Pick<ConfigError, 'file' | 'line' | 'column' | 'path' | 'message'>): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}
