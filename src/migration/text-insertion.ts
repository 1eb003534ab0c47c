/**
 * Where new text goes in a YAML text, as an editor with care would put it. In: the nodes and where they stand. Out: which part of the
 * source to replace by what. Whether the result reads as meant is checked by whoever asked.
 */
import { isScalar, type Node, type Pair, type YAMLMap } from 'yaml';
import type { ConfigText } from './manifest.ts';

/** Replaces the source from `start` to `end` (not included). */
export interface Insertion {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Puts a value in the place of a scalar, or behind the colon where none is written. */
export function replaceValue(config: ConfigText, pair: Pair<Node, Node | null>, text: string): Insertion | string {
  const [start, end] = pair.value?.range ?? [0, 0];
  if (pair.value !== null && end > start) return { start: config.toSource(start), end: config.toSource(end), text };
  const at = config.toSource(pair.key.range?.[1] ?? 0);
  const colon = /^[ \t]*:/.exec(config.lines.text.slice(at));
  if (colon === null) return 'no colon follows its key';
  return { start: at + colon[0].length, end: at + colon[0].length, text: ` ${text}` };
}

/**
 * Adds a key to a map. In a flow map it is the last; in a block map it gets a line of its own behind the first of `neighbours`
 * that has a plain value, so that it stands where people look for it; else before all others.
 */
export function insertKey(
  config: ConfigText,
  map: YAMLMap,
  text: string,
  neighbours: readonly string[],
): Insertion | string {
  if (map.flow) return insertInFlow(config, map, text);
  const pairs = map.items as Pair<Node, Node | null>[];
  const first = pairs[0]?.key.range?.[0];
  if (first === undefined) return 'its first key has no place';
  const { lines } = config;
  const firstOffset = config.toSource(first);
  const column = firstOffset - lines.starts[lines.lineAt(firstOffset)];
  const neighbour = neighbours
    .map((key) => pairs.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value)
    .find((value) => isScalar(value) && value.value !== null && !String(value.type).startsWith('BLOCK'));
  const end = neighbour?.range?.[1];
  if (end === undefined) {
    return {
      start: firstOffset,
      end: firstOffset,
      text: `${text}${lineEnd(config, firstOffset)}${' '.repeat(column)}`,
    };
  }
  const line = lines.lineAt(config.toSource(end));
  const at = lines.starts[line] + lines.lineText(line).length;
  return { start: at, end: at, text: `${lineEnd(config, at)}${' '.repeat(column)}${text}` };
}

function insertInFlow(config: ConfigText, map: YAMLMap, text: string): Insertion | string {
  const last = map.items.at(-1) as Pair<Node, Node | null> | undefined;
  if (last === undefined) {
    const at = config.toSource(map.range?.[0] ?? 0) + 1;
    return { start: at, end: at, text: ` ${text} ` };
  }
  const end = last.value?.range?.[1] ?? last.key.range?.[1];
  if (end === undefined) return 'its last key has no place';
  const at = config.toSource(end);
  return { start: at, end: at, text: `, ${text}` };
}

/** As the lines around end. */
function lineEnd(config: ConfigText, offset: number): string {
  const { starts, text } = config.lines;
  const line = config.lines.lineAt(offset);
  const end = starts[line + 1] ?? starts[line];
  return text.slice(end - 2, end) === '\r\n' ? '\r\n' : '\n';
}
