/**
 * What is known of the selected objects, by `namespace/name`. In: lists, events of a watch, answers to our own changes, in whatever
 * order they arrive. Out: whether anything is different now. Versions of one server are compared as integers; a list is the truth, also
 * where it goes back (a server restored from a backup), except for what changed while it was on its way.
 */
import type { ConfigMapObject } from './api.ts';

export class ObjectSet {
  #objects: ReadonlyMap<string, ConfigMapObject> = new Map();
  /** Last versions of objects that went, so that an older word of them does not bring them back. Since the last list. */
  readonly #gone = new Map<string, string>();
  /** Versions in which objects changed or went while a list is on its way. Null: none is. */
  #since: Map<string, string> | null = null;
  #lists = 0;
  #begun = 0;
  #taken = 0;

  /** The same map until something changes. */
  get objects(): ReadonlyMap<string, ConfigMapObject> {
    return this.#objects;
  }

  /** Before a list is asked for; the returned function takes what it said (null: it failed). True: something changed. */
  beginList(): (items: readonly ConfigMapObject[] | null) => boolean {
    const number = ++this.#begun;
    this.#lists++;
    this.#since ??= new Map();
    return (items) => {
      const since = this.#since ?? new Map<string, string>();
      if (--this.#lists === 0) this.#since = null;
      // A list that was asked for before one that is here already says nothing new.
      if (items === null || number < this.#taken) return false;
      this.#taken = number;
      return this.#replace(items, since);
    };
  }

  /** Added or modified. False: it was known, or is older than what is known. */
  put(object: ConfigMapObject): boolean {
    const key = keyOf(object);
    const known = this.#objects.get(key)?.meta.resourceVersion ?? this.#gone.get(key);
    if (known !== undefined && !isNewer(object.meta.resourceVersion, known)) return false;
    this.#objects = new Map(this.#objects).set(key, object);
    this.#since?.set(key, object.meta.resourceVersion);
    this.#gone.delete(key);
    return true;
  }

  /** `object`: its last version. False: it is not here, or a newer one is (made anew under the same name, too). */
  remove(object: ConfigMapObject): boolean {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    const newest = known?.meta.resourceVersion ?? this.#gone.get(key);
    if (newest !== undefined && isNewer(newest, object.meta.resourceVersion)) return false;
    this.#gone.set(key, object.meta.resourceVersion);
    this.#since?.set(key, object.meta.resourceVersion);
    if (known === undefined) return false;
    const objects = new Map(this.#objects);
    objects.delete(key);
    this.#objects = objects;
    return true;
  }

  #replace(items: readonly ConfigMapObject[], since: ReadonlyMap<string, string>): boolean {
    const listed = new Map(items.map((item) => [keyOf(item), item]));
    for (const [key, version] of since) {
      const item = listed.get(key);
      if (item !== undefined && isNewer(item.meta.resourceVersion, version)) continue;
      const known = this.#objects.get(key);
      if (known === undefined) listed.delete(key);
      else listed.set(key, known);
    }
    for (const key of this.#gone.keys()) if (!since.has(key)) this.#gone.delete(key);
    const isSame =
      listed.size === this.#objects.size &&
      [...listed].every(([key, item]) => isSameVersion(item, this.#objects.get(key)));
    if (!isSame) this.#objects = listed;
    return !isSame;
  }
}

export function keyOf({ meta }: ConfigMapObject): string {
  return `${meta.namespace}/${meta.name}`;
}

/** Versions are opaque in theory and integers of one counter in every server there is; others are only ever different. */
export function isNewer(version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) return version !== than;
  return version.length === than.length ? version > than : version.length > than.length;
}

function isSameVersion(x: ConfigMapObject, y: ConfigMapObject | undefined): boolean {
  return y !== undefined && x.meta.uid === y.meta.uid && x.meta.resourceVersion === y.meta.resourceVersion;
}
