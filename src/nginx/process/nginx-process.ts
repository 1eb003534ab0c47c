/**
 * nginx's process in our care. In: candidates. Out: each serves, or the last good one serves on and the caller hears why, in
 * nginx's own words. It is started, taken over after a restart of ours, restarted when it dies, and never twice there. Our
 * death leaves it serving. A large text is checked only after nginx did not take it. Refuses to know what the texts mean.
 */
import { endOf } from './added-lines.ts';
import { startBeside } from './beside.ts';
import { type Candidate, failed, type Installed, type Stage } from './candidate.ts';
import { type Checked, checkCandidate } from './check.ts';
import { askConnections, type Connections } from './control.ts';
import { DirectoryProblem, prepareDirectory } from './directory.ts';
import { type Attained, anyToken, reloadServing, startServing, type Waiting } from './generation.ts';
import { clearGround, endLeftovers, endMaster } from './ground.ts';
import { type Layout, layoutOf } from './layout.ts';
import { killLeftovers } from './leftovers.ts';
import { lock } from './lock.ts';
import { type Ending, type Master, startMaster, takeOver } from './master.ts';
import { DEADLINES, type Deadlines, isLarge, LARGEST_FILE, type NginxProcessOptions, timeFor } from './options.ts';
import { masterOf } from './process-table.ts';
import { RestartTimer } from './restart-timer.ts';
import { dropUnnamed, putBack, restoreText, textOf, textWithToken, writeCandidate } from './store.ts';
import { deathWords } from './words.ts';

