/** What Linux knows of a process: a process id in; resident memory and open file descriptors out. */
import { readdirSync, readFileSync } from 'node:fs';

/** MiB. */
export function residentMiB(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (line === null) throw new Error(`no VmRSS of process ${pid}`);
  return Number(line[1]) / 1024;
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
