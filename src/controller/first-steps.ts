/**
 * Who sends the single requests of first steps, over all services: which are another replica's, so that requests can be held
 * against that cheaply, and when one of ours owes the others a sign of life. In: states as they change, single requests as they
 * end. Out: calls when a beat is due. It neither takes a step over nor writes a beat.
 */
import type { SetTimer } from '../checks/schedule.ts';
import { type FallbackState, isOthersStep } from '../fallback/state.ts';
import { DueTimer } from './due-timer.ts';

/** Whoever sends single requests says so this often. */
const BEAT_MS = 5_000;

interface Own {
  /** When the others last had a sign of life. */
  beatMs: number;
  /** One was sent since. */
  owes: boolean;
}

export class FirstSteps {
  readonly #others = new Set<string>();
  readonly #own = new Map<string, Own>();
  readonly #beats: DueTimer;
  readonly #onBeat: (service: string) => void;

  constructor(now: () => number, setTimer: SetTimer, onBeat: (service: string) => void) {
    this.#onBeat = onBeat;
    this.#beats = new DueTimer(now, setTimer, (service) => this.#beat(service, now()));
  }

  note(service: string, { phase, seen }: FallbackState, nowMs: number): void {
    if (isOthersStep(phase)) this.#others.add(service);
    else this.#others.delete(service);
    const isOurs = phase.run.admission === 'one' && seen.consent !== 'free';
    if (!isOurs) this.forget(service, 'own');
    else if (!this.#own.has(service)) this.#own.set(service, { beatMs: nowMs, owes: false });
  }

  /** `own`: what we know of others' stays. */
  forget(service: string, what: 'own' | 'all'): void {
    if (what === 'all') this.#others.delete(service);
    if (this.#own.delete(service)) this.#beats.clear(service);
  }

  /** A single request of ours ended. */
  probed(service: string, nowMs: number): void {
    const own = this.#own.get(service);
    if (own === undefined || own.owes) return;
    own.owes = true;
    this.#beats.set(service, Math.max(nowMs, own.beatMs + BEAT_MS));
  }

  isOthers(service: string): boolean {
    return this.#others.size > 0 && this.#others.has(service);
  }

  stop(): void {
    this.#beats.stop();
  }

  #beat(service: string, nowMs: number): void {
    const own = this.#own.get(service);
    if (own === undefined) return;
    own.beatMs = nowMs;
    own.owes = false;
    this.#onBeat(service);
  }
}
