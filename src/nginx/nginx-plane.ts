/**
 * The nginx data plane: an nginx of our own beside us, whose configuration follows the table and whose flag files follow the run
 * states. In: tables, run states, addresses that change. Out: the newest table running in nginx, or the last good one and
 * the truth about it. One change is in work, the newest waits; equal text is no reload.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { Migration } from '../migration/model.ts';
import type { RunState } from '../migration/run-state.ts';
import type { RoutingTable } from '../routing/table.ts';
import type { DataPlane } from '../status/data-plane.ts';
import type { LastReload, NginxFacts, NginxRefusal } from '../status/nginx-facts.ts';
import type { FlagFiles } from './flag-files.ts';
import { installServices } from './installer.ts';
import {
  type AddressBook,
  backendHosts,
  byName,
  type FindRefused,
  type PlaneAddresses,
  type PlaneProcess,
  type Render,
  type Services,
} from './plane-parts.ts';
import { RefusedServices } from './refused-services.ts';

/** For the addresses of new names: at the start there is nothing to be late for; later an edit is to be live in a second. */
const FIRST_ADDRESSES_MS = 5_000;
const ADDRESSES_MS = 300;
const SETTLED_MS = 5_000;
const RETRY_MS = 1_000;
const RETRY_MOST_MS = 60_000;

export type PlaneEvent =
  | { readonly kind: 'installed'; readonly generation: number; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly stage: string; readonly message: string; readonly againMs: number }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'refused'; readonly service: string; readonly message: string }
  | { readonly kind: 'taken'; readonly refusals: readonly NginxRefusal[] };

export interface NginxPlaneOptions {
  readonly process: PlaneProcess;
  readonly flags: Pick<FlagFiles, 'set' | 'isSet' | 'takeUp' | 'reconcile' | 'retain' | 'stop'>;
  readonly addresses: PlaneAddresses;
  readonly render: Render;
  readonly findRefused: FindRefused;
  readonly outcomes: { start(): Promise<void>; stop(): Promise<void> };
  /** Both asked often, and answered from what was last heard; what is odd about the parts, for people. */
  readonly connections: () => number;
  readonly problems: () => readonly string[];
  /** Epoch ms. */
  readonly now: () => number;
  readonly setTimer: SetTimer;
  readonly onEvent: (event: PlaneEvent) => void;
}

/** Nothing of nginx could be started: the message has its own words. */
export class NginxNotStarted extends Error {}

export class NginxPlane implements DataPlane {
  readonly #options: NginxPlaneOptions;
  readonly #refused = new RefusedServices();
  #table: RoutingTable | null = null;
  /** Of the newest table, and of the one that nginx runs; empty where that is not known. */
  #served: Services = new Map();
  #running: Services = new Map();
  #stage: 'waiting' | 'listening' | 'ended' = 'waiting';
  #isDue = false;
  /** Run states that wait for the text that they were decided for, and before the start for the directory. */
  readonly #opening = new Map<string, RunState>();
  #takingUp: Promise<void> | null = null;
  #work: Promise<void> | null = null;
  #cancelRetry: () => void = () => {};
  #failures = 0;
  #runningGeneration: number | null = null;
  #lastReload: LastReload | null = null;
  readonly #reloads = { ok: 0, failed: 0 };
  #warnings: readonly string[] = [];
  /** Refusals that the log has. */
  #told = new Set<string>();

  constructor(options: NginxPlaneOptions) {
    this.#options = options;
  }

