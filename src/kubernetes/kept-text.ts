/**
 * One text of ours that outlives every pod, kept in a ConfigMap: the last good configuration, or the history. In: the newest text
 * whenever it changes, and whether this replica is the one that writes. Out: what stands there, and one write at a time: the
 * newest, never over a version that nobody here has read, never over a format that a later version of ours wrote.
 */
import type { SetTimer } from '../checks/schedule.ts';
import type { Log } from '../controller/log.ts';
import { type ConfigMapObject, type KubeApi, KubeFailure, type NewConfigMap } from './api.ts';

export interface KeptTextOptions {
  readonly api: Pick<KubeApi, 'getConfigMap' | 'createConfigMap' | 'patchConfigMap'>;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly form: KeptForm;
  /** Between two writes. */
  readonly leastPauseMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly setTimer: SetTimer;
  readonly log: Log;
  /** Whether this replica writes: asked before each write. */
  readonly mayWrite: () => boolean;
  /** What was read before a write that is another text than the last one that is known here. */
  readonly onFound?: (text: string) => void;
  /** It was written, so that others can know it. */
  readonly onKept?: (text: string) => void;
}

/** How a text stands in an object. */
export interface KeptForm {
  /** For messages: `the last good configuration`. */
  readonly what: string;
  toObject(text: string): Promise<Pick<NewConfigMap, 'data' | 'binaryData'>>;
  fromObject(object: ConfigMapObject): Promise<Kept>;
}

export type Kept =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'damaged'; readonly why: string }
  /** `foreign`: of a format that is not ours to overwrite. */
  | { readonly kind: 'none' | 'foreign' };

/** The API server takes 1 MiB of values; metadata and JSON around them are beside that. */
const MOST_BYTES = 1024 * 1024;
const FIRST_AGAIN_MS = 1_000;
const MOST_AGAIN_MS = 60_000;
/** Failures in a row, a quarter of a minute, of an API server that is away for a moment: others tell that it is. */
const PATIENCE = 4;

interface Known {
  readonly text: string | null;
  /** Null: there is no object. */
  readonly version: string | null;
}

export class KeptText {
  readonly #options: KeptTextOptions;
  /** Makes the newest text; null: nothing to write. */
  #pending: (() => string) | null = null;
  /** As read or written last; undefined: not known. */
  #known: Known | undefined;
  #writing: Promise<void> | null = null;
  #cancelWait: (() => void) | null = null;
  #failures = 0;
  #isReported = false;
  #closed = false;

  constructor(options: KeptTextOptions) {
    this.#options = options;
  }

  /** For messages. */
  get what(): string {
    return this.#options.form.what;
  }

