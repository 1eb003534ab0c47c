/**
 * One turn of reading both logs of nginx: what is new is read, what can be told in order is told, and how far that was is
 * written down. In: the directory, clocks. Out: calls of the observer. Whoever drives the turns decides how often.
 *
 * Order. nginx's workers flush their lines every 50 ms, so a line is told 100 ms after its end, when no earlier one of
 * another worker can still come; a wait that a clock which was put back would make long ends 100 ms after the line was read.
 * An answer that broke off is a line like that of a whole one, and error.log names its connection alone. nginx closes that connection,
 * so it is the last line of it: a line that might be is held until the next flush must have brought a later one.
 */
import { join } from 'node:path';
import type { DataPlaneObserver } from '../../status/data-plane.ts';
import { CheckpointFile, type OutcomePosition } from './checkpoint.ts';
import type { Decided } from './decided.ts';
import { parseFullLine } from './full-line.ts';
import { type HeldLine, HeldLines } from './held-lines.ts';
import { type FactsOf, LineTeller } from './line-teller.ts';
import { type LineConsumer, LogTail } from './log-tail.ts';
import { type LineSink, OutcomeLines } from './outcome-lines.ts';
import { PendingErrors } from './pending-errors.ts';
import { parseShortage, parseUpstreamError } from './upstream-error.ts';

export interface LogFollowerOptions {
  /** nginx's directory: the logs are in `log/`. */
  readonly directory: string;
  readonly observer: DataPlaneObserver;
  /** What is configured of a service; null where nothing is. */
  readonly factsOf: FactsOf;
  /** Epoch ms: the data plane's clock, which never goes back, and the machine's, by which nginx writes. */
  readonly now: () => number;
  readonly wallNow: () => number;
  /** nginx is to open its logs anew. */
  readonly reopen: () => void;
  /** Something that somebody should know; said once for each kind of it. */
  readonly onProblem: (message: string) => void;
  /** Both logs are rotated beyond this. */
  readonly rotateBytes: number;
}

const HOLD_MS = 100;
/** A flush of 50 ms and some delay. */
const BREAK_HOLD_MS = 80;
/** By so much nginx's cached clock may be behind. */
const CLOCK_SLACK_MS = 50;
const EXPIRE_EVERY_MS = 10_000;

const NO_LINE: HeldLine = {
  ...{ endMs: 0.5, connection: 0, status: 0, durationMs: 0, inode: 0.5, offset: 0.5, readMs: 0.5 },
  ...{ decided: { service: '', cluster: 'old', reason: 'default' }, full: null },
};

export class LogFollower implements LineSink {
  readonly #options: LogFollowerOptions;
  readonly #lines = new OutcomeLines();
  readonly #held = new HeldLines();
  /** The one that is being read or told. */
  readonly #line: HeldLine = { ...NO_LINE };
  readonly #errors = new PendingErrors();
  readonly #teller: LineTeller;
  readonly #checkpoint: CheckpointFile;
  readonly #outcomes: LogTail;
  readonly #errorLog: LogTail;
  readonly #problems = new Set<string>();
  /** Of a checkpoint: lines before `read` that ended by `#skipThroughMs` were told by a reader before. */
  readonly #skip: readonly OutcomePosition[];
  readonly #skipThroughMs: number;
  #throughMs = 0;
  /** Of the piece that is being read. */
  #inode = 0;
  #base = 0;
  #nowMs = 0;
  #errorsReadMs = 0;
  #expiredMs = 0;
  #garbage = 0;
  #dirty = true;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
    const { directory, observer, factsOf, reopen, rotateBytes } = options;
    this.#teller = new LineTeller(observer, factsOf, this.#errors);
    const log = join(directory, 'log');
    this.#checkpoint = new CheckpointFile(join(log, 'checkpoint.json'));
    const saved = this.#checkpoint.load();
    this.#skip = saved?.outcome ?? [];
    this.#skipThroughMs = saved?.throughMs ?? 0;
    const common = { reopen, rotateBytes, onProblem: (message: string) => this.#problem(message, message) };
    this.#outcomes = new LogTail({ ...common, path: join(log, 'outcome.log'), from: saved?.outcome ?? null });
    this.#errorLog = new LogTail({ ...common, path: join(log, 'error.log'), from: saved?.error ?? null });
  }

