/**
 * Workers whose master was killed alone: they hold the ports and go on serving as if nothing had happened (tried with nginx
 * 1.22.1), and the next master cannot listen. In: the dead master's pid. Out: they finish what is under way and are gone,
 * or are gone at once.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { leftoversOf } from './process-table.ts';

/** They close their listening sockets at once and serve what is under way to its end. Gives how many there are. */
export async function dismissLeftovers(group: number): Promise<number> {
  return await signalAll(group, 'SIGQUIT');
}

export async function killLeftovers(group: number): Promise<number> {
  return await signalAll(group, 'SIGKILL');
}

/** Whether they were gone within the time. */
export async function leftoversGone(group: number, withinMs: number, now: () => number): Promise<boolean> {
  const until = now() + withinMs;
  while ((await leftoversOf(group)).length > 0) {
    if (now() >= until) return false;
    await pause(20);
  }
  return true;
}

/** The pid in the file that nginx writes, whatever has that pid today; null: no such file, no such number. */
export async function pidIn(path: string): Promise<number | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const pid = /^\d{1,10}\n?$/.test(text) ? Number(text) : 0;
  return pid > 1 ? pid : null;
}

async function signalAll(group: number, name: NodeJS.Signals): Promise<number> {
  const left = await leftoversOf(group);
  for (const { pid } of left) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
  return left.length;
}
