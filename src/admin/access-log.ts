/**
 * Writes the access log without ever making traffic wait for its reader.
 * In: finished client requests. Out: batches of lines to a sink, one write at a time. While the sink is busy lines gather up
 * to a limit; beyond it they are dropped and counted, and the count is a line of its own once there is room again.
 */
import { AccessLines, type AccessLogMode, droppedLine } from '../status/access-log.ts';
import type { RequestRecord } from '../status/request-record.ts';
import { type Sink, standardOutput } from './sink.ts';

export interface AccessLogOptions {
  readonly mode: AccessLogMode;
  /** Default: standard output. */
  readonly sink?: Sink;
  /** Most characters that wait while the sink is busy. */
  readonly waitingLimit?: number;
  readonly flushEveryMs?: number;
  /** Epoch ms. */
  readonly nowMs?: () => number;
}

/** One write at most, so that a long wait is followed by several and not by one that blocks for long. */
const BATCH_CHARACTERS = 64 * 1024;

const nowhere: Sink = (_, done) => done(null);

export class AccessLog {
  readonly #lines: AccessLines;
  readonly #sink: Sink;
  readonly #waitingLimit: number;
  readonly #nowMs: () => number;
  readonly #timer: NodeJS.Timeout | null;
  #waiting: string[] = [];
  #waitingCharacters = 0;
  #dropped = 0;
  #isWriting = false;
  #isBroken = false;
  #whenIdle: (() => void)[] = [];

  constructor(options: AccessLogOptions) {
    this.#lines = new AccessLines(options.mode);
    this.#sink = options.mode === 'off' ? nowhere : (options.sink ?? standardOutput());
    this.#waitingLimit = options.waitingLimit ?? 4 * 1024 * 1024;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#timer = options.mode === 'off' ? null : setInterval(() => this.flush(), options.flushEveryMs ?? 100).unref();
  }

  request(record: RequestRecord): void {
    const line = this.#lines.lineOf(record);
    if (line !== null) this.#add(line);
  }

  /** Begins to write what waits, unless a write is under way already. */
  flush(): void {
    this.#addTallies(this.#nowMs());
    this.#writeOn();
  }

  /** Writes the rest, waiting for a slow reader at most `graceMs`. */
  async close(graceMs: number): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#addTallies(Number.POSITIVE_INFINITY);
    this.#writeOn();
    if (!this.#isWriting) return;
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(resolve, graceMs);
      this.#whenIdle.push(() => {
        clearTimeout(giveUp);
        resolve();
      });
    });
  }

  #addTallies(nowMs: number): void {
    for (const line of this.#lines.suppressedLines(nowMs)) this.#add(line);
    if (this.#dropped === 0 || this.#waitingCharacters >= this.#waitingLimit) return;
    // One short line over the limit at most: the count itself must not be dropped.
    this.#push(droppedLine(this.#nowMs(), this.#dropped));
    this.#dropped = 0;
  }

  #add(line: string): void {
    if (this.#isBroken) return;
    if (this.#waitingCharacters + line.length > this.#waitingLimit) {
      this.#dropped++;
      return;
    }
    this.#push(line);
  }

  #push(line: string): void {
    this.#waiting.push(line);
    this.#waitingCharacters += line.length;
  }

  #writeOn(): void {
    if (this.#isWriting) return;
    if (this.#isBroken || this.#waiting.length === 0) {
      for (const tell of this.#whenIdle.splice(0)) tell();
      return;
    }
    this.#isWriting = true;
    this.#sink(Buffer.from(`${this.#takeBatch().join('\n')}\n`), (error) => {
      this.#isWriting = false;
      if (error !== null) this.#giveUp();
      this.#writeOn();
    });
  }

  #takeBatch(): string[] {
    let characters = 0;
    let count = 0;
    while (count < this.#waiting.length && characters < BATCH_CHARACTERS) characters += this.#waiting[count++].length;
    this.#waitingCharacters -= characters;
    return this.#waiting.splice(0, count);
  }

  /** Nobody reads any more (a closed pipe): traffic goes on, the log does not. */
  #giveUp(): void {
    this.#isBroken = true;
    this.#waiting = [];
    this.#waitingCharacters = 0;
  }
}
