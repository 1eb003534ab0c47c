/**
 * Rules of this code that neither the compiler nor the linter knows, checked over the sources' text: pure rooms read no
 * clock, chance, environment or log, and no file grows past 300 lines. Prints FILE:LINE: what is wrong, and exits 1.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const MOST_LINES = 300;

const PURE = /^src\/(migration|allocator|fallback|routing|http1|status|nginx\/text|proxy\/rewrite)\b/;

/** What a pure room may not touch: time, randomness and bytes are arguments there. */
const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/, 'reads the clock'],
  [/\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bgetRandomValues\b/, 'draws at random'],
  [/\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bnextTick\b/, 'sets a timer'],
  [/\bconsole\.\w+\(|\bpino\b/, 'writes a log'],
  [/\bprocess\.(env|argv|cwd|exit|stdout|stderr)\b/, 'reads the process'],
];

export function problemsOf(file: string, text: string): string[] {
  const problems: string[] = [];
  const lines = text.split('\n');
  if (!file.endsWith('.test.ts') && lines.length - 1 > MOST_LINES) {
    problems.push(
      `${file}:${lines.length - 1}: ${lines.length - 1} lines, at most ${MOST_LINES}: does it still hold one idea?`,
    );
  }
  if (file.endsWith('.test.ts')) return problems;
  if (!text.startsWith('/**'))
    problems.push(`${file}:1: no head comment: what comes in, what goes out, what it refuses to know`);
  if (PURE.test(file)) problems.push(...impurities(file, withoutComments(text).split('\n')));
  return problems;
}

function impurities(file: string, lines: readonly string[]): string[] {
  return lines.flatMap((line, index) =>
    IMPURE.filter(([pattern]) => pattern.test(line)).map(([, what]) => `${file}:${index + 1}: a pure file ${what}`),
  );
}

// Comments may name what the code may not; lines keep their numbers.
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
}

if (process.argv[1] === import.meta.filename) {
  const files = globSync('{src,test,bench,scripts}/**/*.{ts,mjs}', { cwd: ROOT }).sort();
  const problems = files.flatMap((file) => problemsOf(file, readFileSync(join(ROOT, file), 'utf8')));
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
