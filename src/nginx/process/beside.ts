/**
 * nginx started by somebody beside us, in a container of its own that shares our processes and nginx's directory
 * (bin/nginx-beside.sh): we ask by a file, and take over what comes. In: the layout. Out: a master like any other. It is asked
 * once for each start; whoever starts it starts nothing by itself.
 */
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { type Master, type StartOptions, takeOver } from './master.ts';
import { masterOf } from './process-table.ts';
import { textOf } from './store.ts';

const LOOK_MS = 20;

/** As `startMaster`. Rejects when nobody starts it within the time, or when it ended before it was seen. */
export async function startBeside({ layout }: StartOptions, withinMs: number): Promise<Master> {
  await rm(layout.startEnded, { force: true });
  await writeFile(layout.startRequest, '');
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += LOOK_MS) {
    const found = await masterOf(layout);
    if (found !== null) return takeOver(found.pid, found.started);
    if ((await textOf(layout.startEnded)) !== null) {
      const said = ((await textOf(layout.startLog)) ?? '').trim().split('\n').at(-1);
      throw new Error(said || 'it ended without a word');
    }
    await pause(LOOK_MS);
  }
  await rm(layout.startRequest, { force: true });
  throw new Error(
    `nobody took up ${layout.startRequest} within ${withinMs / 1_000} s: is nginx-beside.sh ${layout.directory} at work, with our user and our process namespace?`,
  );
}
