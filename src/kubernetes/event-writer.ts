/**
 * Tells happenings to the API server as Events: in order, one at a time, never more than it should hear. In: happenings, at any pace.
 * Out: Events, and one line of the log for each kind of trouble. Nothing waits for it, and what it cannot tell in time it drops:
 * the history has it.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { Happening } from '../controller/happening.ts';
import type { Log } from '../controller/log.ts';
import { type EventObject, type KubeApi, KubeFailure } from './api.ts';
import { eventOf, limitKey, summaryOf } from './event-of.ts';

export interface EventWriterOptions {
  readonly api: Pick<KubeApi, 'createEvent'>;
  /** This replica. */
  readonly instance: string;
  readonly setTimer: SetTimer;
  /** Epoch ms, of the clock that stamps happenings. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

const MOST_WAITING = 1_000;
/** A service that falls back seldom falls alone: what comes within this is looked at together. */
const GATHER_MS = 200;
/** At most ten a second. */
const PAUSE_MS = 100;
/** Of one service and reason. */
const ONE_A_MINUTE_MS = 60_000;
const KEPT_MS = 300_000;
/** More services than these that have fallen back become one Event of each ConfigMap. */
const MOST_SINGLE_TRIPS = 50;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 30_000;

interface Waiting {
  readonly happening: Happening;
  readonly sinceMs: number;
}

/** Of one service and reason. */
interface Told {
  readonly atMs: number;
  readonly identity: string;
  /** The newest that came too early behind it. */
  held: Happening | null;
}

export class EventWriter {
  readonly #options: EventWriterOptions;
  #waiting: Waiting[] = [];
  readonly #told = new Map<string, Told>();
  #timer: { readonly dueMs: number; readonly cancel: () => void } | null = null;
  #isWriting = false;
  /** Between two requests, and after a failure. */
  #notBeforeMs = 0;
  #failures = 0;
  readonly #passing = new Set<string>();
  readonly #lasting = new Set<string>();
  #isClosed = false;

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  /** Never throws and never waits. */
  tell(happening: Happening): void {
    const { instance, now } = this.#options;
    if (this.#isClosed || eventOf(happening, instance) === null) return;
    const nowMs = now();
    const told = this.#told.get(limitKey(happening));
    if (told !== undefined && nowMs - told.atMs < ONE_A_MINUTE_MS) {
      if (told.identity === happening.identity) return;
      told.held = happening;
      this.#wakeAt(told.atMs + ONE_A_MINUTE_MS);
      return;
    }
    this.#enqueue(happening, nowMs);
    this.#wakeAt(nowMs + GATHER_MS);
  }

  /** What waits is dropped. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#waiting = [];
  }

  #enqueue(happening: Happening, nowMs: number): void {
    this.#told.set(limitKey(happening), { atMs: nowMs, identity: happening.identity, held: null });
    this.#waiting.push({ happening, sinceMs: nowMs });
    if (this.#waiting.length <= MOST_WAITING) return;
    this.#waiting.shift();
    this.#reportPassing(
      'full',
      `more than ${MOST_WAITING} Events wait for the API server: the oldest are left to the history`,
    );
  }

  #wakeAt(atMs: number): void {
    const dueMs = Math.max(atMs, this.#notBeforeMs);
    if (dueMs === Infinity || this.#isClosed || this.#isWriting) return;
    if (this.#timer !== null && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    const wake = (): void => {
      this.#timer = null;
      void this.#write();
    };
    this.#timer = { dueMs, cancel: this.#options.setTimer(wake, dueMs - this.#options.now()) };
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    await this.#writeOne();
    this.#isWriting = false;
    this.#wakeAt(this.#waiting.length > 0 ? this.#notBeforeMs : this.#nextReleaseMs());
  }

  /** Never rejects. */
  async #writeOne(): Promise<void> {
    const { api, now } = this.#options;
    const nowMs = now();
    this.#release(nowMs);
    this.#dropOld(nowMs);
    const { taken, event } = this.#take();
    if (event === null) return;
    try {
      await api.createEvent(event);
      this.#succeeded();
      this.#notBeforeMs = now() + PAUSE_MS;
    } catch (error) {
      this.#notBeforeMs = now() + this.#failed(error, taken, event);
    }
  }

