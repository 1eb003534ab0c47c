/**
 * Programs that suites need beside Node: names in, those that can't be had out, with the reason. Where the machine is a
 * Debian and we are root, what is missing is installed; elsewhere the reason says how.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian's packages for a program, where the names differ. Go fetches modules, and trusts the machine's authorities. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  nginx: ['nginx-light'],
  go: ['golang-go', 'ca-certificates'],
  promtool: ['prometheus'],
};
const INSTALL_LIMIT_MS = 300_000;

export type Missing = ReadonlyMap<string, string>;

/** Installs what is missing, one line to `say` a step; the map holds the reason for each program that is still missing. */
export async function provide(programs: Iterable<string>, say: (line: string) => void): Promise<Missing> {
  const missing = [...new Set(programs)].filter((program) => !isThere(program));
  if (missing.length === 0) return new Map();
  const packages = missing.flatMap((program) => PACKAGES[program] ?? [program]);
  const hint = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !isThere('apt-get')) return reasons(missing, `not installed (${hint})`);
  say(`installing ${packages.join(', ')}`);
  if (!hasPackageLists()) await apt('update');
  let problem = await apt('install', ...packages);
  if (problem !== null && (await apt('update')) === null) problem = await apt('install', ...packages);
  return reasons(missing, problem === null ? 'its package has no such program' : `${hint} failed: ${problem}`);
}

export function isThere(program: string): boolean {
  return pathOf(program) !== null;
}

/** The first on the PATH (or where root's programs are) that can be run; null: none. */
export function pathOf(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/sbin', '/sbin'];
  const paths = folders.map((folder) => join(folder, program));
  return paths.find(isProgram) ?? null;
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function reasons(programs: readonly string[], reason: string): Missing {
  return new Map(programs.filter((program) => !isThere(program)).map((program) => [program, reason]));
}

function hasPackageLists(): boolean {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.endsWith('_Packages') || name.includes('_Packages.'));
  } catch {
    return false;
  }
}

/** Null when it worked, else the last line of what it said. */
function apt(command: 'update' | 'install', ...packages: string[]): Promise<string | null> {
  const flags =
    command === 'install' ? ['install', '-y', '-q', '--no-install-recommends', ...packages] : ['update', '-q'];
  // RUNLEVEL=1: the packages' own services stay off, their ports are not ours to take.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  return new Promise((resolve) => {
    const child = spawn('apt-get', flags, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: INSTALL_LIMIT_MS });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) =>
      resolve(code === 0 ? null : (output.trim().split('\n').at(-1) ?? `ended with ${code}`)),
    );
  });
}
