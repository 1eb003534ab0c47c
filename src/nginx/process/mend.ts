/**
 * nginx's directory, or its control socket, made anew where somebody removed it under the nginx that runs, as systemd does with
 * /dev/shm when a user logs out. nginx keeps a listening socket over a reload as long as a text names its path, file or no
 * file (tried with 1.22.1): so it is told of another path, then of its own again. In: the nginx. Out: the same text served, found
 * under its own path; clients notice no more than of two reloads.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from './candidate.ts';
import { type Attained, reloadServing, type Waiting } from './generation.ts';
import { FOLDERS, type Layout, layoutOf } from './layout.ts';
import type { Master } from './master.ts';
import type { NginxProcess } from './nginx-process.ts';
import type { NginxProcessOptions } from './options.ts';
import { restoreText, writeCandidate } from './store.ts';

/** As long as the name it stands for: the longest path that fits still does. */
const AWAY = 'contr_2.sock';
/** Whoever removes may be at it still. */
const AGAIN_MS = 1_000;
const AGAIN_MOST_MS = 60_000;

export class Mender {
  readonly #process: Pick<NginxProcess, 'attend' | 'pid'>;
  readonly #options: Pick<NginxProcessOptions, 'directory' | 'now' | 'onEvent'>;
  #afterMs = 0;
  #failures = 0;

  constructor(
    process: Pick<NginxProcess, 'attend' | 'pid'>,
    options: Pick<NginxProcessOptions, 'directory' | 'now' | 'onEvent'>,
  ) {
    this.#process = process;
    this.#options = options;
  }

  /** A few `stat` where all is well. What it did, or why it could not, is an event. */
  async look(): Promise<void> {
    const { now, onEvent, directory } = this.#options;
    const layout = layoutOf(directory);
    const needed = [...FOLDERS.map((folder) => join(directory, folder)), layout.controlSocket];
    if (this.#process.pid() === null || needed.every((path) => existsSync(path)) || now() < this.#afterMs) return;
    const what = `somebody removed ${layout.controlSocket}, or what is above it`;
    try {
      await this.#process.attend(async (installed, master, waiting) => {
        // Folders alone were missing, or nginx was started again meanwhile.
        if (existsSync(layout.controlSocket)) return;
        const attained = await bindAnew(installed, master, layout, waiting);
        const end = attained.ok
          ? 'it was made anew, and nginx serves on'
          : `nginx cannot be asked: ${attained.message}`;
        this.#failures = attained.ok ? 0 : this.#failures + 1;
        onEvent({ kind: 'warned', message: `${what}; ${end}` });
      });
    } catch (error) {
      this.#failures++;
      onEvent({ kind: 'warned', message: `${what}; it cannot be made anew: ${(error as Error).message}` });
    }
    this.#afterMs = now() + (this.#failures === 0 ? 0 : Math.min(AGAIN_MS * 2 ** this.#failures, AGAIN_MOST_MS));
  }
}

async function bindAnew(installed: Candidate, master: Master, layout: Layout, waiting: Waiting): Promise<Attained> {
  const { controlSocket } = layout;
  const away = controlSocket.replace(/[^/]*$/, AWAY);
  const text = installed.text.replaceAll(`unix:${controlSocket};`, `unix:${away};`);
  await writeCandidate(layout, { ...installed, text }, installed.text);
  // nginx writes it at its start alone.
  await writeFile(layout.pidFile, `${master.pid}\n`);
  const moved = await reloadServing(installed.token, master, { ...layout, controlSocket: away }, waiting);
  await restoreText(layout, installed.text);
  return moved.ok ? await reloadServing(installed.token, master, layout, waiting) : moved;
}