  /** What came too early, and whose minute is over by now. */
  #release(nowMs: number): void {
    for (const [key, { atMs, held }] of this.#told) {
      if (nowMs - atMs < ONE_A_MINUTE_MS) continue;
      if (held === null) this.#told.delete(key);
      else this.#enqueue(held, nowMs);
    }
  }

  /** Infinity: nothing is held back. */
  #nextReleaseMs(): number {
    const dues = [...this.#told.values()].map(({ atMs, held }) => (held === null ? Infinity : atMs + ONE_A_MINUTE_MS));
    return dues.reduce((least, dueMs) => Math.min(least, dueMs), Infinity);
  }

  #dropOld(nowMs: number): void {
    const kept = this.#waiting.filter(({ sinceMs }) => nowMs - sinceMs < KEPT_MS);
    if (kept.length === this.#waiting.length) return;
    this.#waiting = kept;
    this.#reportPassing('old', 'Events that the API server did not take within 5 minutes are left to the history');
  }

  #take(): { readonly taken: readonly Waiting[]; readonly event: EventObject | null } {
    const { instance } = this.#options;
    const trips = this.#waiting.filter(({ happening }) => happening.kind === 'fallen_back');
    const [next] = trips.length > MOST_SINGLE_TRIPS ? trips : this.#waiting;
    if (next === undefined) return { taken: [], event: null };
    const uid = next.happening.about?.uid;
    const alike = trips.length > MOST_SINGLE_TRIPS ? trips.filter((one) => one.happening.about?.uid === uid) : [next];
    const taken = new Set(alike);
    this.#waiting = this.#waiting.filter((one) => !taken.has(one));
    const happenings = alike.map(({ happening }) => happening);
    const event = alike.length === 1 ? eventOf(next.happening, instance) : summaryOf(happenings, instance);
    return { taken: alike, event };
  }

  #succeeded(): void {
    this.#failures = 0;
    if (this.#passing.size === 0) return;
    this.#passing.clear();
    this.#options.log.info({ code: 'events' }, 'Events reach the API server again');
  }

  /** Ms until the next attempt. */
  #failed(error: unknown, taken: readonly Waiting[], { namespace }: EventObject): number {
    const failure = error instanceof KubeFailure ? error : new KubeFailure('server', String(error));
    const { kind, message, retryAfterMs } = failure;
    if (kind === 'exists') return PAUSE_MS;
    if (kind === 'forbidden' || kind === 'invalid' || kind === 'not_found' || kind === 'too_large') {
      const cure = kind === 'forbidden' ? '; without it `history` alone tells' : '; this Event is left to the history';
      this.#reportLasting(`${kind} ${namespace}`, message + cure);
      return PAUSE_MS;
    }
    this.#waiting.unshift(...taken);
    this.#reportPassing('late', `Events wait: ${message}`);
    const backOffMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MOST_MS);
    this.#failures++;
    return Math.max(Math.min(retryAfterMs ?? 0, RETRY_MOST_MS), backOffMs * (0.5 + this.#options.random() / 2));
  }

  /** Once, until an Event is taken again. */
  #reportPassing(trouble: string, message: string): void {
    if (this.#passing.has(trouble)) return;
    this.#passing.add(trouble);
    this.#options.log.warn({ code: 'events' }, message);
  }

  /** Once: a person must act. */
  #reportLasting(trouble: string, message: string): void {
    if (this.#lasting.has(trouble)) return;
    this.#lasting.add(trouble);
    this.#options.log.warn({ code: 'events' }, message);
  }
}
