/**
 * Three replicas on a clock of their own, for tests: real boards and real sharing over a store in memory that loses answers, is
 * slow, and is partitioned from any of them. The same seed is the same history.
 */
import { expect } from 'chai';
import type { FallbackPolicy, Migration, ServedMigration } from '../migration/model.ts';
import type { RunState } from '../migration/run-state.ts';
import { FallbackBoard } from './fallback-board.ts';
import { SharedStates } from './shared-states.ts';
import type { SharedValues, ShareFailure, TakeValues, ValueSwap } from './shared-values.ts';
import { type StateInText, stateInText } from './state-text.ts';

const TLS = { ca: null, caFile: null, serverName: null, insecureSkipVerify: false };
export const POLICY: FallbackPolicy = {
  enabled: true,
  maxFailures: 3,
  failureWindowMs: 15_000,
  recoveryTimeMs: 4_000,
  maxFailureRate: 0.5,
  minRequests: 20,
  failureStatuses: [503],
};

export function service(name: string, port = 80): ServedMigration {
  const side = { host: `${name}.example`, address: name, port, protocol: 'http', tls: TLS } as const;
  const old = { ...side, host: `${name}.old`, address: `${name}-old` };
  return { migration: { name, enabled: true, old, new: side, fallback: POLICY } as Migration, standing: 'valid' };
}

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
  isOff: boolean;
}

/** Time that passes only when somebody lets it. */
export class Stage {
  nowMs = 1_000_000_000;
  /** The last is the first that is due. */
  readonly #timers: Timer[] = [];

  readonly setTimer = (fire: () => void, delayMs: number): (() => void) => {
    const timer: Timer = { atMs: this.nowMs + Math.max(0, delayMs), fire, isOff: false };
    let [low, high] = [0, this.#timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timers[middle].atMs > timer.atMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      timer.isOff = true;
    };
  };

  async pass(ms: number, watch: () => void = () => {}): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settled();
    for (;;) {
      const timer = this.#timers.at(-1);
      if (timer === undefined || timer.atMs > untilMs) break;
      this.#timers.pop();
      if (timer.isOff) continue;
      this.nowMs = timer.atMs;
      timer.fire();
      await settled();
      watch();
    }
    this.nowMs = untilMs;
  }
}

/** Whatever can go on without time passing has. */
async function settled(): Promise<void> {
  for (let i = 0; i < 7; i++) await Promise.resolve();
}

/** What all share, with each version that there was. */
export class Store {
  values: ReadonlyMap<string, string> = new Map();
  version = 0;
  /** The version at which it was taken away whole. */
  goneAt = -1;
  readonly clients = new Set<StoreClient>();

  write(change: (values: Map<string, string>) => boolean): boolean {
    const values = new Map(this.values);
    if (!change(values)) return false;
    this.values = values;
    this.version++;
    for (const client of this.clients) client.notice();
    return true;
  }
}

/** As `kubectl delete`. */
export function takeAway(store: Store): void {
  store.goneAt = store.version + 1;
  store.write((values) => {
    values.clear();
    return true;
  });
}

export interface Weather {
  /** Longest way of one message, ms. */
  readonly delayMs: number;
  /** Of answers that never come. */
  readonly lost: number;
}

const LIMIT_MS = 2_000;
const FAILURE: ShareFailure = { message: 'no answer in time', isLasting: false };

/** One replica's view of the store. */
export class StoreClient implements SharedValues {
  readonly #store: Store;
  readonly #stage: Stage;
  readonly #random: () => number;
  weather: Weather;
  isLive = false;
  isCut = false;
  isClosed = false;
  onLive: (isLive: boolean) => void = () => {};
  #onValues: TakeValues = () => {};
  #seen = -1;
  writes = 0;
  /** Says that values are being handed over: whatever changes now was read. */
  isHanding = false;
  handed = 0;

  constructor(store: Store, stage: Stage, random: () => number, weather: Weather) {
    this.#store = store;
    this.#stage = stage;
    this.#random = random;
    this.weather = weather;
  }

  get isCurrent(): boolean {
    return this.#seen === this.#store.version;
  }

  async start(onValues: TakeValues): Promise<void> {
    this.#onValues = onValues;
    this.#store.clients.add(this);
    this.#connect();
  }

