/**
 * A page of documentation as data: its fenced blocks and the cells of its tables. In: a path from the repository's root. Out: what
 * tests hold against the product. Knows nothing of what the pages say.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../support/cli.ts';

export interface Block {
  /** What stands behind the fence, such as `yaml`. */
  readonly info: string;
  readonly text: string;
}

export function pageText(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info, inner]) => ({ info, text: inner }));
}

/** The part below a heading, up to the next heading of any depth. Throws where there is no such heading. */
export function sectionOf(text: string, title: string): string {
  const [, after] = text.split(new RegExp(`^#+ ${title.replace(/[.*+?^$|()[\]{}]/g, '\\$&')}\n`, 'm'));
  if (after === undefined) throw new Error(`no heading ${title}`);
  return after.split(/^#+ /m)[0];
}

/** The rows of all tables in a text, without their heads; cells trimmed, with `\|` read as `|`. */
export function rowsOf(text: string): string[][] {
  return text.split('\n').flatMap((line, i, lines) => {
    const isRow = line.startsWith('|') && !/^\|[-| ]+\|$/.test(line) && !/^\|[-| ]+\|$/.test(lines[i + 1] ?? '');
    if (!isRow) return [];
    const cells = line.slice(1, -1).split(/(?<!\\)\|/);
    return [cells.map((cell) => cell.trim().replaceAll('\\|', '|'))];
  });
}

/** What stands in backquotes. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
}
