/**
 * ConfigMaps as sources of configuration: one by its name, or all with certain labels. In: a KubeApi, time, timers, and how to
 * write an edit. Out: what each ConfigMap's `migration.yaml` says, in batches of what changed together; what is gone, and what is
 * gone so long that it is dropped. Refuses to know what is served.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { SetTimer } from '../checks/schedule.ts';
import { readConfiguration } from '../controller/config-reader.ts';
import type { ConfigSource, EditResult, OnReads, PercentageEdit } from '../controller/config-source.ts';
import type { Log } from '../controller/log.ts';
import type { SourceRead } from '../migration/candidates.ts';
import { type ReadResult, unreadableSource } from '../migration/parse.ts';
import { type ConfigMapObject, type KubeApi, KubeFailure, type Selection } from './api.ts';
import { CONFIG_KEY, orderOf, versionOf } from './config-map-version.ts';
import { FairTurns, type Waiting } from './fair-turns.ts';
import { keyOf } from './object-set.ts';
import { type Connection, Reflector } from './reflector.ts';

export interface ConfigMapSourceOptions {
  readonly api: KubeApi;
  readonly selection: Selection;
  /** Epoch ms. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  readonly log: Log;
  /** Writes into one of `objects` (by `namespace/name`) and gives what the API answered to `learn`. */
  readonly edit: (
    edit: PercentageEdit,
    objects: ReadonlyMap<string, ConfigMapObject>,
    learn: (object: ConfigMapObject) => void,
  ) => Promise<EditResult>;
  readonly onConnection?: (connection: Connection) => void;
  /** Of texts that are read before what was read goes live. */
  readonly mostChars?: number;
}

/** Some tenths of a second of the worst texts. Longer ones are read alone. */
const MOST_CHARS = 128 * 1024;
/** Under a selector, a ConfigMap that went is waited for so long. */
const DROP_AFTER_MS = 10 * 60_000;

/** Its text has changed. */
interface Unread extends Waiting {
  readonly id: string;
  readonly object: ConfigMapObject;
  readonly text: string;
}

/** What was handed over of one ConfigMap last. */
interface Known {
  readonly order: string;
  /** Null: gone, or only known from a former process. */
  readonly object: ConfigMapObject | null;
  readonly read: ReadResult | 'gone' | null;
  /** Number of the turn in which its text was read last; -1: never. */
  readonly turn: number;
  /** Calls the timer off that drops it. */
  readonly keep: () => void;
}

export class ConfigMapSource implements ConfigSource {
  readonly label: string;
  readonly #options: ConfigMapSourceOptions;
  readonly #reflector: Reflector;
  readonly #known = new Map<string, Known>();
  /** Batches one after the other: the next begins when the one before is live. */
  #batches: Promise<void> = Promise.resolve();
  #onReads: OnReads = async () => {};
  #foreign: readonly string[] = [];
  #isListed = false;
  /** All that there was at the beginning was handed over, together. */
  #isBegun = false;
  readonly #turns = new FairTurns();
  #waitsFor = '';
  #isClosed = false;

