/**
 * The selected ConfigMaps as they are now, kept up with a server that may stop, fall silent, forget or go back: list, watch from
 * there, again. In: a KubeApi, time, chance, timers. Out: the whole set after each turn in which something changed, and whether
 * there is a connection. Nothing ends the loop but `close`. Refuses to know what the objects are for.
 */
import type { SetTimer } from '../checks/schedule.ts';
import { type ConfigMapObject, type KubeApi, KubeFailure, type Selection } from './api.ts';
import { ObjectSet } from './object-set.ts';
import { afterEnd } from './reflector-policy.ts';

export interface ReflectorOptions {
  readonly api: Pick<KubeApi, 'listConfigMaps' | 'watchConfigMaps' | 'server'>;
  readonly selection: Selection;
  /** Epoch ms. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  /** Everything there is, by `namespace/name`: after the first list, and after each turn in which something changed. */
  readonly onObjects: (objects: ReadonlyMap<string, ConfigMapObject>) => void;
  /** With each change of `connected` or `problem`. */
  readonly onConnection?: (connection: Connection) => void;
  /** One of the two above threw. */
  readonly onFault: (error: unknown) => void;
  /** A watch of which nothing is heard for so long is half open: the server ends each after 30 s. */
  readonly silenceMs?: number;
}

/**
 * An API server that has lost its store goes on opening watches from its cache, and ending them in good order, on which nothing ever
 * comes (seen with 1.35: for more than 200 s). Only a list asks the store: one at each turn of the watch, where that is little.
 */
const RELIST_FEW_MS = 25_000;
const RELIST_MANY_MS = 300_000;
const FEW = 100;

export interface Connection {
  readonly connected: boolean;
  /** Null while connected, and before the first attempt has ended. */
  readonly problem: string | null;
  /** The server answers, but this it does not allow: of what else it is asked it may well tell. */
  readonly isRefused: boolean;
  /** Epoch ms. */
  readonly lastHeardMs: number | null;
}

export class Reflector {
  readonly #options: Required<Omit<ReflectorOptions, 'onConnection'>> & Pick<ReflectorOptions, 'onConnection'>;
  readonly #set = new ObjectSet();
  /** Ends what is under way: a watch, a pause. */
  #interrupt: () => void = () => {};
  #isClosed = false;
  #isTold = false;
  #tellsSoon = false;
  #resourceVersion = '';
  #listedMs = -Infinity;
  /** When the server first answered in this attempt. */
  #answeredMs: number | null = null;
  #connection: Connection = { connected: false, problem: null, isRefused: false, lastHeardMs: null };

  constructor(options: ReflectorOptions) {
    this.#options = { silenceMs: 40_000, ...options };
  }

  get connection(): Connection {
    return this.#connection;
  }

  get objects(): ReadonlyMap<string, ConfigMapObject> {
    return this.#set.objects;
  }

