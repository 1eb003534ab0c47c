/**
 * Linux's list of processes, as far as nginx is concerned. In: nginx's directory, a process group. Out: the master
 * that runs it, the workers that a dead master left behind, whether a process is still the one that it was.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { Layout } from './layout.ts';

export interface ProcessEntry {
  readonly pid: number;
  readonly group: number;
  /** In the kernel's own units since boot: with the pid it names one process for good. */
  readonly started: string;
  readonly title: string;
}

/**
 * The one that runs the directory's configuration, from the moment at which it was started, before it calls itself a master;
 * nginx keeps its command line in its title. A worker bears the same title until it has set its own, but leads no group.
 */
export async function masterOf({ directory, configuration }: Layout): Promise<ProcessEntry | null> {
  const flags = ` -p ${directory} -c ${configuration} `;
  return (await processes()).find(({ pid, group, title }) => pid === group && title.includes(flags)) ?? null;
}

/**
 * Workers of a master that died alone: they hold the ports and go on serving. `group` is the dead master's pid, as each of
 * ours leads a group. A pid is not given out again while a group bears it, so a living leader is somebody else's.
 */
export async function leftoversOf(group: number): Promise<ProcessEntry[]> {
  const all = await processes();
  if (all.some(({ pid }) => pid === group)) return [];
  return all.filter((entry) => entry.group === group && entry.title.startsWith('nginx: '));
}

/** Null: no such process, or one that is dead and waits to be buried. */
export function startOf(pid: number): string | null {
  try {
    return factsIn(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.started ?? null;
  } catch {
    return null;
  }
}

async function processes(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries = await Promise.all(pids.map((pid) => entryOf(Number(pid))));
  return entries.filter((entry) => entry !== null);
}

async function entryOf(pid: number): Promise<ProcessEntry | null> {
  try {
    const facts = factsIn(await readFile(`/proc/${pid}/stat`, 'latin1'));
    if (facts === null) return null;
    const title = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid, ...facts, title };
  } catch {
    // It ended meanwhile.
    return null;
  }
}

/** The command's name, in parentheses, may hold anything; state, parent, group follow it, the start is the 20th. */
function factsIn(stat: string): { group: number; started: string } | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return { group: Number(fields[2]), started: fields[19] };
}
