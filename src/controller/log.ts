/**
 * The log as the control side sees it. Who reads which level: `error` whoever is woken at night, `warn` whoever looks at
 * the service the next morning, `info` whoever asks what happened, `debug` whoever develops. Each event is logged once,
 * by whoever handles it. Never a user, a path or a client's address.
 */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
