/**
 * CPU time and memory of processes as Linux counts them: /proc in, seconds and bytes out. Ticks are 10 ms on every Linux that
 * Node runs on (USER_HZ 100), so a measurement lasts seconds, not milliseconds.
 */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export interface Usage {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly residentBytes: number;
}

/** A process with all its descendants that live now; threads are counted in their process. */
export function usageOf(root: number): Usage {
  let [userSeconds, systemSeconds, residentBytes] = [0, 0, 0];
  for (const stat of family(root).values()) {
    userSeconds += stat.user / TICKS_PER_SECOND;
    systemSeconds += stat.system / TICKS_PER_SECOND;
    residentBytes += stat.residentPages * 4096;
  }
  return { userSeconds, systemSeconds, residentBytes };
}

/** The living descendants of a process, itself left out. */
export function descendantsOf(root: number): number[] {
  return [...family(root).keys()].filter((pid) => pid !== root);
}

function family(root: number): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(name) : null;
    if (stat !== null) stats.set(Number(name), stat);
  }
  const belongs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = stats.get(at)?.parent)
      if (at === root) return true;
    return false;
  };
  return new Map([...stats].filter(([pid]) => belongs(pid)));
}

/** Seconds in which any core did anything for anybody, other tenants of the machine included (steal). */
export function busySeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

interface Stat {
  readonly parent: number;
  readonly user: number;
  readonly system: number;
  readonly residentPages: number;
}

function readStat(pid: string): Stat | null {
  try {
    // The second field is the name in parentheses, which may hold spaces: count from behind it (proc(5)).
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    return { parent: fields[1], user: fields[11], system: fields[12], residentPages: fields[21] };
  } catch {
    return null;
  }
}
