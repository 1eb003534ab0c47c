/**
 * A directory of its own for one test: comes out empty, and is gone when the test process ends, however it ends short of
 * SIGKILL. Refuses to know what is kept in it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** Absolute path of a new empty directory. */
export function tempDir(): string {
  if (made.length === 0) process.once('exit', removeAll);
  const path = mkdtempSync(join(tmpdir(), 'migration-proxy-test-'));
  made.push(path);
  return path;
}

function removeAll(): void {
  for (const path of made) rmSync(path, { recursive: true, force: true });
}
