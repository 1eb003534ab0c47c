/**
 * How many files a process that this one starts may open at most. In: Linux's words on this process. Out: a number, or null where
 * there are none, as on other systems.
 */
import { readFileSync } from 'node:fs';

/** capabilities(7): who has it may open more than its limit says. */
const CAP_SYS_RESOURCE = 24n;

export interface KernelWords {
  /** /proc/self/limits */
  readonly limits: string;
  /** /proc/self/status */
  readonly status: string;
  /** /proc/sys/fs/nr_open: of any process. */
  readonly most: string;
}

export function mostFiles(): number | null {
  try {
    const read = (path: string): string => readFileSync(path, 'utf8');
    return mostFilesIn({
      limits: read('/proc/self/limits'),
      status: read('/proc/self/status'),
      most: read('/proc/sys/fs/nr_open'),
    });
  } catch {
    return null;
  }
}

/** Null where the words are not as expected. */
export function mostFilesIn({ limits, status, most }: KernelWords): number | null {
  const ofAny = /^\d+/.exec(most)?.[0];
  const own = /^Max open files +\S+ +(\d+|unlimited)/m.exec(limits)?.[1];
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (ofAny === undefined || own === undefined) return null;
  const mayRaise = capabilities !== undefined && ((BigInt(`0x${capabilities}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
  return mayRaise || own === 'unlimited' ? Number(ofAny) : Number(own);
}
