/**
 * Keeps the fallback board and what all replicas share the same. In: what the board entered or proposes, and texts that others
 * wrote. Out: few writes (one in flight, changes meanwhile merged into the next), grants and refusals, texts to adopt. What wins
 * over what is said in `shared-intent.ts`; where the texts are kept, `SharedValues` knows. It reads no state but through them.
 */
import type { Consent, Phase } from '../fallback/state.ts';
import { Condition } from './condition.ts';
import type { FallbackBoard } from './fallback-board.ts';
import { type Landing, OneWrite, type OneWriteOptions } from './one-write.ts';
import type { OwnChange, Replicas } from './replicas.ts';
import { fateOf, type Intent, isPut, isWrittenOver } from './shared-intent.ts';
import type { SharedValues } from './shared-values.ts';
import { isHeld, type StateInText, stateInText } from './state-text.ts';
import { UnusedTexts } from './unused-texts.ts';

export type SharingBoard = Pick<
  FallbackBoard,
  'adopt' | 'granted' | 'refused' | 'sharedText' | 'proposedText' | 'isUsed' | 'touched' | 'lookAgain'
>;

export interface SharedStatesOptions extends Omit<OneWriteOptions, 'values' | 'onFree'> {
  readonly values: SharedValues;
  /** Epoch ms. */
  readonly now: () => number;
  /** Whether this replica makes the checks at the end of waits, and cleans up. */
  readonly leads: () => boolean;
  /** Whether all replicas are known to serve the same: what one of them does not know may be another's, held by a person. */
  readonly serveAlike: () => boolean;
}

export interface SharingFacts {
  /** Wishes that are not yet written, proposals among them. */
  readonly pending: number;
  /** Why, when writing failed last; null: it did not. */
  readonly lastProblem: string | null;
}

const MOST_PUTS = 1_000;
const MOST_SWAPS = 500;

interface Sent {
  readonly text: string | null;
  readonly intent: Intent;
}

export class SharedStates implements Replicas {
  readonly #options: SharedStatesOptions;
  #board: SharingBoard | null = null;
  /** As received last; null: never. */
  #shared: ReadonlyMap<string, string> | null = null;
  /** What the board has been told of, or what it wrote. Absent: nothing is shared. */
  readonly #known = new Map<string, string>();
  readonly #intents = new Map<string, Intent>();
  #flight: ReadonlyMap<string, Sent> | null = null;
  #place: 'gone' | 'there' = 'there';
  #isLive = false;
  #isPlanned = false;
  readonly #unused: UnusedTexts;
  readonly #writer: OneWrite;
  readonly #written: Condition;

