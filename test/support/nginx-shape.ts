/**
 * What may not change in an nginx configuration when a value does: the tree of directives with their names and numbers of
 * arguments, whatever their order, and the comments. Keys of tables are values, so a row is a row.
 */
import type { Directive, NginxTree } from './nginx-tokens.ts';

const TABLES = ['map', 'geo', 'split_clients', 'types'];
const TABLE_WORDS = ['default', 'volatile', 'hostnames', 'include', 'proxy', 'proxy_recursive', 'ranges', 'delete'];

/** Each directive as its path, sorted; two texts with equal shapes differ in values alone. */
export function shapeOf({ directives, comments }: NginxTree): string[] {
  return [...blockShape(directives, '', false), ...comments.map((text) => `#${text}`)].sort();
}

function blockShape(block: readonly Directive[], path: string, isTable: boolean): string[] {
  return block.flatMap(({ words, block: inner }) => {
    const [name, ...rest] = words;
    const said = isTable && !TABLE_WORDS.includes(name) ? 'row' : name;
    const here = `${path}/${said}(${rest.length})${inner === null ? ';' : ''}`;
    return inner === null ? [here] : [`${here}{${inner.length}}`, ...blockShape(inner, here, TABLES.includes(name))];
  });
}
