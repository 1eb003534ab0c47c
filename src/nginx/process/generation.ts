/**
 * Whether nginx has really come to serve a text: `nginx -t` and a reload both succeed while the old configuration serves on.
 * In: a master that was started or told to reload. Out: null once its control server answers with the token, else why not.
 * Refuses to know what is done about it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { AddedLines } from './added-lines.ts';
import { askGeneration } from './control.ts';
import type { Layout } from './layout.ts';
import type { Ending, Master } from './master.ts';
import { textOf } from './store.ts';
import { complaints, isOfLoading, type LogLine, lastWords, logLines, reloadRefusal } from './words.ts';

export interface Waiting {
  readonly withinMs: number;
  /** Of one question. */
  readonly askMs: number;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Nothing is waited for any longer: we are ending. */
  readonly isOver: () => boolean;
}

export type Attained =
  | { readonly ok: true; readonly master: Master }
  | { readonly ok: false; readonly stage: 'start' | 'reload' | 'confirm'; readonly message: string };

/** A reload takes 30 to 100 ms where the text is small: asked often at first, then every 100 ms. */
const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 100;

/** Nothing may be running yet. A master that does not come to answer is gone when this gives its answer. */
export async function startServing(
  token: string,
  start: () => Promise<Master>,
  layout: Layout,
  waiting: Waiting,
): Promise<Attained> {
  const tail = await AddedLines.atEnd(layout.errorLog);
  try {
    const master = await start();
    const { heard, refusal } = await attend(token, master, layout, tail, waiting);
    if (heard === 'token') return { ok: true, master };
    const ending = heard === 'stopped' && refusal === null ? await master.ended : null;
    master.killAll();
    await master.ended;
    if (refusal !== null) return { ok: false, stage: 'start', message: refusal };
    const said = (await textOf(layout.startLog)) ?? '';
    if (ending === null) {
      return { ok: false, stage: 'confirm', message: silence(complaints(logLines(said)), waiting.withinMs) };
    }
    return { ok: false, stage: 'start', message: lastWords(said, endingWords(ending)) };
  } catch (error) {
    return { ok: false, stage: 'start', message: `nginx cannot be started: ${(error as Error).message}` };
  } finally {
    await tail.close();
  }
}

function endingWords({ code, signal }: Ending): string {
  if (signal !== null) return `signal ${signal}`;
  return code === null ? 'an end of its own' : `code ${code}`;
}

/** The text on disk is the one with the token. A master that refuses it serves on as before. */
export async function reloadServing(
  token: string,
  master: Master,
  layout: Layout,
  waiting: Waiting,
): Promise<Attained> {
  const tail = await AddedLines.atEnd(layout.errorLog);
  try {
    master.signal('SIGHUP');
    const { heard, refusal, lines } = await attend(token, master, layout, tail, waiting);
    if (heard === 'token') return { ok: true, master };
    if (refusal !== null) return { ok: false, stage: isTaken(refusal) ? 'confirm' : 'reload', message: refusal };
    const words = complaints(lines.filter(({ pid }) => pid === master.pid));
    if (heard === 'stopped') {
      return {
        ok: false,
        stage: 'reload',
        message: `nginx ended during the reload${words === '' ? '' : `: ${words}`}`,
      };
    }
    return { ok: false, stage: 'confirm', message: silence(words, waiting.withinMs) };
  } finally {
    await tail.close();
  }
}

/** Waits for the token, or for what makes waiting vain. */
async function attend(token: string, master: Master, layout: Layout, tail: AddedLines, waiting: Waiting) {
  const lines: LogLine[] = [];
  let refusal: string | null = null;
  const heard = await untilToken(token, layout, waiting, async () => {
    // What workers write of requests is of no interest, and may be much.
    lines.push(...logLines(await tail.added()).filter((line) => isOfLoading(line, master.pid)));
    refusal = reloadRefusal(lines, master.pid);
    return refusal !== null || master.isGone();
  });
  return { heard, refusal: refusal as string | null, lines };
}

/** The old workers have been told to leave, but none of the new ones came to work. */
function isTaken(refusal: string): boolean {
  return refusal.includes('cannot be respawned');
}

/** Token of a master that runs, or is about to; null: it does not answer. One question's time is all that it gets. */
export async function anyToken(layout: Layout, { askMs, now }: Waiting): Promise<string | null> {
  const until = now() + askMs;
  for (;;) {
    const token = await askGeneration(layout.controlSocket, askMs);
    if (token !== null || now() >= until) return token;
    await pause(LONGEST_PAUSE_MS / 4);
  }
}

async function untilToken(
  token: string,
  layout: Layout,
  { withinMs, askMs, now, isOver }: Waiting,
  isStopped: () => boolean | Promise<boolean>,
): Promise<'token' | 'stopped' | 'late'> {
  const until = now() + withinMs;
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(wait * 1.3, LONGEST_PAUSE_MS)) {
    if ((await askGeneration(layout.controlSocket, askMs)) === token) return 'token';
    if (await isStopped()) return 'stopped';
    if (now() >= until || isOver()) return 'late';
    await pause(wait);
  }
}

function silence(words: string, withinMs: number): string {
  const said = words === '' ? '' : `; it said: ${words}`;
  return `nginx did not answer with the new generation within ${Math.round(withinMs / 100) / 10} s${said}`;
}
