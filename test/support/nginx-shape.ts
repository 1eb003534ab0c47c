/**
 * What may not change in an nginx configuration when a value does: the tree of directives with their names and numbers of
 * arguments, whatever their order, and the comments. Keys of tables are values, so a row is a row.
 */
import type { Directive, NginxTree } from './nginx-tokens.ts';

/** The words that are not keys, in each kind of table. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  map: ['default', 'volatile', 'hostnames', 'include'],
  geo: ['default', 'ranges', 'delete', 'proxy', 'proxy_recursive', 'include'],
  split_clients: [],
  types: [],
};

/** Each directive as its path, sorted; two texts with equal shapes differ in values alone. */
export function shapeOf({ directives, comments }: NginxTree): string[] {
  return [...blockShape(directives, '', null), ...comments.map((text) => `#${text}`)].sort();
}

function blockShape(block: readonly Directive[], path: string, words: readonly string[] | null): string[] {
  return block.flatMap((directive) => {
    const [name, ...rest] = directive.words;
    const said = words === null || words.includes(name) ? name : 'row';
    const here = `${path}/${said}(${rest.length})`;
    if (directive.block === null) return [`${here};`];
    return [`${here}{${directive.block.length}}`, ...blockShape(directive.block, here, TABLES[name] ?? null)];
  });
}