  constructor(options: SharedStatesOptions) {
    this.#options = options;
    this.#written = new Condition(options.setTimer);
    this.#writer = new OneWrite({ ...options, onFree: () => this.#plan() });
    const unused = (): readonly string[] => [...(this.#shared?.keys() ?? [])].filter((name) => this.#isUnused(name));
    this.#unused = new UnusedTexts({ ...options, unused, onLong: (names) => this.#removeUnused(names) });
  }

  /** Resolves when the first read has been taken up, or could not be had: it goes on trying. */
  async start(board: SharingBoard): Promise<void> {
    this.#board = board;
    const { values } = this.#options;
    values.onLive = (isLive) => (isLive ? this.#goLive() : this.#loseTouch());
    await values.start((received, place) => this.#receive(received, place));
    if (values.isLive && !this.#isLive) this.#goLive();
  }

  consent(service: string): Consent {
    if (!this.#isLive || !this.#known.has(service)) return 'barred';
    const what = this.#intents.get(service)?.what;
    return what === undefined || what === 'beat' || what === 'proposal' ? 'ask' : 'barred';
  }

  leads(): boolean {
    return this.#options.leads();
  }

  shared(service: string): string | null | undefined {
    return this.#shared === null ? undefined : (this.#shared.get(service) ?? null);
  }

  entered(service: string, what: OwnChange, before: Phase): void {
    if (what !== 'beat' || !this.#intents.has(service)) this.#want(service, what, before);
  }

  proposed(service: string): void {
    this.#want(service, 'proposal', null);
  }

  /** This replica leads now: the checks that are due are its to make. */
  leading(): void {
    this.#board?.lookAgain();
  }

  /** Whether what this replica entered for the service is what all share; waits for it while there is hope. */
  async isShared(service: string, withinMs: number): Promise<boolean> {
    return this.#isWritten(withinMs, () => !this.#intents.has(service));
  }

  /** Writes what waits: before the end of the process. False: not all could be written. */
  async flush(withinMs: number): Promise<boolean> {
    return this.#isWritten(withinMs, () => this.#intents.size === 0);
  }

  facts(): SharingFacts {
    return { pending: this.#intents.size, lastProblem: this.#writer.lastProblem };
  }

  async close(): Promise<void> {
    this.#unused.stop();
    this.#loseTouch();
    await this.#options.values.close();
  }

  #want(service: string, what: Intent['what'], before: Phase | null): void {
    const text = this.#board?.sharedText(service) ?? null;
    const ours = text === null ? null : this.#said(text);
    const trips = ours?.phase.trips ?? 0;
    const newTarget = ours?.newTarget ?? null;
    this.#intents.set(service, { what, trips, newTarget, before, gap: !this.#isLive, tried: false });
    this.#plan();
  }

  #goLive(): void {
    this.#isLive = true;
    this.#board?.lookAgain();
    this.#plan();
  }

  #loseTouch(): void {
    this.#isLive = false;
    this.#writer.endRest();
    for (const [service, intent] of this.#intents) {
      intent.gap = true;
      if (intent.what === 'proposal' && this.#flight?.get(service)?.intent !== intent) this.#drop(service, intent);
    }
    this.#written.lookAgain();
  }

  #receive(received: ReadonlyMap<string, string>, place: 'gone' | 'there' = 'there'): void {
    const isFirst = this.#shared === null;
    this.#place = place;
    if (place === 'gone') {
      const text = 'what replicas share of run states was deleted; what this one knows is written again';
      this.#options.log.warn({ code: 'states_gone' }, text);
    }
    this.#shared = new Map(received);
    // What only the disk knew gives way to what is shared, also where that is nothing.
    const names = isFirst ? (this.#board?.touched() ?? []) : [...this.#known.keys()];
    const how = isFirst ? 'kept' : 'shared';
    for (const service of new Set([...received.keys(), ...names])) this.#reconcile(service, how);
    this.#written.lookAgain();
    this.#plan();
  }

  #reconcile(service: string, how: 'kept' | 'shared'): void {
    if (this.#shared === null || this.#flight?.has(service)) return;
    const text = this.#shared.get(service) ?? null;
    if (how === 'shared' && text === (this.#known.get(service) ?? null)) return;
    const intent = this.#intents.get(service);
    const said = this.#said(text);
    const before = this.#said(this.#known.get(service) ?? null);
    this.#know(service, text);
    if (intent === undefined) {
      // After a gap nobody can tell what happened in between; but that all was taken away is no replica's deed then either.
      const isLate = this.#isLive && isWrittenOver(before, said);
      const isLost = text === null && this.#place === 'gone';
      if ((isLate || isLost) && this.#isHeldHere(service)) this.#want(service, 'hold', null);
      else if (isLost && this.#board?.sharedText(service)) this.#want(service, 'trip', null);
      else this.#board?.adopt(service, text, how);
      return;
    }
    if (fateOf(intent, text, said) === 'stays') return;
    this.#drop(service, intent);
    this.#board?.adopt(service, text, how);
  }

  #isHeldHere(service: string): boolean {
    const ours = this.#said(this.#board?.sharedText(service) ?? null);
    return ours !== null && isHeld(ours.phase);
  }

  #applied(service: string, intent: Intent, text: string | null): void {
    this.#know(service, text);
    if (this.#intents.get(service) !== intent) return;
    this.#intents.delete(service);
    // What it was proposed on may be gone here; but it is what all others obey by now.
    if (intent.what === 'proposal' && !this.#board?.granted(service)) this.#board?.adopt(service, text, 'shared');
  }

  #know(service: string, text: string | null): void {
    if (text === null) this.#known.delete(service);
    else this.#known.set(service, text);
  }

  #said(text: string | null): StateInText | null {
    return text === null ? null : stateInText(text, this.#options.now(), null);
  }

  /** Soon, so that what this turn brings is one write. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (!this.#isLive || !this.#writer.isFree) return;
    const puts = this.#collect('put', MOST_PUTS);
    const sent = puts.size > 0 ? puts : this.#collect('swap', MOST_SWAPS);
    this.#written.lookAgain();
    if (sent.size === 0) return;
    this.#flight = sent;
    const { values } = this.#options;
    const write = (): Promise<Landing> =>
      puts.size > 0
        ? values.put(new Map([...sent].map(([service, { text }]) => [service, text])))
        : values.swap([...sent].map(([key, { text }]) => ({ key, from: this.#known.get(key) ?? '', to: text })));
    void this.#writer.begin(write, (landing) => this.#landed(sent, landing));
  }

  /** What is to be written now; intents that came to nothing are over. */
  #collect(how: 'put' | 'swap', most: number): Map<string, Sent> {
    const sent = new Map<string, Sent>();
    for (const [service, intent] of this.#intents) {
      if (sent.size >= most) break;
      if (isPut(intent) !== (how === 'put')) continue;
      const text = this.#textOf(service, intent);
      const known = this.#known.get(service);
      const isMoot = text === undefined || text === (known ?? null);
      // A swap needs something to be swapped.
      if (isMoot || (how === 'swap' && known === undefined)) {
        this.#drop(service, intent);
      } else sent.set(service, { text, intent });
    }
    return sent;
  }

  /** Undefined: there is nothing to write any more. */
  #textOf(service: string, { what }: Intent): string | null | undefined {
    if (what === 'proposal') return this.#board?.proposedText(service);
    if (what === 'removal') return this.#isUnused(service) ? null : undefined;
    const text = this.#board?.sharedText(service) ?? null;
    // A service that was taken out of the configuration meanwhile has no text, and that is nothing to tell.
    return text === null && (what === 'trip' || what === 'hold' || what === 'beat') ? undefined : text;
  }

  #landed(sent: ReadonlyMap<string, Sent>, landing: Landing): void {
    this.#flight = null;
    for (const [service, { text, intent }] of sent) {
      if (landing === 'done') this.#applied(service, intent, text);
      else if (landing !== 'stale') this.#unanswered(service, intent);
    }
    for (const service of sent.keys()) this.#reconcile(service, 'shared');
    this.#written.lookAgain();
  }

  /** It may have been written, or not. */
  #unanswered(service: string, intent: Intent): void {
    if (this.#intents.get(service) !== intent) return;
    intent.tried = true;
    if (intent.what === 'proposal' && !this.#isLive) this.#drop(service, intent);
  }

  #drop(service: string, { what }: Intent): void {
    this.#intents.delete(service);
    if (what === 'proposal') this.#board?.refused(service);
  }

  #isWritten(withinMs: number, isMet: () => boolean): Promise<boolean> {
    return this.#written.within(withinMs, isMet, () => this.#isLive);
  }

  #isUnused(service: string): boolean {
    const text = this.#shared?.get(service);
    return text !== undefined && this.#board?.isUsed(service, text) === false;
  }

  #removeUnused(unused: readonly string[]): void {
    if (!this.#isLive || !this.leads() || !this.#options.serveAlike()) return;
    for (const service of unused) if (!this.#intents.has(service)) this.#want(service, 'removal', null);
  }
}