  /**
   * Adopts or starts nginx with the newest table; resolves when it answers. Rejects with NginxNotStarted when none of ours
   * runs then; when the one that was adopted serves on, that is no rejection, nor is a drain meanwhile.
   */
  async start(): Promise<void> {
    this.#takingUp = this.#takeUp();
    await this.#takingUp;
    this.#begin();
    await this.#idle();
    if (this.#stage === 'ended' || this.#options.process.runningToken() !== null) return;
    await this.drain(0);
    throw new NginxNotStarted(this.#lastReload?.error ?? 'nginx does not answer');
  }

  /** What an earlier life of ours left: nginx, flags, logs. */
  async #takeUp(): Promise<void> {
    const { flags, outcomes, process } = this.#options;
    const isAdopted = await process.adopt();
    if (this.#stage === 'ended') return;
    // Which text an nginx of before runs is not known: it keeps the run states that it was told, until it runs the newest.
    if (isAdopted) flags.takeUp();
    for (const [service, state] of this.#opening) {
      if (isAdopted && state.state !== 'fallen_back') continue;
      flags.set(service, state);
      this.#opening.delete(service);
    }
    if (!isAdopted) flags.reconcile();
    await outcomes.start();
    if (this.#stage === 'waiting') this.#stage = 'listening';
    this.#isDue = true;
  }

  /** Live within a moment; `settled` says when. Before `start` it only waits. */
  apply(table: RoutingTable): void {
    this.#table = table;
    this.#served = byName(table);
    this.#again();
  }

  /** As it was applied last; null: there is no such service. */
  migrationOf(service: string): Migration | null {
    return this.#served.get(service)?.migration ?? null;
  }

  /** Addresses have changed, or nginx came back: look whether there is something to do. */
  refresh(): void {
    this.#options.flags.reconcile();
    this.#again();
  }

  /** Towards old at once. Towards new only under the text that it was decided for: the one before may name a dead backend. */
  setRunState(service: string, state: RunState): void {
    this.#opening.delete(service);
    const isSafe = state.state === 'fallen_back' || (this.#work === null && this.#isRunning(service));
    if (this.#stage !== 'waiting' && isSafe) this.#options.flags.set(service, state);
    else this.#opening.set(service, state);
  }

  /** Resolves when the newest table runs, or could not be made to; or after 5 s: an nginx that hangs holds up nobody. */
  async settled(): Promise<void> {
    if (this.#work === null) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.setTimer(resolve, SETTLED_MS);
      void this.#idle().then(() => {
        cancel();
        resolve();
      });
    });
  }

  async #idle(): Promise<void> {
    while (this.#work !== null) await this.#work;
  }

  /** Nginx tells the sum alone: those to the clusters are not told apart, and count as 0. */
  connections(): { readonly client: number; readonly old: number; readonly new: number } {
    return { client: this.#options.connections(), old: 0, new: 0 };
  }

  facts(): NginxFacts {
    const waiting = this.#work === null ? Array.from(this.#opening.keys(), waitingWords) : [];
    return {
      up: this.#options.process.runningToken() !== null,
      runningGeneration: this.#runningGeneration,
      lastReload: this.#lastReload,
      reloads: { ...this.#reloads },
      refusals: this.#refused.list(this.#table?.services ?? []),
      warnings: [...this.#warnings, ...this.#options.problems(), ...waiting],
    };
  }

  /** Ends nginx: no new connections, and what is under way may end within `graceMs`. Then its last outcomes are told. */
  async drain(graceMs: number): Promise<void> {
    const { addresses, flags, outcomes, process } = this.#options;
    this.#stage = 'ended';
    this.#cancelRetry();
    addresses.stop();
    if (this.#takingUp === null) return;
    await this.#takingUp.catch(() => {});
    // Without waiting for the change in work, which may take minutes: this breaks it off.
    await process.stop(graceMs);
    await this.#idle();
    await outcomes.stop();
    flags.stop();
  }

  #again(): void {
    this.#isDue = true;
    this.#begin();
  }

  #begin(): void {
    if (this.#work !== null || !this.#isDue || this.#table === null || this.#stage !== 'listening') return;
    this.#work = this.#run().finally(() => {
      this.#work = null;
    });
  }

  async #run(): Promise<void> {
    while (this.#isDue && this.#stage === 'listening' && this.#table !== null) {
      this.#isDue = false;
      this.#cancelRetry();
      await this.#install(this.#table);
    }
    this.#openFlags();
  }

  /** What nginx did not take waits on: the text that it runs would send those services where they went before the edit. */
  #openFlags(): void {
    const { flags } = this.#options;
    for (const [service, state] of this.#opening) {
      const isUntouched = state.state === 'steady' && !flags.isSet(service);
      if (this.#served.has(service) && !this.#isRunning(service) && !isUntouched) continue;
      if (this.#served.has(service)) flags.set(service, state);
      this.#opening.delete(service);
    }
  }

  #isRunning(service: string): boolean {
    return this.#running.has(service) && this.#running.get(service) === this.#served.get(service);
  }

  async #install(table: RoutingTable): Promise<void> {
    const { flags, now, process, render, findRefused, onEvent } = this.#options;
    const beganMs = now();
    try {
      const addresses = await this.#addressBook(table);
      const refused = this.#refused;
      const { result, warnings } = await installServices(table.services, addresses, {
        process,
        render,
        findRefused,
        refused,
      });
      this.#tellRefusals();
      this.#tellWarnings(warnings);
      if (!result.ok) return this.#failed(result.stage, result.message);
      this.#failures = 0;
      this.#runningGeneration = table.generation;
      this.#running = byName(table);
      onEvent({ kind: 'taken', refusals: this.#refused.list(table.services) });
      const isUnchanged = 'unchanged' in result;
      // What failed before is no longer wanted: nobody has to look at it any more.
      if (!isUnchanged || this.#lastReload?.ok === false) this.#lastReload = { atMs: now(), ok: true, error: null };
      if (!isUnchanged) {
        this.#reloads.ok++;
        onEvent({ kind: 'installed', generation: table.generation, tookMs: now() - beganMs });
      }
      // Not sooner: the text before it still sent their requests by these files. Those of a table that waits have them already.
      flags.retain(new Set([...this.#running.keys(), ...this.#served.keys()]));
    } catch (error) {
      this.#failed('check', error instanceof Error ? error.message : String(error));
    }
  }

  async #addressBook({ services }: RoutingTable): Promise<AddressBook> {
    const { addresses } = this.#options;
    const hosts = backendHosts(services);
    await addresses.hold(hosts, this.#runningGeneration === null ? FIRST_ADDRESSES_MS : ADDRESSES_MS);
    return new Map(Array.from(hosts, (host) => [host, addresses.addresses(host)]));
  }

  #failed(stage: string, message: string): void {
    // It was broken off.
    if (this.#stage === 'ended') return;
    const { now, onEvent, setTimer } = this.#options;
    this.#reloads.failed++;
    this.#lastReload = { atMs: now(), ok: false, error: message };
    const againMs = Math.min(RETRY_MS * 2 ** this.#failures++, RETRY_MOST_MS);
    onEvent({ kind: 'failed', stage, message, againMs });
    this.#cancelRetry();
    this.#cancelRetry = setTimer(() => this.#again(), againMs);
  }

  #tellRefusals(): void {
    const refusals = this.#refused.list(this.#table?.services ?? []);
    const told = new Set<string>();
    for (const { service, message } of refusals) {
      const key = `${service} ${message}`;
      told.add(key);
      if (!this.#told.has(key)) this.#options.onEvent({ kind: 'refused', service, message });
    }
    this.#told = told;
  }

  #tellWarnings(warnings: readonly string[]): void {
    for (const message of warnings) {
      if (!this.#warnings.includes(message)) this.#options.onEvent({ kind: 'warning', message });
    }
    this.#warnings = warnings;
  }
}

function waitingWords(service: string): string {
  return `${service}: recovers, but nginx keeps it as it was, since it does not run its newest configuration`;
}
