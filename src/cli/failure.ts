/**
 * How a command ends without what it was asked for: an exit code and one line for people. Thrown by commands, printed once
 * by the frame. Code 1: the answer is no (invalid, different, unhealthy, not found). Code 2: it could not be done
 * (usage, unreachable, refused).
 */
export const EXIT_NO = 1;
export const EXIT_CANNOT = 2;

export class CliFailure extends Error {
  readonly exitCode: typeof EXIT_NO | typeof EXIT_CANNOT;

  constructor(exitCode: CliFailure['exitCode'], message: string) {
    super(message);
    this.name = 'CliFailure';
    this.exitCode = exitCode;
  }
}

/** Refused, because another tool owns what was to be edited: there is something to print on stdout all the same. */
export class ManagedElsewhere extends CliFailure {
  /** A unified diff. */
  readonly difference: string;

  constructor(message: string, difference: string) {
    super(EXIT_CANNOT, message);
    this.difference = difference;
  }
}

/** "The answer is no". */
export function answerNo(message: string): CliFailure {
  return new CliFailure(EXIT_NO, message);
}

/** "It could not be done". */
export function cannot(message: string): CliFailure {
  return new CliFailure(EXIT_CANNOT, message);
}

/** A system error in words: `no such file or directory`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return (code && SYSTEM_ERRORS[code]) ?? error.message;
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'no interface here has this address',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EISDIR: 'it is a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of the path is no directory',
  ENOTFOUND: 'the host name is unknown',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};