  cut(): void {
    this.isCut = true;
    // It takes a while to notice.
    this.#stage.setTimer(() => {
      if (!this.isCut || !this.isLive) return;
      this.isLive = false;
      this.onLive(false);
    }, this.#random() * 5_000);
  }

  mend(): void {
    this.isCut = false;
    this.#connect();
  }

  #connect(): void {
    this.#later(() => {
      if (this.isCut || this.isClosed) return;
      this.#hand(this.#store.version, this.#store.values);
      if (this.isLive) return;
      this.isLive = true;
      this.onLive(true);
    });
  }

  notice(): void {
    const { values, version } = this.#store;
    this.#later(() => {
      // A watch that missed something is no longer live and begins anew.
      if (this.isCut || !this.isLive) return;
      this.#hand(version, values);
    });
  }

  async read(): Promise<void> {
    await this.#way();
    if (this.isCut || this.isClosed) throw new Error('no answer');
    this.#hand(this.#store.version, this.#store.values);
  }

  put(values: ReadonlyMap<string, string | null>): Promise<'done' | ShareFailure> {
    return this.#write<'done'>('done', (stored) => {
      for (const [key, value] of values) value === null ? stored.delete(key) : stored.set(key, value);
      return true;
    });
  }

  swap(changes: readonly ValueSwap[]): Promise<'done' | 'stale' | ShareFailure> {
    return this.#write<'done' | 'stale'>('stale', (stored) => {
      if (changes.some(({ key, from }) => stored.get(key) !== from)) return false;
      for (const { key, to } of changes) to === null ? stored.delete(key) : stored.set(key, to);
      return true;
    });
  }

  async #write<T>(otherwise: T, change: (values: Map<string, string>) => boolean): Promise<'done' | T | ShareFailure> {
    this.writes++;
    const { lost } = this.weather;
    const startedMs = this.#stage.nowMs;
    const fail = async (): Promise<ShareFailure> => {
      await this.#wait(Math.max(0, startedMs + LIMIT_MS * this.#random() - this.#stage.nowMs));
      return FAILURE;
    };
    if (this.isCut || this.#random() < lost) return fail();
    await this.#way();
    if (this.isClosed) return FAILURE;
    const isDone = this.#store.write(change);
    const { values, version } = this.#store;
    if (this.#random() < lost) return fail();
    await this.#way();
    if (this.isCut || this.isClosed) return fail();
    if (!isDone) return otherwise;
    this.#hand(version, values);
    return 'done';
  }

  #hand(version: number, values: ReadonlyMap<string, string>): void {
    if (version < this.#seen || this.isClosed) return;
    this.#seen = version;
    this.isHanding = true;
    this.handed++;
    this.#onValues(values, version === this.#store.goneAt ? 'gone' : undefined);
    this.isHanding = false;
  }

  #way(): Promise<void> {
    return this.#wait(this.#random() * this.weather.delayMs);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#stage.setTimer(resolve, ms));
  }

  #later(act: () => void): void {
    this.#stage.setTimer(act, this.#random() * this.weather.delayMs);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.#store.clients.delete(this);
  }
}

/** Toward new. */
export function openness({ state, admission, admitBp }: RunState): number {
  if (state === 'steady') return 10_001;
  return admission === 'one' ? 1 : admitBp;
}

/** One process: board and sharing, and what its data plane was told. */
export class Replica {
  readonly name: string;
  readonly client: StoreClient;
  readonly board: FallbackBoard;
  readonly sharing: SharedStates;
  readonly runs = new Map<string, RunState>();
  readonly problems: string[] = [];
  readonly #trips = new Map<string, number>();
  /** What was shared ceased to be: somebody resumed the service, or gave it another new cluster. */
  readonly #isBegunAnew: (service: string) => boolean;
  checks: string[] = [];
  isLeader = false;
  servesAlike = true;
  /** What just now moves a service toward new: a person or a configuration may. */
  cause: 'itself' | 'person' | 'configuration' = 'itself';
  readonly #timers = new Set<() => void>();

  constructor(
    name: string,
    stage: Stage,
    client: StoreClient,
    random: () => number,
    isBegunAnew = (_: string): boolean => true,
  ) {
    this.name = name;
    this.#isBegunAnew = isBegunAnew;
    this.client = client;
    const setTimer = (fire: () => void, delayMs: number): (() => void) => {
      const cancel = stage.setTimer(() => {
        this.#timers.delete(cancel);
        fire();
      }, delayMs);
      this.#timers.add(cancel);
      return () => {
        this.#timers.delete(cancel);
        cancel();
      };
    };
    const log = {
      info: () => {},
      warn: () => {},
      error: (_fields: object, message: string) => void this.problems.push(message),
    };
    const common = { now: () => stage.nowMs, random, setTimer };
    const leads = (): boolean => this.isLeader;
    const serveAlike = (): boolean => this.servesAlike;
    this.sharing = new SharedStates({ ...common, values: client, leads, serveAlike, log: log as never });
    this.board = new FallbackBoard({
      ...common,
      replica: name,
      replicas: this.sharing,
      onRunState: (service, run) => this.#obey(service, run),
      onTransition: () => {},
      onBothFailing: () => {},
      onDirty: () => {},
      requestCheck: (service) => void this.checks.push(service),
    });
  }

  /** Nothing of it is left but what was written. */
  kill(): void {
    this.client.isClosed = true;
    for (const cancel of this.#timers) cancel();
    void this.client.close();
    this.board.stop();
  }

  #obey(service: string, run: RunState): void {
    const before = this.runs.get(service);
    this.runs.set(service, run);
    const [had, has] = [this.#trips.get(service) ?? 0, this.board.view(service)?.trips ?? 0];
    this.#trips.set(service, has);
    if (this.client.isHanding && this.client.handed > 1 && before?.state === 'fallen_back' && openness(run) > 0) {
      const why = `${this.name}: ${service} left trip ${had} for what others say, ${run.state} after trip ${has}`;
      expect(has >= had || this.#isBegunAnew(service), why).to.equal(true);
    }
    if (before === undefined || this.cause !== 'itself' || this.client.isHanding) return;
    if (openness(run) > openness(before)) {
      expect(this.client.isLive, `${this.name}: ${service} moves toward new though it hears nothing`).to.equal(true);
    }
  }

  isQuiet(): boolean {
    const { isCurrent, isLive } = this.client;
    return isLive && isCurrent && this.sharing.facts().pending === 0;
  }
}

export function said(text: string | undefined, nowMs: number): StateInText | null {
  return text === undefined ? null : stateInText(text, nowMs, null);
}
