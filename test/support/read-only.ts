/**
 * A directory that cannot be written any more: its path in; how to make it writable again out. Root writes wherever the mode
 * says no, so for root it becomes a read-only mount of itself.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';

/** Null: root may not mount here. */
export function makeReadOnly(directory: string): (() => void) | null {
  if (process.getuid?.() !== 0) {
    chmodSync(directory, 0o500);
    return () => chmodSync(directory, 0o700);
  }
  const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0;
  const unmount = (): void => void spawnSync('umount', ['-l', directory]);
  if (!mount('--bind', directory, directory)) return null;
  if (mount('-o', 'remount,bind,ro', directory)) return unmount;
  unmount();
  return null;
}
