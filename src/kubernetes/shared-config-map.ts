/**
 * Values that replicas share, kept as the keys of one ConfigMap. In: puts and swaps; what a watch says of the object. Out: the
 * values as they are now, in the order in which they came about: answers to our own writes overtake the watch, and whatever
 * looks like going back is asked for before it is believed. Refuses to know what the values mean.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { SharedValues, ShareFailure, TakeValues, ValueSwap } from '../controller/shared-values.ts';
import { type ConfigMapObject, type JsonPatchOperation, type KubeApi, KubeFailure } from './api.ts';
import { isNewer as isNewerVersion } from './object-set.ts';

export interface SharedConfigMapOptions {
  readonly api: Pick<KubeApi, 'getConfigMap' | 'createConfigMap' | 'patchConfigMap'>;
  readonly namespace: string;
  readonly name: string;
  /** Of the object, where it has to be made. */
  readonly labels: Readonly<Record<string, string>>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  /** Begins to watch the object. */
  readonly watch: (heard: ObjectHeard) => ObjectWatch;
}

export interface ObjectHeard {
  /** The object as it is now; null: there is none. */
  object(object: ConfigMapObject | null): void;
  /** Whether changes are heard of; `problem`: why not, in words. */
  connected(isConnected: boolean, problem?: string | null): void;
}

export interface ObjectWatch {
  close(): void | Promise<void>;
}

/** A watch that lags behind our own writes has this long to catch up before the object is read. */
const DOUBT_MS = 250;
const AGAIN_MS = 1_000;

export class SharedConfigMap implements SharedValues {
  onLive: (isLive: boolean) => void = () => {};
  /** Called once, when `onValues` has had something for the first time. */
  onRead: () => void = () => {};
  readonly writes = { done: 0, stale: 0, failed: 0 };
  readonly #options: SharedConfigMapOptions;
  #onValues: TakeValues = () => {};
  #watch: ObjectWatch | null = null;
  /** The newest that is known; undefined: nothing yet. */
  #known: ConfigMapObject | null | undefined;
  /** As the watch sees it. */
  #heard: ConfigMapObject | null | undefined;
  /** Grows with each change of `#known`. */
  #learned = 0;
  #isLive = false;
  #readProblem: string | null = null;
  #watchProblem: string | null = null;
  /** Grows with each change of the watch's connection. */
  #connection = 0;
  #lastRead: Promise<void> = Promise.resolve();
  #nextRead: Promise<void> | null = null;
  #cancelDoubt: (() => void) | null = null;
  #cancelCatchUp: () => void = () => {};
  #closed = false;

