/**
 * The program of the nginx that runs, where an upgrade has put another one in its place. In: the master's pid, the program's path. Out:
 * what to say of it, and the program by which texts are checked and for which they are written: the one that loads them. Linux
 * keeps a program while it runs, and runs it again as `/proc/PID/exe`. Starts and ends nothing.
 */
import { readlink, stat } from 'node:fs/promises';
import type { NginxVersion } from '../text/settings.ts';
import { inspectNginx } from './version.ts';

/** Of a program that is no longer where it was. */
export interface Replaced {
  /** Under which it can still be run; null: it cannot, so that the one on disk has to do. */
  readonly program: string | null;
  readonly version: NginxVersion | null;
  /** For people. */
  readonly words: string;
}

export class RunningProgram {
  readonly #path: string;
  /** `of`: the master, and what was there in its program's place. */
  #known: { readonly of: string; readonly replaced: Promise<Replaced> } | null = null;

  /** `path`: from which nginx is started. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Null: nothing runs, or what runs is what is there. Costs one look at a link, until it is replaced. */
  async look(pid: number | null): Promise<Replaced | null> {
    if (pid === null) return null;
    const program = `/proc/${pid}/exe`;
    const link = await readlink(program).catch(() => '');
    if (link === this.#path || !isMoved(link)) return null;
    const there = await stat(this.#path).catch(() => null);
    const of = `${pid} ${there?.ino} ${there?.mtimeMs}`;
    if (this.#known?.of !== of) this.#known = { of, replaced: replacedBy(program, this.#path) };
    return await this.#known.replaced;
  }
}

/** As packages do it, by a rename over it; as nginx's own `make install` does, which keeps the one before as nginx.old. */
function isMoved(link: string): boolean {
  return link.endsWith(' (deleted)') || link.endsWith('.old');
}

async function replacedBy(program: string, path: string): Promise<Replaced> {
  const [running, there] = await Promise.all([inspectNginx(program), inspectNginx(path)]);
  const version = running.ok ? running.version : null;
  const words = there.ok
    ? replacedWords(version, there.version)
    : `nginx runs and takes edits, but could not be started again once it ends: ${there.message}`;
  return { program: running.ok ? program : null, version, words };
}

export function replacedWords(running: NginxVersion | null, there: NginxVersion): string {
  const [before, after] = [running === null ? 'an nginx' : `nginx ${text(running)}`, `nginx ${text(there)}`];
  const what =
    before === after
      ? `${before} was installed anew, perhaps with a fix of a fault, but the one of before still runs`
      : `${after} was installed, but ${before} of before still runs`;
  return `${what}: it serves on and takes edits; for the new one stop migration-proxy and start it again, which ends nginx and starts it`;
}

function text({ major, minor, patch }: NginxVersion): string {
  return `${major}.${minor}.${patch}`;
}