export class NginxProcess {
  readonly #options: NginxProcessOptions;
  readonly #layout: Layout;
  readonly #deadlines: Deadlines;
  #unlock: (() => Promise<void>) | null = null;
  #running: { readonly master: Master; readonly token: string; readonly sinceMs: number } | null = null;
  /** What serves, or is to serve again after a death. */
  #installed: Candidate | null = null;
  /** Aborted: nginx is being stopped, or left to itself. */
  readonly #over = new AbortController();
  readonly #restart = new RestartTimer();
  readonly #former = new Set<number>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: NginxProcessOptions) {
    this.#options = options;
    this.#layout = layoutOf(options.directory);
    this.#deadlines = { ...DEADLINES, ...options.deadlines };
  }

  /** Null: nginx takes it; else why not, in nginx's words. Rejects where nginx could not be asked: no text is to blame. */
  check(candidate: Candidate): Promise<string | null> {
    return this.#inTurn(async () => {
      await this.#prepare();
      const checked = await this.#check(candidate);
      return checked.ok ? null : checked.message;
    });
  }

  /** Check, write, start or reload, confirm; nothing for the token that runs already. After a failure the last good text is back. */
  install(candidate: Candidate): Promise<Installed> {
    return this.#inTurn(async () => {
      try {
        await this.#prepare();
        return await this.#install(candidate);
      } catch (error) {
        return failed('install', (error as Error).message);
      } finally {
        this.#restartLater();
      }
    });
  }

  /** Takes over an nginx that an earlier life of ours left here. False: none answers. Rejects with DirectoryProblem. */
  adopt(): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#prepare();
      if (this.#running !== null) return true;
      const found = await masterOf(this.#layout);
      const token = found && (await anyToken(this.#layout, this.#waiting('')));
      if (found === null || token === null) return false;
      const text = await textWithToken(this.#layout, token);
      if (text !== null) {
        this.#installed = { text, token, files: new Map() };
        await restoreText(this.#layout, text);
      }
      this.#care(takeOver(found.pid, found.started), token);
      return true;
    });
  }

  /** Token of the generation that was last seen to answer; null: nothing runs. */
  runningToken(): string | null {
    return this.#running === null || this.#running.master.isGone() ? null : this.#running.token;
  }

  /** Of the master. */
  pid(): number | null {
    return this.#running?.master.pid ?? null;
  }

  /** After a rotation: all logs are opened anew by their names. */
  reopenLogs(): void {
    this.#running?.master.signal('SIGUSR1');
  }

  /** Null: nothing runs, or this nginx is built without stub_status. */
  async connections(): Promise<Connections | null> {
    return this.#running === null ? null : await askConnections(this.#layout.controlSocket, this.#deadlines.askMs);
  }

  /** A job on what serves, in turn with installs and in a directory that is there; none where nothing serves. */
  attend(job: (installed: Candidate, master: Master, waiting: Waiting) => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      const [running, installed] = [this.#running, this.#installed];
      if (running === null || installed === null || this.#isOver()) return;
      await this.#prepare();
      await job(installed, running.master, this.#waiting(installed.text));
    });
  }

  /** What is under way may take `graceMs`. Resolves when nothing of nginx is left. */
  stop(graceMs: number): Promise<void> {
    this.#stopCaring();
    return this.#inTurn(async () => {
      const { now } = this.#options;
      const master = this.#running?.master;
      this.#running = null;
      // At the same time: the grace is one for all.
      await Promise.all([
        master === undefined ? null : endMaster(master, graceMs, now),
        ...Array.from(this.#former, (group) => endLeftovers(group, graceMs, now)),
      ]);
      await this.#release();
    });
  }

  /** Leaves nginx to itself, serving: another of our processes may take it over. */
  letGo(): Promise<void> {
    this.#stopCaring();
    return this.#inTurn(async () => {
      this.#running?.master.letGo();
      this.#running = null;
      await this.#release();
    });
  }

  /** One at a time: they share the files, the scratch directory and the process. */
  #inTurn<T>(job: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(job);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #prepare(): Promise<void> {
    if (this.#isOver()) throw new DirectoryProblem('nginx is being stopped');
    await prepareDirectory(this.#options.directory, this.#options.workerUser);
    this.#unlock = await lock(this.#options.directory, this.#unlock);
  }

  async #release(): Promise<void> {
    await this.#unlock?.();
    this.#unlock = null;
  }

  async #check(candidate: Candidate): Promise<Checked> {
    const { checkedBy, nginx, directory } = this.#options;
    return await checkCandidate(candidate, {
      nginx: (await checkedBy?.(this.pid())) ?? nginx,
      directory,
      timeLimitMs: timeFor(candidate.text, this.#deadlines.checkMs),
      signal: this.#over.signal,
    });
  }

  async #install(candidate: Candidate): Promise<Installed> {
    if (this.runningToken() === candidate.token) return await this.#keep(candidate);
    const isTried = this.#isTriedUnchecked(candidate);
    if (!isTried) {
      const checked = await this.#check(candidate);
      if (!checked.ok) return failed('check', checked.message);
      for (const message of checked.warnings) this.#options.onEvent({ kind: 'warned', message });
    }
    const before = this.#installed?.text ?? (await textOf(this.#layout.configuration));
    try {
      await writeCandidate(this.#layout, candidate, this.#installed?.text ?? null);
    } catch (error) {
      return failed('install', (error as Error).message + (await putBack(this.#layout, before)));
    }
    const attained = await this.#serve(candidate);
    if (!attained.ok) {
      const back = (await putBack(this.#layout, before)) + (await this.#goBack(attained.stage));
      const words = isTried && attained.stage !== 'confirm' ? await this.#wordsOn(candidate) : null;
      return words === null ? failed(attained.stage, attained.message + back) : failed('check', words + back);
    }
    this.#installed = candidate;
    this.#care(attained.master, candidate.token);
    await dropUnnamed(this.#layout);
    return { ok: true };
  }

  /** Where nothing is lost by it: nginx keeps what it serves, or serves nothing yet. */
  #isTriedUnchecked({ text }: Candidate): boolean {
    return isLarge(text) && (this.runningToken() !== null || this.#installed === null);
  }

  /** Of a text that nginx did not come to serve: what it has against it; null: nothing, or it cannot be asked. */
  async #wordsOn(candidate: Candidate): Promise<string | null> {
    const checked = await this.#check(candidate).catch(() => null);
    return checked === null || checked.ok ? null : checked.message;
  }

  /** It runs already; the disk should say so too. An end of ours between write and reload may have left another text. */
  async #keep(candidate: Candidate): Promise<Installed> {
    this.#installed = candidate;
    await restoreText(this.#layout, candidate.text);
    return { ok: true };
  }

  async #serve({ text, token }: Candidate): Promise<Attained> {
    const master = this.#running?.master;
    if (master !== undefined && !master.isGone()) {
      return await reloadServing(token, master, this.#layout, this.#waiting(text));
    }
    const { nginx, largestFileBytes = LARGEST_FILE, now, startedBy } = this.#options;
    await clearGround(this.#layout, this.#former, now);
    const [waiting, layout] = [this.#waiting(text), this.#layout];
    const how = { nginx, layout, largestFileBytes };
    const start = () => (startedBy === 'beside' ? startBeside(how, waiting.withinMs) : startMaster(how));
    const attained = await startServing(token, start, layout, waiting);
    // Workers that did not leave when asked: whoever starts next finds the ports free.
    if (!attained.ok) for (const group of this.#former) await killLeftovers(group);
    return attained;
  }

  /** A master that refused serves on as before; one that stayed silent may have taken the new text after all. */
  async #goBack(stage: Stage): Promise<string> {
    const [running, installed] = [this.#running, this.#installed];
    if (this.#isOver() || stage !== 'confirm' || running === null || running.master.isGone() || installed === null)
      return '';
    const waiting = this.#waiting(installed.text);
    const back = await reloadServing(running.token, running.master, this.#layout, waiting);
    return back.ok ? '' : `; nor did it go back to the last good text: ${back.message}`;
  }

  #waiting(text: string): Waiting {
    const { confirmMs, askMs } = this.#deadlines;
    return { withinMs: timeFor(text, confirmMs), askMs, now: this.#options.now, isOver: () => this.#isOver() };
  }

  #care(master: Master, token: string): void {
    const known = this.#running?.master === master;
    const sinceMs = known ? (this.#running?.sinceMs ?? 0) : this.#options.now();
    this.#running = { master, token, sinceMs };
    if (!known) void master.ended.then((ending) => this.#ended(master, ending));
  }

  async #ended(master: Master, ending: Ending): Promise<void> {
    if (this.#running?.master !== master) return;
    const livedMs = this.#options.now() - this.#running.sinceMs;
    this.#running = null;
    // Workers that it left behind serve on until the next one is started, which needs their ports.
    this.#former.add(master.pid);
    this.#restart.died(livedMs);
    const message = deathWords(await endOf(this.#layout.errorLog), master.pid, ending);
    this.#options.onEvent({ kind: 'exited', pid: master.pid, message, ...ending });
    this.#restartLater();
  }

  #restartLater(): void {
    if (this.#running !== null || this.#installed === null || this.#isOver()) return;
    this.#restart.set(() => void this.#inTurn(() => this.#startAgain()));
  }

  async #startAgain(): Promise<void> {
    const installed = this.#installed;
    if (this.#running !== null || installed === null || this.#isOver()) return;
    let message: string;
    try {
      await this.#prepare();
      await restoreText(this.#layout, installed.text);
      const attained = await this.#serve(installed);
      if (attained.ok) {
        this.#care(attained.master, installed.token);
        this.#options.onEvent({ kind: 'restarted', pid: attained.master.pid });
        return;
      }
      message = attained.message;
    } catch (error) {
      message = (error as Error).message;
    }
    this.#options.onEvent({ kind: 'restart_failed', message, nextTryMs: this.#restart.died(0) });
    this.#restartLater();
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #stopCaring(): void {
    this.#over.abort();
    this.#restart.clear();
  }
}
