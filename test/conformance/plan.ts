/**
 * Themes and the differences of a plane in, what is to be run and what has to come of it out. A difference is a case that a
 * plane is known to fail, and why: it is run like every other, so that none outlives its cause. Runs nothing.
 */
import type { Case, Theme } from './theme.ts';

/** `theme: case`, and why this plane does not pass it. */
export type Differences = Readonly<Record<string, string>>;

export interface Planned {
  readonly theme: string;
  readonly cases: readonly { readonly of: Case; readonly differs: string | null }[];
}

/** Throws on two cases of one name, on a difference in no case of these themes, and on one without a reason. */
export function plan(themes: readonly Theme[], differences: Differences): readonly Planned[] {
  const unused = new Map(Object.entries(differences));
  const names = new Set<string>();
  const planned = themes.map((theme) => ({
    theme: theme.name,
    cases: theme.cases.map((of) => {
      const name = `${theme.name}: ${of.name}`;
      if (names.has(name)) throw new Error(`two cases are named ${name}`);
      names.add(name);
      const differs = unused.get(name) ?? null;
      if (differs !== null && differs.trim() === '') throw new Error(`no reason why ${name} differs`);
      unused.delete(name);
      return { of, differs };
    }),
  }));
  if (unused.size > 0) throw new Error(`differences in no case: ${[...unused.keys()].join('; ')}`);
  return planned;
}

/** Those of these themes. */
export function differencesIn(themes: readonly Theme[], differences: Differences): Differences {
  const begins = themes.map(({ name }) => `${name}: `);
  return Object.fromEntries(Object.entries(differences).filter(([name]) => begins.some((b) => name.startsWith(b))));
}