  /** Lines that could not be read, since the beginning. */
  get garbageLines(): number {
    return this.#garbage;
  }

  open(): void {
    const nowMs = this.#options.now();
    this.#outcomes.open(nowMs);
    this.#errorLog.open(nowMs);
    this.#save();
  }

  /** Reads and tells. `rest`: also what would wait still. Returns whether there was anything, or is still. */
  turn(rest: 'waits' | 'is_told' = 'waits'): boolean {
    const { now, wallNow } = this.#options;
    this.#nowMs = now();
    const wallMs = wallNow();
    // In this order: the cause of a line is always there before it.
    const more = this.#outcomes.read(this.#onOutcomes, this.#nowMs);
    while (this.#errorLog.read(this.#onErrors, this.#nowMs));
    this.#errorsReadMs = wallMs;
    const told = this.#tell(rest === 'is_told' ? Number.POSITIVE_INFINITY : this.#releaseMs(wallMs), wallMs);
    if (this.#nowMs - this.#expiredMs > EXPIRE_EVERY_MS) {
      this.#expiredMs = this.#nowMs;
      this.#errors.expire(this.#nowMs);
    }
    const active = more || told || this.#dirty || this.#held.count > 0;
    if (this.#dirty || told) this.#save();
    return active;
  }

  /** That nginx writes no more: what it left is told, and the causes whose lines it took with it are forgotten. */
  nginxEnded(): void {
    this.turn('is_told');
    this.#errors.clear();
  }

  close(): void {
    this.#outcomes.close();
    this.#errorLog.close();
    this.#checkpoint.close();
  }

  // --- reading --------------------------------------------------------------------------------------------------------

  brief(at: number, endMs: number, connection: number, decided: Decided, status: number, durationMs: number): void {
    const line = this.#line;
    line.offset = this.#base + at;
    if (this.#skip.length > 0 && this.#wasTold(endMs, line.offset)) return;
    line.endMs = endMs;
    line.connection = connection;
    line.decided = decided;
    line.status = status;
    line.durationMs = durationMs;
    line.full = null;
    line.inode = this.#inode;
    line.readMs = this.#nowMs;
    this.#held.add(line);
  }

  full(at: number, text: string): void {
    const full = parseFullLine(text);
    if (full === null) return this.garbage(at);
    const [inode, offset] = [this.#inode, this.#base + at];
    if (this.#skip.length > 0 && this.#wasTold(full.endMs, offset)) return;
    const { endMs, connection, decided, status, durationMs } = full;
    this.#held.add({ endMs, connection, decided, status, durationMs, full, inode, offset, readMs: this.#nowMs });
  }

  garbage(at: number): void {
    this.#garbage++;
    this.#problem('garbage', `a line of outcome.log at ${this.#base + at} cannot be read, and is left out`);
  }

  readonly #onOutcomes: LineConsumer = (buf, start, end, inode, offset) => {
    this.#inode = inode;
    this.#base = offset - start;
    this.#dirty = true;
    this.#lines.read(buf, start, end, this);
  };

  readonly #onErrors: LineConsumer = (buf, start, end, inode, offset) => {
    this.#dirty = true;
    // What was not there at the last look is of requests that ended since.
    const notBeforeMs = this.#errorsReadMs - CLOCK_SLACK_MS;
    for (let pos = start; pos < end; ) {
      const lineEnd = buf.indexOf(0x0a, pos);
      const line = buf.toString('latin1', pos, lineEnd);
      const error = parseUpstreamError(line);
      if (error !== null) {
        const place = { inode, offset: offset + pos - start };
        this.#errors.add({ error, notBeforeMs, readMs: this.#nowMs, ...place });
      } else {
        const shortage = parseShortage(line);
        if (shortage !== null) this.#contained(() => this.#options.observer.refused(shortage));
      }
      pos = lineEnd + 1;
    }
  };

  #wasTold(endMs: number, offset: number): boolean {
    if (endMs > this.#skipThroughMs) return false;
    return this.#skip.some(({ inode, read }) => inode === this.#inode && offset < read);
  }

  // --- telling --------------------------------------------------------------------------------------------------------

  /** Lines that ended by then are told now. */
  #releaseMs(wallMs: number): number {
    let throughMs = wallMs - HOLD_MS;
    const held = this.#held;
    held.sort();
    for (let at = held.count - 1; at >= 0 && held.endMsOf(at) > throughMs; at--) {
      if (held.readMsOf(at) <= this.#nowMs - HOLD_MS) throughMs = held.endMsOf(at);
    }
    if (this.#errors.breaks === 0) return throughMs;
    for (let at = 0; at < held.count && held.endMsOf(at) <= throughMs; at++) {
      const pending = this.#errors.breakOf(held.connectionOf(at));
      if (pending === null || this.#nowMs - pending.readMs >= BREAK_HOLD_MS) continue;
      if (held.endMsOf(at) >= pending.notBeforeMs) return held.endMsOf(at) - 1;
    }
    return throughMs;
  }

  #tell(throughMs: number, wallMs: number): boolean {
    const held = this.#held;
    held.sort();
    const count = held.countThrough(throughMs);
    this.#throughMs = throughMs;
    if (count === 0) return false;
    const clockMs = this.#nowMs - wallMs;
    const last = this.#errors.breaks === 0 ? null : this.#lastOfEach(count);
    for (let at = 0; at < count; at++) {
      const line = this.#line;
      held.read(at, line);
      const isLast = last !== null && last.get(line.connection) === at;
      // Where the machine's clock was put back meanwhile: nothing ended after it was read.
      const aheadMs = Math.min(clockMs, line.readMs - line.endMs);
      this.#tellContained(line, aheadMs, isLast);
    }
    held.drop(count);
    return true;
  }

  /** Of the first `count`, the line of each connection that its broken answer may be; none where a later one is held. */
  #lastOfEach(count: number): Map<number, number> {
    const held = this.#held;
    const last = new Map<number, number>();
    for (let at = 0; at < held.count; at++) {
      const connection = held.connectionOf(at);
      const pending = at < count ? this.#errors.breakOf(connection) : null;
      if (at >= count) last.delete(connection);
      else if (pending !== null && held.endMsOf(at) >= pending.notBeforeMs) last.set(connection, at);
    }
    return last;
  }

  #tellContained(line: HeldLine, aheadMs: number, isLast: boolean): void {
    try {
      this.#teller.tell(line, aheadMs, isLast);
    } catch (error) {
      this.#problem('observer', `what nginx did could not be told: ${String(error)}`);
    }
  }

  #contained(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#problem('observer', `what nginx did could not be told: ${String(error)}`);
    }
  }

  // --- what was told --------------------------------------------------------------------------------------------------

  #save(): void {
    this.#dirty = false;
    const held = this.#held.count > 0;
    try {
      this.#checkpoint.save({
        throughMs: held && Number.isFinite(this.#throughMs) ? this.#throughMs : 0,
        outcome: this.#outcomes.positions().map(({ inode, offset }) => {
          return { inode, offset: (held ? this.#held.firstOffset(inode) : null) ?? offset, read: offset };
        }),
        error: this.#errorLog.positions().map(({ inode, offset }) => {
          return { inode, offset: this.#errors.oldestOffset(inode) ?? offset };
        }),
      });
    } catch (error) {
      this.#problem('checkpoint', `what was read of nginx's logs cannot be noted: ${String(error)}`);
    }
  }

  #problem(kind: string, message: string): void {
    if (this.#problems.has(kind)) return;
    this.#problems.add(kind);
    this.#options.onProblem(message);
  }
}
