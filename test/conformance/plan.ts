/** Themes and skips in, what is to be run and what is skipped for which reason out. Runs nothing. */
import type { Case, Theme } from './theme.ts';

/** `theme: case`, and why this plane does not pass it. */
export type Skips = Readonly<Record<string, string>>;

export interface Planned {
  readonly theme: string;
  readonly cases: readonly { readonly of: Case; readonly skipped: string | null }[];
}

/** Throws on two cases of one name, on a skip of no case, and on one without a reason. */
export function plan(themes: readonly Theme[], skips: Skips): readonly Planned[] {
  const unused = new Map(Object.entries(skips));
  const names = new Set<string>();
  const planned = themes.map((theme) => ({
    theme: theme.name,
    cases: theme.cases.map((of) => {
      const name = `${theme.name}: ${of.name}`;
      if (names.has(name)) throw new Error(`two cases are named ${name}`);
      names.add(name);
      const skipped = unused.get(name) ?? null;
      if (skipped !== null && skipped.trim() === '') throw new Error(`no reason to skip ${name}`);
      unused.delete(name);
      return { of, skipped };
    }),
  }));
  if (unused.size > 0) throw new Error(`skips of no case: ${[...unused.keys()].join('; ')}`);
  return planned;
}
