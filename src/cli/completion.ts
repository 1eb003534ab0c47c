/**
 * What may come next on a command line. In: the tree of commands and the words so far, the last one unfinished. Out: candidates
 * that begin with that word, or what kind of thing is wanted that only others know (a service, a file). Pure.
 */
import type { Command, Option } from 'commander';

export interface Candidates {
  readonly words: readonly string[];
  readonly also: 'services' | 'files' | null;
}

const NOTHING: Candidates = { words: [], also: null };
const FILES: Candidates = { words: [], also: 'files' };

/** `words`: behind the program's own name. */
export function completionsOf(program: Command, words: readonly string[]): Candidates {
  const unfinished = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, place, open } = walk(program, before);
  const found = open === null ? next(command, place, unfinished) : valuesOf(open);
  return { ...found, words: found.words.filter((word) => word.startsWith(unfinished)) };
}

interface Place {
  readonly command: Command;
  /** How many arguments the command has got. */
  readonly place: number;
  /** The flag whose value comes next. */
  readonly open: Option | null;
}

function walk(program: Command, words: readonly string[]): Place {
  let command = program;
  let place = 0;
  let open: Option | null = null;
  for (const word of words) {
    if (open !== null) {
      open = null;
    } else if (word.startsWith('-')) {
      const option = command.options.find(({ short, long }) => word === short || word === long);
      open = option !== undefined && !option.isBoolean() ? option : null;
    } else {
      const inner = place === 0 ? command.commands.find((child) => child.name() === word) : undefined;
      if (inner === undefined) place++;
      else command = inner;
    }
  }
  return { command, place, open };
}

function next(command: Command, place: number, unfinished: string): Candidates {
  if (unfinished.startsWith('-')) return { words: flagsOf(command), also: null };
  if (command.commands.length > 0) {
    const hidden = new Set(['__complete']);
    const names = command.commands.map((child) => child.name()).filter((name) => !hidden.has(name));
    return place === 0 ? { words: names, also: null } : NOTHING;
  }
  const { registeredArguments } = command;
  const argument = registeredArguments[place] ?? registeredArguments.findLast(({ variadic }) => variadic);
  if (argument === undefined) return { words: flagsOf(command), also: null };
  if (argument.argChoices !== undefined) return { words: argument.argChoices, also: null };
  if (argument.name() === 'name') return { words: [], also: 'services' };
  return argument.name() === 'file' ? FILES : NOTHING;
}

function flagsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long }) => (long ? [long] : [])), '--help'].sort();
}

function valuesOf(option: Option): Candidates {
  if (option.argChoices !== undefined) return { words: option.argChoices, also: null };
  return /<(file|dir)>/.test(option.flags) ? FILES : NOTHING;
}
