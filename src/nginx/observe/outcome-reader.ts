/**
 * Reads nginx's logs for as long as the plane runs: often while something happens, seldom while nothing does. In: the
 * directory, an observer. Out: its calls. What a line means is known elsewhere; here are only the timer, the start and the end.
 *
 * Where no reader wrote down how far it came, what is in the logs already is passed over: nobody knows what of it was told.
 */
import { LogFollower, type LogFollowerOptions } from './log-follower.ts';

export type OutcomeReaderOptions = Omit<LogFollowerOptions, 'wallNow' | 'rotateBytes'> &
  Partial<Pick<LogFollowerOptions, 'wallNow' | 'rotateBytes'>>;

const BUSY_MS = 20;
/** Ten looks a second: at most 0.3 % of a core, and a failure after an idle hour is told as soon as any other. */
const IDLE_MS = 100;
const ROTATE_BYTES = 8 * 1024 * 1024;
/** Turns at the end that find something still: nginx may go on writing, so not for ever. */
const LAST_TURNS = 1_000;

export class OutcomeReader {
  readonly #follower: LogFollower;
  readonly #onProblem: (message: string) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: OutcomeReaderOptions) {
    this.#onProblem = options.onProblem;
    this.#follower = new LogFollower({ wallNow: Date.now, rotateBytes: ROTATE_BYTES, ...options });
  }

  /** Lines that could not be read. */
  get garbageLines(): number {
    return this.#follower.garbageLines;
  }

  /** The directory's `log` must be there; the logs need not. */
  async start(): Promise<void> {
    this.#follower.open();
    this.#turn();
  }

  /** Tells what is left, without waiting for order. After nginx has ended that is all. */
  async stop(): Promise<void> {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    for (let turns = 0; turns < LAST_TURNS && this.#follower.turn('is_told'); turns++);
    this.#follower.close();
  }

  /** Its master died. Before the next one serves. */
  nginxEnded(): void {
    if (this.#timer === null) return;
    try {
      this.#follower.nginxEnded();
    } catch (error) {
      this.#onProblem(`nginx's logs cannot be read: ${String(error)}`);
    }
  }

  #turn(): void {
    let active = true;
    try {
      active = this.#follower.turn();
    } catch (error) {
      this.#onProblem(`nginx's logs cannot be read: ${String(error)}`);
    }
    this.#timer = setTimeout(() => this.#turn(), active ? BUSY_MS : IDLE_MS).unref();
  }
}
