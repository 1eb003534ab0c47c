/**
 * `nginx -t` on a candidate, in a scratch directory with paths of its own, so that it touches no log, pid file or socket
 * of the nginx that runs. In: the candidate. Out: whether nginx takes it, in nginx's own words where it does not. Only
 * ever given text that is fully quoted: `-t` obeys `load_module` and `include`.
 */
import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from './candidate.ts';
import { environmentOf } from './environment.ts';
import { FOLDERS, inScratch, scratchOf } from './layout.ts';
import { writePlain } from './store.ts';
import { lastWords, logLines, warningsIn } from './words.ts';

export interface CheckOptions {
  readonly nginx: string;
  readonly directory: string;
  readonly timeLimitMs: number;
  /** Nobody waits for the answer any longer. */
  readonly signal: AbortSignal;
}

export type Checked =
  | { readonly ok: true; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly message: string };

/** nginx names one error and stops. */
const MOST_OUTPUT = 64 * 1024;

/** Rejects where it could not be asked at all (no nginx, no room, no permission, no time): no candidate is to blame for that. */
export async function checkCandidate(candidate: Candidate, options: CheckOptions): Promise<Checked> {
  const scratch = scratchOf(options.directory);
  await rm(scratch.directory, { recursive: true, force: true });
  // Not recursive: that calls a read-only file system "no such file or directory" (Node 24).
  await mkdir(scratch.directory, { mode: 0o700 });
  for (const folder of FOLDERS) await mkdir(join(scratch.directory, folder), { mode: 0o700 });
  try {
    await writePlain(scratch.directory, candidate.files);
    await writePlain(scratch.directory, new Map([['nginx.conf', inScratch(candidate.text, options.directory)]]));
    return await run(options);
  } finally {
    await rm(scratch.directory, { recursive: true, force: true });
  }
}

function run({ nginx, directory, timeLimitMs, signal }: CheckOptions): Promise<Checked> {
  const scratch = scratchOf(directory);
  const flags = ['-t', '-q', '-p', scratch.directory, '-c', scratch.configuration, '-e', 'stderr'];
  const env = environmentOf(process.env);
  return new Promise((resolve, reject) => {
    // A group of its own, to be killed whole.
    const child = spawn(nginx, flags, { detached: true, cwd: '/', env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let late = false;
    const end = (): void => {
      killGroup(child.pid);
      // What it started may have left the group and hold the pipe.
      child.stderr.destroy();
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, timeLimitMs);
    signal.addEventListener('abort', end);
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    };
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (piece: string) => {
      if (said.length < MOST_OUTPUT) said += piece;
    });
    child.once('error', (error) => {
      over();
      reject(error);
    });
    child.once('close', (code, killer) => {
      over();
      const words = said.replaceAll(`${directory}/scratch/`, `${directory}/`);
      if (signal.aborted) reject(new Error('nginx -t was broken off: nginx is being stopped'));
      // Looking for a service to blame would take as long again for each part of them.
      else if (late) reject(new Error(`nginx -t did not end within ${Math.round(timeLimitMs / 100) / 10} s`));
      else if (code === 0) resolve({ ok: true, warnings: warningsIn(logLines(words)) });
      else resolve({ ok: false, message: lastWords(words, code === null ? `signal ${killer}` : `code ${code}`) });
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