  /** Null: there is none that makes sense. Rejects with KubeFailure where it cannot be read, with ForeignFormat where it may not. */
  async read(): Promise<string | null> {
    return (await this.#readKnown()).text;
  }

  /** As `read`, at any moment: a write that is under way goes on from what it knew. */
  async peek(): Promise<string | null> {
    return (await this.#fetch()).text;
  }

  async #readKnown(): Promise<Known> {
    this.#known = undefined;
    const known = await this.#fetch();
    this.#known = known;
    return known;
  }

  async #fetch(): Promise<Known> {
    const { api, form, log, name, namespace } = this.#options;
    const object = await api.getConfigMap(namespace, name);
    const kept: Kept = object === null ? { kind: 'none' } : await form.fromObject(object);
    if (kept.kind === 'foreign') throw new ForeignFormat(this.#where);
    if (kept.kind === 'damaged') {
      log.warn(
        { code: 'kept_damaged' },
        `${this.#where} is damaged (${kept.why}): going on without ${form.what} that it held`,
      );
    }
    return { text: kept.kind === 'text' ? kept.text : null, version: object?.meta.resourceVersion ?? null };
  }

  /** The text has changed; `textNow` is asked for when it can be written. */
  save(textNow: () => string): void {
    this.#pending = textNow;
    this.#begin();
  }

  /** This replica writes from now on: what was kept meanwhile is another's, so it is read first. */
  takeOver(): void {
    this.#known = undefined;
    this.#begin();
  }

  /** Writes what is pending, without waiting for what fails. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWait();
    await this.#writing;
    if (this.#pending !== null && this.#options.mayWrite()) await this.#writeOnce().catch(() => {});
  }

  #begin(): void {
    if (this.#writing !== null || this.#cancelWait !== null || this.#closed || this.#pending === null) return;
    if (!this.#options.mayWrite()) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
    });
  }

  async #write(): Promise<void> {
    let pauseMs = this.#options.leastPauseMs;
    try {
      await this.#writeOnce();
      this.#recovered();
    } catch (error) {
      pauseMs = Math.max(pauseMs, this.#againMs());
      this.#failed(error);
    }
    if (this.#closed) return;
    this.#cancelWait = this.#options.setTimer(() => {
      this.#cancelWait = null;
      this.#begin();
    }, pauseMs);
  }

  async #writeOnce(): Promise<void> {
    const { form, mayWrite, onFound } = this.#options;
    let known = this.#known;
    if (known === undefined) {
      known = await this.#readKnown();
      if (known.text !== null) onFound?.(known.text);
    }
    if (!mayWrite()) return;
    const textNow = this.#pending;
    if (textNow === null) return;
    this.#pending = null;
    try {
      const text = textNow();
      if (text === known.text) return;
      const values = await form.toObject(text);
      const bytes = bytesOf(values);
      if (bytes > MOST_BYTES)
        throw new KubeFailure('too_large', `it has ${bytes} bytes, and an object takes ${MOST_BYTES}`);
      await this.#put(text, values, known.version);
      this.#options.onKept?.(text);
    } catch (error) {
      this.#pending ??= textNow;
      throw error;
    }
  }

  /** Only over the version that was read: whoever wrote meanwhile is read first. */
  async #put(
    text: string,
    values: Pick<NewConfigMap, 'data' | 'binaryData'>,
    resourceVersion: string | null,
  ): Promise<void> {
    const { api, labels, name, namespace } = this.#options;
    try {
      const object =
        resourceVersion === null
          ? await api.createConfigMap({ namespace, name, labels, ...values })
          : await api.patchConfigMap(namespace, name, {
              kind: 'merge',
              body: { metadata: { resourceVersion, labels }, ...values },
            });
      this.#known = { text, version: object.meta.resourceVersion };
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
  }

  #againMs(): number {
    const againMs = Math.min(FIRST_AGAIN_MS * 2 ** this.#failures, MOST_AGAIN_MS);
    this.#failures++;
    return againMs * (0.5 + this.#options.random() / 2);
  }

  /** Once for each run of failures. A race with another writer is none, and what may pass is given a moment. */
  #failed(error: unknown): void {
    if (!(error instanceof KubeFailure || error instanceof ForeignFormat)) throw error;
    if (error instanceof KubeFailure && (error.kind === 'conflict' || error.kind === 'exists')) return;
    const isLasting = error instanceof ForeignFormat || error.kind === 'forbidden' || error.kind === 'too_large';
    if (this.#isReported || (!isLasting && this.#failures <= PATIENCE)) return;
    this.#isReported = true;
    const { form, log } = this.#options;
    const isTooLarge = error instanceof KubeFailure && error.kind === 'too_large';
    const what = isTooLarge ? `does not fit into ${this.#where}` : `cannot be kept in ${this.#where}`;
    const cure = isTooLarge
      ? 'what is kept already stays; fewer services with one --instance fit, or give --state-dir a volume that outlives pods'
      : 'trying again';
    log.warn({ code: 'not_kept' }, `${form.what} ${what}: ${error.message}; ${cure}`);
  }

  #recovered(): void {
    if (this.#isReported) this.#options.log.info({}, `${this.#options.form.what} is kept again`);
    this.#failures = 0;
    this.#isReported = false;
  }

  get #where(): string {
    return `the ConfigMap ${this.#options.namespace}/${this.#options.name}`;
  }

  #stopWait(): void {
    this.#cancelWait?.();
    this.#cancelWait = null;
  }
}

/** Another version's: not read, and not overwritten. */
export class ForeignFormat extends Error {
  constructor(where: string) {
    super(`${where} has a format that this version does not know, and leaves alone`);
  }
}

function bytesOf({ data = {}, binaryData = {} }: Pick<NewConfigMap, 'data' | 'binaryData'>): number {
  const texts = Object.values(data).map((text) => Buffer.byteLength(text));
  const bytes = Object.values(binaryData).map((base64) => Buffer.byteLength(base64, 'base64'));
  return [...texts, ...bytes].reduce((sum, length) => sum + length, 0);
}
