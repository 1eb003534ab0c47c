/**
 * One running nginx master, ours by birth or taken over. In: how to start it, or its pid. Out: its end, and signals to it
 * alone, never to a process that has its pid later. It outlives us: a session of its own, no pipe to us.
 */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { environmentOf } from './environment.ts';
import type { Layout } from './layout.ts';
import { startOf } from './process-table.ts';

/** Both null where it was not our child. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface Master {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  isGone(): boolean;
  signal(name: NodeJS.Signals): void;
  /** Of the master and its workers. */
  killAll(): void;
  /** Its end is no longer looked for. */
  letGo(): void;
}

export interface StartOptions {
  readonly nginx: string;
  readonly layout: Layout;
  /** No file that nginx writes grows beyond this; null: no limit. */
  readonly largestFileBytes: number | null;
}

/** How soon the end of one that is not our child is noticed. */
const LOOK_MS = 200;

/**
 * A write beyond the limit fails, nginx says so in its error log and goes on (tried with 1.22.1), as long as the signal is
 * ignored. `ulimit -f` counts blocks of 512 bytes in POSIX shells.
 */
const LIMITED = 'trap "" XFSZ; ulimit -f "$1" 2>/dev/null; shift; exec "$@"';

/** Resolves as soon as there is a process; whether nginx likes its configuration shows later. Rejects when there is none. */
export async function startMaster({ nginx, layout, largestFileBytes }: StartOptions): Promise<Master> {
  const command = [nginx, '-p', layout.directory, '-c', layout.configuration, '-e', layout.errorLog];
  const [file, ...flags] =
    largestFileBytes === null
      ? command
      : ['/bin/sh', '-c', LIMITED, 'sh', String(Math.ceil(largestFileBytes / 512)), ...command];
  const log = await open(layout.startLog, 'w', 0o600);
  try {
    const child = spawn(file, flags, {
      detached: true,
      cwd: '/',
      env: environmentOf(process.env),
      stdio: ['ignore', log.fd, log.fd],
    });
    const ended = new Promise<Ending>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    // Not reaped before 'exit', so until then the pid is nobody else's.
    const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
    return master(child.pid as number, ended, isGone, () => {});
  } finally {
    await log.close();
  }
}

/** `started` is from the table in which it was found. */
export function takeOver(pid: number, started: string): Master {
  const isGone = (): boolean => startOf(pid) !== started;
  let letGo = (): void => {};
  const ended = new Promise<Ending>((resolve) => {
    const timer = setInterval(() => {
      if (!isGone()) return;
      clearInterval(timer);
      resolve({ code: null, signal: null });
    }, LOOK_MS);
    timer.unref();
    letGo = () => clearInterval(timer);
  });
  return master(pid, ended, isGone, () => letGo());
}

function master(pid: number, ended: Promise<Ending>, isGone: () => boolean, letGo: () => void): Master {
  return {
    pid,
    ended,
    isGone,
    letGo,
    signal: (name) => {
      if (!isGone()) send(pid, name);
    },
    killAll: () => {
      if (!isGone()) send(-pid, 'SIGKILL');
    },
  };
}

function send(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // It ended between the look and the signal.
  }
}
