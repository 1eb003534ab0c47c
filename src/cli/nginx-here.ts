/**
 * The nginx of this machine: a path or a name in, the program with its version and modules out, or why it cannot be used.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { inspectNginx } from '../nginx/process/version.ts';
import { cannot } from './failure.ts';
import type { NginxHere } from './nginx-settings.ts';

/** Where packages put it, and a user's PATH often does not lead. */
const MORE_PLACES = ['/usr/sbin', '/usr/local/sbin', '/usr/local/nginx/sbin', '/opt/nginx/sbin'];

export interface NginxProgram extends NginxHere {
  /** Absolute. */
  readonly program: string;
}

/** Throws CliFailure (code 2). */
export async function nginxHere(nginx: string): Promise<NginxProgram> {
  const program = programAt(nginx);
  if (program === null) {
    throw cannot(
      `there is no nginx at ${nginx}; install nginx 1.22 or newer, name it with --nginx FILE, or use --data-plane direct`,
    );
  }
  const found = await inspectNginx(program);
  if (!found.ok) throw cannot(found.message);
  const { version, lacks, njsModule, tlsCommands } = found;
  return { program, version, lacks, njsModule, tlsCommands };
}

/** Null: there is no such program. */
export function programAt(nginx: string): string | null {
  const places = (process.env.PATH ?? '').split(delimiter).filter((place) => place !== '');
  const paths = nginx.includes('/') ? [resolve(nginx)] : [...places, ...MORE_PLACES].map((place) => join(place, nginx));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
