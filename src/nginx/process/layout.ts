/**
 * Where things are below nginx's directory. In: the directory. Out: paths, and why a directory cannot be one. The same
 * layout stands a second time below `scratch`, where candidates are checked. Knows nothing of what the files say.
 */
import { isAbsolute, join } from 'node:path';

export interface Layout {
  readonly directory: string;
  readonly configuration: string;
  readonly lastGood: string;
  readonly errorLog: string;
  /** What nginx says before it has read its configuration. */
  readonly startLog: string;
  /** Made to ask whoever starts nginx beside us for a start, and what they leave there when it has ended. */
  readonly startRequest: string;
  readonly startEnded: string;
  readonly pidFile: string;
  readonly controlSocket: string;
}

/** Sub-directories, all made by us; nginx makes its own below `temp`. */
export const FOLDERS = ['flags', 'log', 'run', 'temp', 'tls'] as const;

/** Linux: sun_path has 108 bytes with the closing NUL. */
const LONGEST_SOCKET = 107;

export function layoutOf(directory: string): Layout {
  return {
    directory,
    configuration: join(directory, 'nginx.conf'),
    lastGood: join(directory, 'nginx.conf.last-good'),
    errorLog: join(directory, 'log', 'error.log'),
    startLog: join(directory, 'log', 'start.log'),
    startRequest: join(directory, 'run', 'start'),
    startEnded: join(directory, 'run', 'ended'),
    pidFile: join(directory, 'run', 'nginx.pid'),
    controlSocket: join(directory, 'run', 'control.sock'),
  };
}

export function scratchOf(directory: string): Layout {
  return layoutOf(join(directory, 'scratch'));
}

/**
 * The candidate's text as it is checked: every path below the directory is one below the scratch directory. A user's text
 * that happens to hold such a path grows by a plain word inside its quotes, which changes no structure.
 */
export function inScratch(text: string, directory: string): string {
  // The directory's alphabet leaves the dot alone to be quoted.
  const quoted = directory.replaceAll('.', '\\.');
  return text.replaceAll(new RegExp(`(?<![A-Za-z0-9_./-])${quoted}/`, 'g'), `${directory}/scratch/`);
}

/** Null: fit. The paths stand unquoted in nginx's text, in a socket's address and in regular expressions. */
export function unfitDirectory(directory: string): string | null {
  const example = 'for example /dev/shm/migration-proxy/8000';
  if (!isAbsolute(directory)) return `nginx's directory ${directory} is not absolute; ${example}`;
  if (!/^[A-Za-z0-9_./-]+$/.test(directory) || join(directory) !== directory || directory.endsWith('/')) {
    return `nginx's directory ${JSON.stringify(directory)} may hold letters, digits and _ . - alone, no // and no . or .. parts; ${example}`;
  }
  const socket = scratchOf(directory).controlSocket.length;
  if (socket > LONGEST_SOCKET) {
    const most = directory.length - (socket - LONGEST_SOCKET);
    return `nginx's directory ${directory} is too long: at most ${most} characters, as a unix socket's path has ${LONGEST_SOCKET} at most; ${example}`;
  }
  return null;
}
