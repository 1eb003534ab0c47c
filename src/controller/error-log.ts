/**
 * Errors of the configuration in the log: each once, when it appears, and a word when it is gone. A file that is read again and
 * again with the same mistake says so once. Moving an error to another line is no new error.
 */
import type { ConfigError } from '../migration/errors.ts';
import type { Log } from './log.ts';

export class ErrorLog {
  readonly #log: Log;
  #known = new Map<string, ConfigError>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** These are the errors now. Gives back those that are new. */
  report(errors: readonly ConfigError[]): readonly ConfigError[] {
    const fresh: ConfigError[] = [];
    const now = new Map(errors.map((error) => [keyOf(error), error]));
    for (const [key, error] of now) {
      if (this.#known.has(key)) continue;
      fresh.push(error);
      const { code, service, file, line, column, path, message } = error;
      this.#log.warn({ code, service, file, line, column, path }, `${placeOf(error)}: ${message}`);
    }
    for (const [key, error] of this.#known) {
      if (now.has(key)) continue;
      this.#log.info({ code: error.code, service: error.service }, `no longer in error: ${placeOf(error)}`);
    }
    this.#known = now;
    return fresh;
  }
}

function keyOf({ code, service, file, path, message }: ConfigError): string {
  return JSON.stringify([code, service, file, path, message]);
}

export function placeOf({ file, line, column, path }: ConfigError): string {
  return path === '' ? `${file}:${line}:${column}` : `${file}:${line}:${column}: ${path}`;
}
