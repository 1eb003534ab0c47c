/**
 * YAML nodes to plain JSON data. In: a document. Out: its values, what could not be read as plain data (with its path), and a way from
 * a path back to an offset in the text. Aliases are followed, but only so far that a small text cannot become a huge one.
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { Path, ValueProblem } from './problem.ts';
import { quote } from './quote.ts';
import { aliasTargets, type YamlDocument } from './yaml-text.ts';

const DEEPEST = 50;
/** A thousand CIDRs in one anchor, shared by fifty services, are 300 000 nodes. */
const MOST_ALIASED_NODES = 1_000_000;
const PLAIN_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

export class TooManyAliases extends Error {}

export class YamlValues {
  readonly root: Node | null;
  readonly #targets: ReadonlyMap<Alias, Node | null>;
  readonly problems: ValueProblem[] = [];
  readonly plain: unknown;
  /** Of maps that were asked for a key: a text of nothing but errors asks for each of its keys. */
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  #aliased = 0;

  /** Throws TooManyAliases. */
  constructor(document: YamlDocument) {
    this.root = document.contents;
    this.#targets = aliasTargets(document);
    this.plain = this.#plainOf(this.root, [], 0);
  }

  /** The node at a path, aliases followed; null where there is none. */
  nodeAt(path: Path): Node | null {
    let node = this.#followed(this.root);
    for (const step of path) node = this.#followed(this.#child(node, step)?.value ?? null);
    return node;
  }

  /** Where the value (or its key) at a path begins; of a path that leads nowhere the nearest node above. */
  offsetOf(path: Path, at: ValueProblem['at']): number {
    let node = this.#followed(this.root);
    let offset = start(node) ?? 0;
    for (const [i, step] of path.entries()) {
      const child = this.#child(node, step);
      if (child === null) break;
      const isLast = i === path.length - 1;
      offset = (isLast && at === 'key' ? null : start(child.value)) ?? start(child.key) ?? offset;
      node = this.#followed(child.value);
    }
    return offset;
  }

  #child(node: Node | null, step: string | number): { key: Node | null; value: Node | null } | null {
    if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      return { key: null, value: node.items[step] as Node | null };
    }
    if (!isMap(node) || typeof step !== 'string') return null;
    const pair = this.#pairsOf(node).get(step);
    return pair === undefined ? null : { key: pair.key as Node, value: (pair.value ?? null) as Node | null };
  }

  /** By key; the last of a key that stands twice, which is the one that is too many. */
  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known;
    const pairs = new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair]] : [])));
    this.#pairs.set(map, pairs);
    return pairs;
  }

  #followed(node: Node | null): Node | null {
    return isAlias(node) ? (this.#targets.get(node) ?? null) : node;
  }

  #plainOf(node: Node | null, path: Path, aliases: number): unknown {
    if (aliases > 0 && ++this.#aliased > MOST_ALIASED_NODES) throw new TooManyAliases();
    if (path.length > DEEPEST) {
      this.#problem(path.slice(0, 3), 'limit', 'is nested too deeply, or stands inside itself');
      return null;
    }
    if (isAlias(node)) {
      const target = this.#targets.get(node) ?? null;
      if (target === null) this.#problem(path, 'bad_value', `no anchor &${quote(node.source)} stands before this`);
      return this.#plainOf(target, path, aliases + 1);
    }
    if (node?.tag !== undefined && !PLAIN_TAG.test(node.tag)) {
      this.#problem(path, 'bad_value', `has the tag ${quote(node.tag)}; only plain values are read`);
    }
    if (isMap(node)) return this.#plainMap(node, path, aliases);
    if (isSeq(node)) return node.items.map((item, i) => this.#plainOf(item as Node | null, [...path, i], aliases));
    return isScalar(node) ? node.value : null;
  }

  #plainMap(node: YAMLMap, path: Path, aliases: number): Record<string, unknown> {
    const plain: Record<string, unknown> = {};
    const repeated = new Set<string>();
    for (const pair of node.items as Pair<Node | null, Node | null>[]) {
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      if (typeof key !== 'string') {
        const shown = key === undefined ? 'a list, an alias or keys with values' : quote(key);
        this.#problem(path, 'wrong_type', `has a key that is no text: ${shown}`);
        continue;
      }
      const at = [...path, key];
      if (Object.hasOwn(plain, key)) {
        if (repeated.has(key)) continue;
        repeated.add(key);
        this.#problem(at, 'duplicate_key', `the key ${quote(key)} stands twice here; keep one`, 'key');
      } else if (key === '__proto__') {
        this.#problem(at, 'unknown_key', `unknown key ${quote(key)}`, 'key');
      } else plain[key] = this.#plainOf(pair.value, at, aliases);
    }
    return plain;
  }

  #problem(path: Path, code: ValueProblem['code'], text: string, at: ValueProblem['at'] = 'value'): void {
    this.problems.push({ path, code, text, at });
  }
}

function start(node: Node | null): number | null {
  return node?.range?.[0] ?? null;
}