  constructor(options: ConfigMapSourceOptions) {
    const { api, selection, now, random, setTimer, log, onConnection } = options;
    this.#options = options;
    this.label = labelOf(selection);
    this.#reflector = new Reflector({
      api,
      selection,
      now,
      random,
      setTimer,
      onObjects: () => {
        this.#isListed = true;
        this.#enqueue(() => this.#takeObjects());
      },
      ...(onConnection === undefined ? {} : { onConnection }),
      onFault: (error) => log.error({ err: error, source: this.label }, 'a fault of the proxy while it took objects'),
    });
  }

  /** What is known of the API server, for `/status`. */
  apiServer(): Connection {
    return this.#reflector.connection;
  }

  async start(onReads: OnReads, known: readonly string[]): Promise<void> {
    this.#onReads = onReads;
    // What a former process took from elsewhere is not waited for once this source has spoken.
    const isOurs = (id: string) => (this.#isOne ? id === this.label : id.startsWith('configmap:'));
    this.#foreign = known.filter((id) => !isOurs(id));
    for (const id of known.filter(isOurs)) {
      this.#known.set(id, { order: '', object: null, read: null, turn: -1, keep: () => {} });
    }
    await this.#reflector.start();
    if (!this.#isListed) this.#enqueue(() => this.#takeAbsence(known));
    await this.#batches;
  }

  async reread(): Promise<void> {
    try {
      await this.#reflector.relist();
    } catch (error) {
      this.#options.log.warn({ source: this.label, problem: messageOf(error) }, 'the configuration cannot be read now');
    }
    await this.#caughtUp([...this.#presentObjects().keys()]);
  }

  async setPercentage(edit: PercentageEdit): Promise<EditResult> {
    if (!this.#isListed) return { ok: false, code: 'unavailable', message: `${this.label} has not been read yet` };
    const learned: string[] = [];
    let result: EditResult;
    try {
      result = await this.#options.edit(edit, this.#reflector.objects, (object) => {
        learned.push(`configmap:${keyOf(object)}`);
        this.#reflector.learn(object);
      });
    } catch (error) {
      if (!(error instanceof KubeFailure)) throw error;
      return { ok: false, code: error.kind === 'forbidden' ? 'refused' : 'unavailable', message: error.message };
    }
    if (result.ok && edit.mode === 'write' && learned.length === 0) await this.reread();
    await this.#caughtUp(learned);
    return result;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#reflector.close();
    for (const { keep } of this.#known.values()) keep();
    await this.#batches;
  }

  get #isOne(): boolean {
    return this.#options.selection.kind === 'one';
  }

  #enqueue(batch: () => Promise<void>): void {
    this.#batches = this.#batches.then(async () => {
      try {
        if (!this.#isClosed) await batch();
      } catch (error) {
        this.#options.log.error({ err: error, source: this.label }, 'a fault of the proxy while it took configuration');
      }
    });
  }

  /** The server could not be asked: what a former process left is served, and the reason is in its errors. */
  async #takeAbsence(known: readonly string[]): Promise<void> {
    if (this.#isListed) return;
    const problem = this.#reflector.connection.problem ?? 'the API server does not answer';
    const waits = known.length > 0 ? 'serves what it last read and goes on trying' : 'not ready, and goes on trying';
    this.#options.log.warn({ source: this.label, problem }, `the configuration cannot be read: ${waits}`);
    const reads = known.map((id, i): SourceRead => {
      return { id, read: unreadableSource(id, problem), order: String(i).padStart(9, '0') };
    });
    if (reads.length > 0) await this.#onReads(reads);
  }

  /** Resolves when these are live as they are now, or newer: however long others wait behind them. */
  async #caughtUp(ids: readonly string[]): Promise<void> {
    const { next } = this.#turns;
    const now = this.#presentObjects();
    const waits = (id: string): boolean => {
      const { object, turn = -1 } = this.#known.get(id) ?? {};
      return turn < next && object !== now.get(id) && object !== this.#presentObjects().get(id);
    };
    for (let batches: Promise<void> | null = null; batches !== this.#batches && !this.#isClosed; ) {
      batches = this.#batches;
      await batches;
      if (!ids.some(waits)) return;
    }
  }

  /** Those with a text, by id. */
  #presentObjects(): ReadonlyMap<string, ConfigMapObject> {
    const objects = [...this.#reflector.objects.values()].filter(({ data }) => data[CONFIG_KEY] !== undefined);
    return new Map(objects.map((object) => [`configmap:${keyOf(object)}`, object]));
  }

  /** Of the newest set what has changed, as much as is read soon; nothing where a batch before has taken it already. */
  async #takeObjects(): Promise<void> {
    const present = this.#presentObjects();
    const reads: SourceRead[] = this.#foreign.map((id) => ({ id, read: 'dropped' }));
    this.#foreign = [];
    const unread: Unread[] = [];
    for (const [id, object] of present) {
      const known = this.#known.get(id);
      if (known?.object === object) continue;
      const text = object.data[CONFIG_KEY] ?? '';
      const isSame = known?.object?.data[CONFIG_KEY] === text && known.read !== null && known.read !== 'gone';
      if (isSame) reads.push(this.#present(id, object, known.read as ReadResult, known.turn));
      else unread.push({ id, object, text, namespace: object.meta.namespace, turn: known?.turn ?? -1 });
    }
    const { taken, isAll } = await this.#readSome(unread);
    // A thousand texts take longer than whoever ends us waits.
    if (this.#isClosed) return;
    reads.push(...taken);
    for (const [id, known] of this.#known) {
      if (!present.has(id) && known.read !== 'gone') reads.push(this.#gone(id, known));
    }
    this.#isBegun = true;
    this.#turns.retain(new Set(Array.from(present.values(), ({ meta }) => meta.namespace)));
    this.#tellWaiting(this.#reflector.objects);
    if (reads.length > 0) await this.#onReads(reads);
    if (!isAll) this.#enqueue(() => this.#takeObjects());
  }

  /** At first all: what is handed over then is all that is served. */
  async #readSome(
    unread: readonly Unread[],
  ): Promise<{ readonly taken: readonly SourceRead[]; readonly isAll: boolean }> {
    const taken: SourceRead[] = [];
    const { mostChars = MOST_CHARS } = this.#options;
    let chars = 0;
    for (const { id, object, text, namespace } of this.#turns.inOrder(unread)) {
      chars += text.length;
      if (this.#isClosed || (this.#isBegun && taken.length > 0 && chars > mostChars)) return { taken, isAll: false };
      const read = await readText(id, text);
      taken.push(this.#present(id, object, read, this.#turns.take(namespace)));
    }
    return { taken, isAll: true };
  }

  #present(id: string, object: ConfigMapObject, read: ReadResult, turn: number): SourceRead {
    this.#known.get(id)?.keep();
    const order = orderOf(object);
    this.#known.set(id, { order, object, read, turn, keep: () => {} });
    return { id, read, order, version: versionOf(object) };
  }

  /** After all that is there: a service that another source has too is that one's now, on every replica alike. */
  #gone(id: string, { order, turn }: Known): SourceRead {
    const { setTimer } = this.#options;
    const drop = () => this.#enqueue(() => this.#drop(id));
    const keep = this.#isOne ? () => {} : setTimer(drop, DROP_AFTER_MS);
    this.#known.set(id, { order, object: null, read: 'gone', turn, keep });
    return { id, read: 'gone', order: `~${order}` };
  }

  async #drop(id: string): Promise<void> {
    if (this.#known.get(id)?.read !== 'gone') return;
    this.#known.delete(id);
    await this.#onReads([{ id, read: 'dropped' }]);
  }

  /** Said once, until it is something else. */
  #tellWaiting(objects: ReadonlyMap<string, ConfigMapObject>): void {
    const isThere = [...this.#known.values()].some(({ read }) => read !== 'gone' && read !== null);
    const waitsFor = isThere ? '' : missing(this.#options.selection, objects);
    if (waitsFor === this.#waitsFor) return;
    this.#waitsFor = waitsFor;
    if (waitsFor !== '') this.#options.log.warn({ source: this.label }, `waits for ${waitsFor}`);
  }
}

function missing(selection: Selection, objects: ReadonlyMap<string, ConfigMapObject>): string {
  if (selection.kind === 'labelled') {
    return `a ConfigMap labelled ${selection.labels} with the key ${CONFIG_KEY}, in ${selection.namespace ?? 'any namespace'}`;
  }
  const what = `ConfigMap ${selection.namespace}/${selection.name}`;
  return objects.size > 0 ? `the key ${CONFIG_KEY} in ${what}` : `${what}, which does not exist`;
}

function labelOf(selection: Selection): string {
  if (selection.kind === 'one') return `configmap:${selection.namespace}/${selection.name}`;
  return selection.namespace === null
    ? `selector:${selection.labels}`
    : `selector:${selection.namespace}:${selection.labels}`;
}

/** Between two texts the process serves requests: a selector may find a thousand. */
async function readText(id: string, text: string): Promise<ReadResult> {
  await breathe();
  try {
    return await readConfiguration({ file: id, text, kind: 'configmap' });
  } catch (error) {
    return unreadableSource(id, `cannot be read: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
