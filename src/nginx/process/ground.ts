/**
 * What has to be gone before an nginx is started, and how one is brought to its end. In: the directory's layout, a master.
 * Out: no master of ours, no worker left behind that listens, no socket file. A master that ends deletes its socket and pid
 * files by name (ngx_close_listening_sockets): the next one may not start before.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Layout } from './layout.ts';
import { dismissLeftovers, killLeftovers, leftoversGone, pidIn } from './leftovers.ts';
import { type Master, takeOver } from './master.ts';
import { leftoversOf, masterOf } from './process-table.ts';

/** One whose control server did not answer is no use to anybody. */
const STRANGER_GRACE_MS = 5_000;
const TERM_MS = 2_000;
/** Workers told to leave close their listening sockets within milliseconds. */
const CLOSING_MS = 500;

/** `former`: pids of masters that died in our care. */
export async function clearGround(layout: Layout, former: Iterable<number>, now: () => number): Promise<void> {
  const stranger = await masterOf(layout);
  const noted = await pidIn(layout.pidFile);
  if (stranger !== null) await endMaster(takeOver(stranger.pid, stranger.started), STRANGER_GRACE_MS, now);
  for (const group of new Set([...former, ...(noted === null ? [] : [noted])])) {
    if ((await dismissLeftovers(group)) > 0) await closing(group, now);
  }
  await rm(layout.controlSocket, { force: true });
}

/** Graceful for `graceMs`, then not. Resolves when the master and its workers are gone. */
export async function endMaster(master: Master, graceMs: number, now: () => number): Promise<void> {
  master.signal('SIGQUIT');
  if (!(await endedWithin(master, graceMs))) {
    master.signal('SIGTERM');
    if (!(await endedWithin(master, TERM_MS))) master.killAll();
    await master.ended;
  }
  await endLeftovers(master.pid, 0, now);
}

export async function endLeftovers(group: number, graceMs: number, now: () => number): Promise<void> {
  await dismissLeftovers(group);
  if (await leftoversGone(group, graceMs, now)) return;
  await killLeftovers(group);
  await leftoversGone(group, TERM_MS, now);
}

async function closing(group: number, now: () => number): Promise<void> {
  const until = now() + CLOSING_MS;
  while (now() < until) {
    const left = await leftoversOf(group);
    if (left.every(({ title }) => title.includes('is shutting down'))) return;
    await pause(10);
  }
}

async function endedWithin(master: Master, ms: number): Promise<boolean> {
  const cancel = new AbortController();
  const late = pause(ms, false, { signal: cancel.signal }).catch(() => false);
  const ended = await Promise.race([master.ended.then(() => true), late]);
  cancel.abort();
  return ended;
}
