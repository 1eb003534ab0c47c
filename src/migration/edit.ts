/**
 * A new percentage in a configuration's text, and not a byte else: comments, order, quotes, indents and line ends stay. In: the text of
 * a file (a manifest too). Out: the new text, or why it cannot be done. The result is read again before it is handed out: it must
 * say exactly what the old text said but for this one value.
 */
import { isDeepStrictEqual } from 'node:util';
import { isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import { LineIndex } from './line-index.ts';
import { type ConfigText, openSource } from './manifest.ts';
import { quote } from './quote.ts';
import { formatBp, percentToBp } from './share.ts';
import { type Insertion, insertKey, replaceValue } from './text-insertion.ts';
import { TooManyAliases, YamlValues } from './yaml-values.ts';

export type Edited =
  | {
      readonly ok: true;
      readonly text: string;
      /** Null where no percentage stood there, or none that can be read. */
      readonly from: number | null;
      readonly to: number;
      /** 1-based, in the new text. */
      readonly line: number;
    }
  | {
      readonly ok: false;
      /** `refused`: the text cannot be edited safely as it is written; by hand it can. */
      readonly code: 'no_such_service' | 'bad_value' | 'refused';
      readonly message: string;
    };

/** `percentage`: 0 to 100, at most two decimals. Of several services with one name the first is meant, which is the one that serves. */
export function setPercentage(text: string, file: string, name: string, percentage: number): Edited {
  const bp = percentToBp(percentage);
  if (bp === null) {
    return no(
      'bad_value',
      `a percentage is a number from 0 to 100 with at most two decimals, not ${quote(percentage)}`,
    );
  }
  const lines = new LineIndex(text);
  const opened = openSource({ file, text, kind: 'file' }, lines);
  if (!opened.ok) {
    const { offset, text: problem } = opened.problems[0];
    return no('refused', `${file}:${lines.placeAt(offset).line}: ${problem}`);
  }
  const { config } = opened;
  const values = valuesOf(config);
  if (values === null) return no('refused', `${file}: its aliases stand for too much`);
  const index = serviceIndex(values, name);
  if (index === -1) return no('no_such_service', `${file} has no service named ${quote(name)}`);
  if (config.embedding === 'nowhere') {
    return no('refused', `${file}: migration.yaml is a quoted or folded text; write it as a block, with |`);
  }
  const insertion = insertionFor(config, values, index, formatBp(bp));
  if (typeof insertion === 'string') return no('refused', `${file}: ${quote(name)}: ${insertion}`);

  const edited = text.slice(0, insertion.start) + insertion.text + text.slice(insertion.end);
  const after = readBack(edited, file, values.plain, index, bp / 100);
  if (after === null) {
    return no('refused', `${file}: ${quote(name)}: its percentage cannot be edited safely; change it by hand`);
  }
  const before = serviceMigration(values.plain, index)?.percentage;
  const from = typeof before === 'number' && Number.isFinite(before) ? before : null;
  return { ok: true, text: edited, from, to: bp / 100, line: after.line };
}

/** What to put where, as offsets of the source; or why it cannot be. */
function insertionFor(config: ConfigText, values: YamlValues, index: number, value: string): Insertion | string {
  const services = pairOf(values.root, 'services')?.value ?? null;
  const service = isSeq(services) ? (services.items[index] as Node) : null;
  if (!isMap(service)) return 'it stands behind an alias; write it out to edit it';
  const shared = 'is shared by an anchor or alias; write it out to edit it';
  // An anchor is there to be used elsewhere, where the edit would take effect too.
  if (isShared(services) || isShared(service)) return `it ${shared}`;
  const migration = pairOf(service, 'migration');
  if (migration === null) return insertKey(config, service, `migration: { percentage: ${value} }`, ['name']);
  if (isShared(migration.value)) return `migration ${shared}`;
  if (isScalar(migration.value) && migration.value.value === null) {
    return replaceValue(config, migration, `{ percentage: ${value} }`);
  }
  if (!isMap(migration.value)) return 'migration holds no keys';
  const percentage = pairOf(migration.value, 'percentage');
  if (percentage === null) return insertKey(config, migration.value, `percentage: ${value}`, ['strategy', 'enabled']);
  if (isShared(percentage.value)) return `percentage ${shared}`;
  if (!isScalar(percentage.value) && percentage.value !== null) return 'percentage is no single value';
  return replaceValue(config, percentage, value);
}

function isShared(node: unknown): boolean {
  return isAlias(node) || (isNode(node) && 'anchor' in node && node.anchor !== undefined);
}

function pairOf(node: unknown, key: string): Pair<Node, Node | null> | null {
  if (!isMap(node)) return null;
  const found = (node as YAMLMap<Node, Node | null>).items.find((pair) => isScalar(pair.key) && pair.key.value === key);
  return found ?? null;
}

function valuesOf(config: ConfigText): YamlValues | null {
  try {
    return new YamlValues(config.document);
  } catch (error) {
    if (error instanceof TooManyAliases) return null;
    throw error;
  }
}

function serviceIndex(values: YamlValues, name: string): number {
  const services = (values.plain as { services?: unknown } | null)?.services;
  return Array.isArray(services) ? services.findIndex((service) => service?.name === name) : -1;
}

function serviceMigration(plain: unknown, index: number): { percentage?: unknown } | null {
  return (plain as { services: { migration?: { percentage?: unknown } | null }[] }).services[index].migration ?? null;
}

/** Null unless the edited text says what the old one said, with this percentage. */
function readBack(
  text: string,
  file: string,
  before: unknown,
  index: number,
  percentage: number,
): { line: number } | null {
  const lines = new LineIndex(text);
  const opened = openSource({ file, text, kind: 'file' }, lines);
  const values = opened.ok ? valuesOf(opened.config) : null;
  if (!opened.ok || values === null) return null;
  const expected = structuredClone(before) as { services: Record<string, unknown>[] };
  const service = expected.services[index];
  service.migration = { ...(service.migration as object | null | undefined), percentage };
  if (!isDeepStrictEqual(values.plain, expected)) return null;
  const offset = opened.config.toSource(values.offsetOf(['services', index, 'migration', 'percentage'], 'key'));
  return { line: lines.placeAt(offset).line };
}

function no(code: 'no_such_service' | 'bad_value' | 'refused', message: string): Edited {
  return { ok: false, code, message };
}
