/**
 * Which room may import which: the pure core stays pure, packages of the shell end at the shell, and there are no circles.
 * Sources' text in, FILE:LINE: what is wrong out; as a program it exits 1. (dependency-cruiser 18 and the other tools of
 * its kind read no .ts where TypeScript 7 is installed, and then find nothing wrong.)
 */
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';

interface Import {
  readonly line: number;
  /** A file of ours relative to the root, `node:NAME`, or a package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Pure rooms, each with the other rooms that it may import. Type imports count as well. */
const PURE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  migration: [],
  allocator: ['migration'],
  fallback: ['migration'],
  routing: ['migration', 'allocator', 'fallback'],
  http1: [],
  status: ['migration', 'allocator', 'fallback', 'routing'],
};
const PURE_FILES = /^src\/(proxy\/rewrite\.ts|nginx\/text\/)/;

/** Modules that are arithmetic on what they are given. */
const PURE_BUILTINS = ['node:buffer', 'node:crypto', 'node:util', 'node:assert', 'node:querystring'];

/** Packages that only the named folder may import. */
const HOMES: readonly (readonly [RegExp, RegExp])[] = [
  [/^@kubernetes\/client-node$/, /^src\/kubernetes\//],
  [/^(express|prom-client|http-proxy-middleware)$/, /^src\/admin\//],
  [/^commander$/, /^src\/cli\//],
  [/^handlebars$/, /^src\/nginx\/text\//],
  [/^(zod|yaml)$/, /^src\/(migration|cli|kubernetes)\//],
  [/^(ip-cidr|murmurhash3js|re2js)$/, /^src\/(migration|allocator)\//],
];
const SHELL_PACKAGES = /^(express|prom-client|pino|commander|http-proxy-middleware|@kubernetes\/client-node)$/;

/** `files`: text by path relative to the root, `/` between folders; all sources of the product, tests left out. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const graph = new Map([...files].map(([file, text]) => [file, importsOf(file, text)]));
  const problems: string[] = [];
  for (const [file, imports] of graph) {
    for (const { line, to } of imports) {
      const problem = problemWith(file, to, files);
      if (problem !== null) problems.push(`${file}:${line}: ${problem}`);
    }
  }
  return [...problems, ...circles(graph)];
}

function problemWith(file: string, to: string, files: ReadonlyMap<string, string>): string | null {
  if (to.startsWith('src/')) return files.has(to) ? problemBetween(file, to) : `${to} is not there`;
  if (to.startsWith('../') || to.startsWith('test/')) return `${to} is not part of the product`;
  const pure = roomOf(file) in PURE_ROOMS || PURE_FILES.test(file);
  if (to.startsWith('node:')) return pure && !PURE_BUILTINS.includes(to) ? `a pure file imports ${to}` : null;
  if (pure && SHELL_PACKAGES.test(to)) return `a pure file imports ${to}`;
  const home = HOMES.find(([name]) => name.test(to))?.[1];
  return home === undefined || home.test(file)
    ? null
    : `${to} belongs into ${home.source.replace(/[\^\\]/g, '')} alone`;
}

function problemBetween(file: string, to: string): string | null {
  const [from, target] = [roomOf(file), roomOf(to)];
  if (from === target) return null;
  const allowed = PURE_ROOMS[from];
  if (allowed !== undefined && !allowed.includes(target)) {
    return `${from} imports ${target}, may import ${allowed.join(', ') || 'no other room'}`;
  }
  if (target === 'cli') return 'the command line is the outermost room: nobody imports it';
  const planes = ['proxy', 'nginx'];
  if (planes.includes(from) && planes.includes(target)) return 'the two data planes never import each other';
  return null;
}

/** Imports, re-exports and `import('...')` in the form in which the formatter leaves them. */
export function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const statement = /^(?:import|export)\b([^'";]*?\bfrom\s*)?\s*'([^']+)'|\bimport\('([^']+)'\)/gm;
  for (const match of text.matchAll(statement)) {
    const [, clause = '', fixed, dynamic] = match;
    const line = text.slice(0, match.index).split('\n').length;
    const names =
      clause
        .match(/\{([^}]*)\}/)?.[1]
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean) ?? [];
    const namesTypes = /^\s*\{/.test(clause) && names.length > 0 && names.every((name) => name.startsWith('type '));
    found.push({ line, to: resolve(file, fixed ?? dynamic), typeOnly: /^\s*type\b/.test(clause) || namesTypes });
  }
  return found;
}

function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier);
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function roomOf(file: string): string {
  return file.split('/')[1] ?? '';
}

/** Circles of imports that exist at run time; each named once, from its first file in the alphabet. */
function circles(graph: ReadonlyMap<string, readonly Import[]>): string[] {
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      const circle = path.slice(start);
      const first = circle.indexOf([...circle].sort()[0]);
      const turned = [...circle.slice(first), ...circle.slice(0, first)];
      found.add(`${turned[0]}:1: imports itself: ${[...turned, turned[0]].join(' -> ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const { to, typeOnly } of graph.get(file) ?? []) if (!typeOnly) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return [...found];
}

if (process.argv[1] === import.meta.filename) {
  const root = join(import.meta.dirname, '..');
  const names = globSync('src/**/*.ts', { cwd: root }).filter((name) => !name.endsWith('.test.ts'));
  const problems = violations(new Map(names.sort().map((name) => [name, readFileSync(join(root, name), 'utf8')])));
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
