/**
 * What there is to test, as a list: folders and heads of test files in, suites out. A test file says in its head comment
 * what it needs (`@needs nginx haproxy`: programs) and that its timing wants the machine for itself (`@alone`), or nearly
 * (`@calm`: one other suite beside it).
 * Files that say `@together NAME` are one suite, one after the other in one process, so that they can share a costly server.
 * Refuses to run anything.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Company } from './lanes.ts';

export type Tier = 'check' | 'test' | 'full';

export interface Suite {
  readonly name: string;
  /** Mocha's files, or Node's arguments for a program that answers with its exit code. */
  readonly run:
    | { readonly kind: 'mocha'; readonly files: readonly string[] }
    | { readonly kind: 'node'; readonly args: readonly string[] };
  readonly company: Company;
  /** Programs that have to be on the PATH. */
  readonly needs: readonly string[];
  readonly limitMs: number;
}

/** The longest takes 50 s where nothing else runs; on a machine with ten times its work, 180 s were seen of good ones. */
const SHORT_MS = 300_000;
/** A part of the table waits for a log in hundreds of cases, and so do thousands of unit tests: 20 to 70 s where nothing else runs. */
const TABLE_MS = 400_000;
const LONG_MS = 3_600_000;

/** The suites of a tier, those of the smaller tiers first. `root` is the checkout. */
export function suitesOf(tier: Tier, root: string): Suite[] {
  const suites = [...checks(root)];
  if (tier === 'check') return suites;
  suites.push(...grouped('golden', root));
  suites.push(...each('test/conformance', root, TABLE_MS, 'many'));
  suites.push(...grouped('docs', root));
  suites.push(...each('test/e2e', root, SHORT_MS, 'many'));
  if (tier === 'full') suites.push(...each('test/full', root, LONG_MS, 'none'));
  return suites;
}

function checks(root: string): Suite[] {
  const modules = (...path: string[]): string => join(root, 'node_modules', ...path);
  const biome = modules('@biomejs', 'biome', 'bin', 'biome');
  const program = (name: string, ...args: string[]): Suite => ({
    name,
    run: { kind: 'node', args },
    company: 'many',
    needs: [],
    limitMs: SHORT_MS,
  });
  return [
    program('types', modules('typescript', 'bin', 'tsc'), '-p', root),
    ...unitTests(root),
    program('format', biome, 'format', '--reporter=summary'),
    program('lint', biome, 'lint', '--error-on-warnings'),
    program('import rules', join(root, 'scripts', 'import-rules.ts')),
    program('house rules', join(root, 'scripts', 'house-rules.ts')),
    program('schema up to date', join(root, 'scripts', 'schema.ts'), '--check'),
    program('manifests up to date', join(root, 'scripts', 'manifests.ts'), '--check'),
  ];
}

/** Every other file: two processes of them, side by side, are done in half the time. */
function unitTests(root: string): Suite[] {
  const files = ['src', 'scripts', 'bench'].flatMap((folder) => testFiles(folder, root));
  return [0, 1].map((which) => {
    const half = files.filter((_, i) => i % 2 === which);
    return mocha(`unit ${which + 1}`, half, TABLE_MS, 'many', []);
  });
}

/** All files of a folder as one suite; none where the folder has none. */
function grouped(folder: string, root: string): Suite[] {
  const files = testFiles(`test/${folder}`, root);
  if (files.length === 0) return [];
  const heads = files.map((file) => headOf(join(root, file)));
  const needs = [...new Set(heads.flatMap((head) => head.needs))];
  const company = heads.map((head) => head.company).reduce(fewer);
  return [mocha(folder, files, SHORT_MS, company, needs)];
}

/** Each file as a suite of its own, so that the table shows where the time goes; those that belong together as one. */
function each(folder: string, root: string, limitMs: number, company: Company): Suite[] {
  const suites = new Map<string, Suite>();
  for (const file of testFiles(folder, root)) {
    const head = headOf(join(root, file));
    const own = file.slice('test/'.length, -'.test.ts'.length);
    const name = head.together === null ? own : `${dirname(own)}/${head.together}`;
    const before = suites.get(name);
    const files = [...(before === undefined ? [] : filesOf(before)), file];
    const needs = [...new Set([...(before?.needs ?? []), ...head.needs])];
    const fewest = [company, head.company, before?.company ?? 'many'].reduce(fewer);
    suites.set(name, mocha(name, files, limitMs * files.length, fewest, needs));
  }
  return [...suites.values()];
}

/** Those whose name holds one of the words; of files that run together those alone. No word: all. */
export function chosen(suites: readonly Suite[], words: readonly string[]): Suite[] {
  const isMeant = (text: string): boolean => words.length === 0 || words.some((word) => text.includes(word));
  return suites.flatMap((suite) => {
    if (isMeant(suite.name)) return [suite];
    const files = filesOf(suite).filter((file) => file.startsWith('test/') && isMeant(file.slice('test/'.length)));
    return files.length === 0 ? [] : [{ ...suite, run: { kind: 'mocha', files } }];
  });
}

function filesOf({ run }: Suite): readonly string[] {
  return run.kind === 'mocha' ? run.files : [];
}

function mocha(
  name: string,
  files: readonly string[],
  limitMs: number,
  company: Company,
  needs: readonly string[],
): Suite {
  return { name, run: { kind: 'mocha', files }, company, needs, limitMs };
}

function testFiles(folder: string, root: string): string[] {
  return existsSync(join(root, folder)) ? globSync(`${folder}/**/*.test.ts`, { cwd: root }).sort() : [];
}

/** The marks in a test file's first comment. */
export function headOf(path: string): { needs: string[]; company: Company; together: string | null } {
  const comment = /^\s*\/\*\*[\s\S]*?\*\//.exec(readFileSync(path, 'utf8'))?.[0] ?? '';
  const needs = /@needs ([a-z0-9 ,-]+)/.exec(comment)?.[1] ?? '';
  const together = /@together ([a-z0-9-]+)/.exec(comment)?.[1] ?? null;
  return { needs: needs.split(/[ ,]+/).filter(Boolean), company: companyIn(comment), together };
}

function companyIn(comment: string): Company {
  if (/@alone\b/.test(comment)) return 'none';
  return /@calm\b/.test(comment) ? 'one' : 'many';
}

function fewer(a: Company, b: Company): Company {
  return (['none', 'one'] as const).find((company) => company === a || company === b) ?? 'many';
}
