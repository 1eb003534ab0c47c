/**
 * One suite as a process of its own: a Suite in, a Result out. Its output is kept and shown by whoever asked for it, so that
 * suites side by side don't mix their lines. A suite that takes too long is ended with all its children, and has failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Suite } from './suites.ts';

export interface Result {
  readonly suite: Suite;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  /** Of processor time, with all processes that it started and that ended before it; null where that is not known. */
  readonly cpuSeconds: number | null;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why it was skipped, and tests that skipped themselves. */
  readonly remark: string;
  readonly output: string;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
}

const REPORTER = join(import.meta.dirname, 'mocha-reporter.mjs');
const MORE_RUNS = join(import.meta.dirname, 'more-runs.mjs');

export interface RunOptions {
  readonly root: string;
  /** Properties are tried with many more cases. */
  readonly manyRuns: 'no' | 'yes';
}

export async function runSuite(suite: Suite, { root, manyRuns }: RunOptions): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), 'migration-proxy-suite-'));
  const countsFile = join(directory, 'counts.json');
  const args = suite.run.kind === 'node' ? suite.run.args : mochaArguments(suite.run.files, root, countsFile, manyRuns);
  try {
    const { code, output, seconds, cpuSeconds, late } = await run(args, root, suite.limitMs);
    const counts = suite.run.kind === 'mocha' ? readCounts(countsFile) : null;
    const good = code === 0 && !late;
    const remark = late ? `ended after ${suite.limitMs / 1000} s` : remarkOn(counts?.skipped ?? []);
    return {
      suite,
      outcome: good ? 'passed' : 'failed',
      seconds,
      cpuSeconds,
      passed: counts?.passed ?? (good ? 1 : 0),
      // A process that died without counting is one failure at least.
      failed: good ? 0 : Math.max(1, counts?.failed ?? 1),
      skipped: counts?.skipped.length ?? 0,
      remark,
      output,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A suite that could not run: skipped by name, or failed where nothing may be missing. */
export function unrunnable(suite: Suite, reason: string, outcome: 'skipped' | 'failed'): Result {
  const failed = outcome === 'failed' ? 1 : 0;
  const nothing = { seconds: 0, cpuSeconds: null, passed: 0, output: '' };
  return { ...nothing, suite, outcome, failed, skipped: 1 - failed, remark: reason };
}

function mochaArguments(files: readonly string[], root: string, countsFile: string, manyRuns: 'no' | 'yes'): string[] {
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const more = manyRuns === 'yes' ? ['--import', MORE_RUNS] : [];
  return [...more, mocha, '--reporter', REPORTER, '--reporter-option', `counts=${countsFile}`, '--no-color', ...files];
}

/** A shell knows what its children used, and theirs, when they have ended; Node can ask that of itself alone. */
const TIMED = '"$@" 3>&-; code=$?; times >&3; exit $code';

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly seconds: number;
  readonly cpuSeconds: number | null;
  readonly late: boolean;
}

function run(args: readonly string[], cwd: string, limitMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const began = performance.now();
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
    // A group of its own (detached), so that the end of a late suite is the end of the servers it started.
    const child = spawn('/bin/sh', ['-c', TIMED, 'sh', process.execPath, ...args], {
      cwd,
      stdio: [...stdio],
      detached: true,
    });
    const times = child.stdio[3] as Readable;
    let output = '';
    let late = false;
    let timed = '';
    for (const stream of [child.stdout, child.stderr] as Readable[]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    times.setEncoding('utf8').on('data', (text: string) => {
      timed += text;
    });
    const end = (): void => endGroup(child.pid);
    process.once('exit', end);
    const timer = setTimeout(() => {
      late = true;
      end();
    }, limitMs);
    child.once('close', (code) => {
      clearTimeout(timer);
      process.off('exit', end);
      const seconds = (performance.now() - began) / 1000;
      resolve({ code, output, seconds, cpuSeconds: cpuSecondsIn(timed), late });
    });
  });
}

/** Of what `times` says, its second line: `1m2.50s 0m0.75s`, user and system time of the children. */
export function cpuSecondsIn(times: string): number | null {
  const children = times.trim().split('\n')[1] ?? '';
  const parts = Array.from(
    children.matchAll(/(\d+)m([\d.]+)s/g),
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  return parts.length === 2 ? parts[0] + parts[1] : null;
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}

function readCounts(file: string): Counts | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts;
  } catch {
    return null;
  }
}

function remarkOn(skipped: readonly string[]): string {
  if (skipped.length === 0) return '';
  const more = skipped.length > 1 ? ` and ${skipped.length - 1} more` : '';
  return `${skipped.length} skipped: ${skipped[0]}${more}`;
}
