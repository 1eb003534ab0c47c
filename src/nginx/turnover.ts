/**
 * When a reload is over for new connections. In: nginx's master. Out: which workers take connections, and when those of before
 * have stopped: nginx (os/unix/ngx_process_cycle.c) starts the new ones, lets both accept for 100 ms, and tells the old ones to
 * leave only then. Whoever changed something is answered after that, else the next request may still go the old way.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 5;

/** Pids; none where there is no master, or a kernel that does not tell. */
export async function acceptingWorkers(master: number | null): Promise<readonly number[]> {
  if (master === null) return [];
  const children = await textOf(`/proc/${master}/task/${master}/children`);
  const pids = children.split(' ').filter(Boolean).map(Number);
  const accepting = await Promise.all(pids.map(isAccepting));
  return pids.filter((_, i) => accepting[i]);
}

/** Resolves when none of them takes connections any more, or after `withinMs`: they are not worth more waiting. */
export async function haveLeft(workers: readonly number[], withinMs: number, now: () => number): Promise<void> {
  const untilMs = now() + withinMs;
  for (const worker of workers) {
    while (now() < untilMs && (await isAccepting(worker))) await pause(EVERY_MS);
  }
}

/** One that has just begun bears its master's title: after two reloads at once it is one of those that shall leave. */
async function isAccepting(pid: number): Promise<boolean> {
  const title = await textOf(`/proc/${pid}/cmdline`);
  return /^nginx: (?:worker|master) process/.test(title) && !title.includes('is shutting down');
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
