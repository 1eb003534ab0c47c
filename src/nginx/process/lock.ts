/** One of our processes to a directory of nginx. In: the directory. Out: how to give it back, or who has it. */
import { lockDirectory } from '../../controller/state-lock.ts';
import { DirectoryProblem } from './directory.ts';

/** Throws DirectoryProblem. A lock of a process that was killed is taken over. */
export async function lock(directory: string): Promise<() => Promise<void>> {
  const locked = await lockDirectory(directory);
  if (locked.ok) return locked.release;
  throw new DirectoryProblem(
    `another migration-proxy (pid ${locked.owner.pid}) runs nginx in ${directory}; give this one a directory of its own with --nginx-dir`,
  );
}