  /** Resolves after the first attempt to list: handed over, or failed as `connection` says. It goes on by itself. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#run(resolve).catch((error: unknown) => this.#options.onFault(error));
    });
  }

  /** What a change of ours answered: as if the watch had told it, only sooner. */
  learn(object: ConfigMapObject): void {
    if (!this.#isClosed && this.#set.put(object)) this.#tell();
  }

  /** Lists now; `onObjects` has been called where something changed. Rejects with KubeFailure. */
  async relist(): Promise<void> {
    await this.#list();
  }

  close(): void {
    this.#isClosed = true;
    this.#interrupt();
  }

  async #run(onFirst: () => void): Promise<void> {
    let begin: 'list' | 'watch' = 'list';
    let failures = 0;
    while (!this.#isClosed) {
      const { now, random } = this.#options;
      const startedMs = now();
      this.#answeredMs = null;
      const failure = await this.#attempt(begin, onFirst);
      if (this.#isClosed) break;
      const next = afterEnd({
        failure,
        tookMs: now() - startedMs,
        livedMs: this.#answeredMs === null ? 0 : now() - this.#answeredMs,
        failures,
        listedMsAgo: now() - this.#listedMs,
        relistMs: this.#set.objects.size > FEW ? RELIST_MANY_MS : RELIST_FEW_MS,
        random: random(),
      });
      ({ begin, failures } = next);
      if (next.delayMs > 0) await this.#pause(next.delayMs);
    }
    onFirst();
  }

  async #attempt(begin: 'list' | 'watch', onListed: () => void): Promise<KubeFailure | null> {
    try {
      if (begin === 'list') this.#resourceVersion = await this.#list();
    } catch (error) {
      return error as KubeFailure;
    } finally {
      onListed();
    }
    if (this.#isClosed) return null;
    const failure = await this.#watch();
    if (failure !== null && failure.kind !== 'gone') this.#lost(failure);
    return failure;
  }

  /** The version to watch from. */
  async #list(): Promise<string> {
    const take = this.#set.beginList();
    try {
      const { items, resourceVersion } = await this.#options.api.listConfigMaps(this.#options.selection);
      const hasChanged = take(items);
      if (this.#isClosed) return resourceVersion;
      this.#listedMs = this.#options.now();
      this.#heard();
      if (hasChanged || !this.#isTold) this.#tell();
      return resourceVersion;
    } catch (error) {
      take(null);
      const failure = error instanceof KubeFailure ? error : new KubeFailure('server', String(error), { cause: error });
      if (!this.#isClosed) this.#lost(failure);
      throw failure;
    }
  }

  #watch(): Promise<KubeFailure | null> {
    const { api, selection, setTimer, silenceMs } = this.#options;
    return new Promise((resolve) => {
      let hasEnded = false;
      let cancelSilence = (): void => {};
      let stop = (): void => {};
      const end = (failure: KubeFailure | null): void => {
        if (hasEnded) return;
        hasEnded = true;
        cancelSilence();
        this.#interrupt = () => {};
        resolve(failure);
      };
      const awaitWord = (): void => {
        cancelSilence();
        cancelSilence = setTimer(() => {
          stop();
          const message = `the API server ${api.server} does not answer: nothing heard of it for ${silenceMs / 1_000} s`;
          end(new KubeFailure('timeout', message));
        }, silenceMs);
      };
      this.#interrupt = () => {
        stop();
        end(null);
      };
      awaitWord();
      const watch = api.watchConfigMaps(selection, this.#resourceVersion, {
        onObject: (kind, object) => {
          if (hasEnded) return;
          const hasChanged = kind === 'deleted' ? this.#set.remove(object) : this.#set.put(object);
          if (hasChanged) this.#tellSoon();
        },
        onHeard: (resourceVersion) => {
          if (hasEnded) return;
          awaitWord();
          this.#resourceVersion = resourceVersion;
          this.#heard();
        },
        onEnd: end,
      });
      stop = () => watch.stop();
    });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.setTimer(resolve, delayMs);
      this.#interrupt = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Events that came in one piece are one change. */
  #tellSoon(): void {
    if (this.#tellsSoon) return;
    this.#tellsSoon = true;
    queueMicrotask(() => {
      if (this.#tellsSoon && !this.#isClosed) this.#tell();
    });
  }

  #tell(): void {
    this.#isTold = true;
    this.#tellsSoon = false;
    this.#guarded(() => this.#options.onObjects(this.#set.objects));
  }

  #heard(): void {
    const nowMs = this.#options.now();
    this.#answeredMs ??= nowMs;
    this.#connect({ connected: true, problem: null, isRefused: false, lastHeardMs: nowMs });
  }

  #lost(failure: KubeFailure): void {
    const isRefused = failure.kind === 'forbidden';
    this.#connect({ connected: false, problem: failure.message, isRefused, lastHeardMs: this.#connection.lastHeardMs });
  }

  #connect(connection: Connection): void {
    const before = this.#connection;
    this.#connection = connection;
    if (before.connected === connection.connected && before.problem === connection.problem) return;
    this.#guarded(() => this.#options.onConnection?.(connection));
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      try {
        this.#options.onFault(error);
      } catch {
        // Who reports faults has one: the loop goes on.
      }
    }
  }
}
