/** One of our processes to a directory of nginx. In: the directory. Out: how to give it back, or who has it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lockDirectory } from '../../controller/state-lock.ts';
import { DirectoryProblem } from './directory.ts';

type Unlock = () => Promise<void>;

/** `held`: what was given before; it is kept but where somebody removed it. Throws DirectoryProblem. A lock of a process that was killed is taken over. */
export async function lock(directory: string, held: Unlock | null): Promise<Unlock> {
  if (held !== null && existsSync(join(directory, 'lock'))) return held;
  const locked = await lockDirectory(directory);
  if (locked.ok) return locked.release;
  throw new DirectoryProblem(
    `another migration-proxy (pid ${locked.owner.pid}) runs nginx in ${directory}; give this one a directory of its own with --nginx-dir`,
  );
}