  constructor(options: SharedConfigMapOptions) {
    this.#options = options;
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  /** `onValues` has had something. */
  get isRead(): boolean {
    return this.#known !== undefined;
  }

  /** Why what others write is not heard of, in words; null: it is, or nobody knows why not yet. */
  get readProblem(): string | null {
    return this.#watchProblem ?? this.#readProblem;
  }

  async start(onValues: TakeValues): Promise<void> {
    this.#onValues = onValues;
    this.#watch = this.#options.watch({
      object: (object) => this.#hear(object),
      connected: (isConnected, problem = null) => {
        this.#watchProblem = problem;
        this.#connected(isConnected);
      },
    });
    // Whoever has to hear of it hears that it is not live.
    await this.read().catch(() => {});
  }

  /** One that is under way may have been answered already when it is asked for: then it is another one. */
  read(): Promise<void> {
    this.#nextRead ??= this.#lastRead.then(() => {
      this.#nextRead = null;
      const reading = this.#readNow();
      this.#lastRead = reading.catch(() => {});
      return reading;
    });
    return this.#nextRead;
  }

  async put(values: ReadonlyMap<string, string | null>): Promise<'done' | ShareFailure> {
    if (values.size === 0) return 'done';
    const { api, name, namespace } = this.#options;
    const patch = { kind: 'merge', body: { data: Object.fromEntries(values) } } as const;
    try {
      this.#learn(await api.patchConfigMap(namespace, name, patch));
    } catch (error) {
      if (!isKind(error, 'not_found')) return this.#failed(error);
      try {
        if (!(await this.#create(values))) this.#learn(await api.patchConfigMap(namespace, name, patch));
      } catch (second) {
        return this.#failed(second);
      }
    }
    this.writes.done++;
    return 'done';
  }

  async swap(changes: readonly ValueSwap[]): Promise<'done' | 'stale' | ShareFailure> {
    if (changes.length === 0) return 'done';
    const { api, name, namespace } = this.#options;
    const tests = changes.map(({ key, from }): JsonPatchOperation => ({ op: 'test', path: pathOf(key), value: from }));
    const steps = changes.map(({ key, to }): JsonPatchOperation => {
      return to === null ? { op: 'remove', path: pathOf(key) } : { op: 'replace', path: pathOf(key), value: to };
    });
    try {
      this.#learn(await api.patchConfigMap(namespace, name, { kind: 'json', operations: [...tests, ...steps] }));
      this.writes.done++;
      return 'done';
    } catch (error) {
      if (!isKind(error, 'invalid') && !isKind(error, 'not_found')) return this.#failed(error);
      this.writes.stale++;
      return 'stale';
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelDoubt?.();
    this.#cancelCatchUp();
    await this.#watch?.close();
  }

  /** False: another was quicker. */
  async #create(values: ReadonlyMap<string, string | null>): Promise<boolean> {
    const { api, labels, name, namespace } = this.#options;
    const data = Object.fromEntries([...values].filter((entry): entry is [string, string] => entry[1] !== null));
    try {
      this.#learn(await api.createConfigMap({ namespace, name, labels, data }));
      return true;
    } catch (error) {
      if (isKind(error, 'exists')) return false;
      throw error;
    }
  }

  #failed(error: unknown): ShareFailure {
    if (!(error instanceof KubeFailure)) throw error;
    this.writes.failed++;
    const { name, namespace } = this.#options;
    if (error.kind !== 'too_large') return { message: error.message, isLasting: error.kind === 'forbidden' };
    const message = `the ConfigMap ${namespace}/${name} is full (an object holds 1 MiB): ${error.message}`;
    const follows = 'services that fall now go back to new only once others have done so and make room';
    return { message: `${message}; ${follows}: fewer services with one --instance fit`, isLasting: true };
  }

  async #readNow(): Promise<void> {
    const { api, name, namespace } = this.#options;
    const before = this.#learned;
    let object: ConfigMapObject | null;
    try {
      object = await api.getConfigMap(namespace, name);
      this.#readProblem = null;
    } catch (error) {
      this.#readProblem = error instanceof Error ? error.message : String(error);
      throw error;
    }
    // Versions may have gone back (a backup was played back) where nothing else was heard since this was asked.
    if (this.#learned === before || (object !== null && isNewer(object, this.#known))) this.#hand(object);
  }

  #hear(object: ConfigMapObject | null): void {
    this.#heard = object;
    if (object !== null && isNewer(object, this.#known)) this.#hand(object);
    else this.#doubt();
  }

  #learn(object: ConfigMapObject): void {
    if (isNewer(object, this.#known)) this.#hand(object);
  }

  #hand(object: ConfigMapObject | null): void {
    if (this.#closed) return;
    const before = this.#known;
    this.#known = object;
    this.#learned++;
    if (before !== undefined && isSame(before?.data ?? {}, object?.data ?? {})) return;
    // One made anew under its name: by another replica, of what that one knew.
    const isGone = before != null && object?.meta.uid !== before.meta.uid;
    this.#onValues(new Map(Object.entries(object?.data ?? {})), isGone ? 'gone' : undefined);
    if (before === undefined) this.onRead();
  }

  /** The watch says less than what is known: it lags, or what is known is no longer so. */
  #doubt(delayMs = DOUBT_MS): void {
    if (this.#closed || this.#cancelDoubt !== null || this.#agrees()) return;
    this.#cancelDoubt = this.#options.setTimer(() => {
      this.#cancelDoubt = null;
      if (!this.#agrees()) this.read().catch(() => this.#doubt(AGAIN_MS));
    }, delayMs);
  }

  #agrees(): boolean {
    const { meta: known } = this.#known ?? {};
    const { meta: heard } = this.#heard ?? {};
    return known?.uid === heard?.uid && known?.resourceVersion === heard?.resourceVersion;
  }

  #connected(isConnected: boolean): void {
    this.#connection++;
    this.#cancelCatchUp();
    if (isConnected) void this.#catchUp(this.#connection);
    else this.#setLive(false);
  }

  /** What was missed is read before anybody relies on what is known. */
  async #catchUp(connection: number): Promise<void> {
    const { random, setTimer } = this.#options;
    try {
      await this.read();
      if (connection === this.#connection) this.#setLive(true);
    } catch {
      if (connection !== this.#connection || this.#closed) return;
      this.#cancelCatchUp = setTimer(() => void this.#catchUp(connection), AGAIN_MS * (0.5 + random()));
    }
  }

  #setLive(isLive: boolean): void {
    if (isLive === this.#isLive || this.#closed) return;
    this.#isLive = isLive;
    this.onLive(isLive);
  }
}

function isNewer(object: ConfigMapObject, known: ConfigMapObject | null | undefined): boolean {
  return !known || isNewerVersion(object.meta.resourceVersion, known.meta.resourceVersion);
}

function isSame(x: Readonly<Record<string, string>>, y: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(x);
  return keys.length === Object.keys(y).length && keys.every((key) => x[key] === y[key]);
}

/** RFC 6901. */
function pathOf(key: string): string {
  return `/data/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function isKind(error: unknown, kind: KubeFailure['kind']): boolean {
  return error instanceof KubeFailure && error.kind === kind;
}
