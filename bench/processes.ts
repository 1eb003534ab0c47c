/**
 * Programs of a measurement, each pinned to a core and ended with it: command and port in, a running process out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { descendantsOf } from './proc.ts';

export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}

const STARTS_WITHIN_MS = 20_000;
const started: ChildProcess[] = [];

/** Resolves when the port takes connections. The program's output is in DIRECTORY/NAME.log. */
export async function startPinned(
  name: string,
  command: readonly string[],
  { core, port, directory }: { core: number; port: number; directory: string },
): Promise<Running> {
  const log = join(directory, `${name}.log`);
  const child = spawn('taskset', ['-c', `${core}`, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const output = createWriteStream(log);
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const deadline = Date.now() + STARTS_WITHIN_MS;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${name} does not listen on ${port}: see ${log}`);
    await pause(50);
  }
  return { name, pid: child.pid as number, port };
}

export async function endAll(): Promise<void> {
  await Promise.all(
    started.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const descendants = descendantsOf(child.pid as number);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(timer);
      // What outlives its parent on purpose, such as nginx behind our own process.
      for (const pid of descendants) endNow(pid);
    }),
  );
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It had ended.
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
