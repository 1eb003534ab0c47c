/**
 * One program out of a Go module, built where there is no checkout of it: the module's name and version in, a file out.
 * The module's own go.mod and go.sum are used, so that every dependency is the one its project tested, guarded by a checksum;
 * only what go.mod takes from the folder next door (staging) comes from the published module. Refuses to know what is built.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Go } from './go-toolchain.ts';

export interface GoModule {
  readonly module: string;
  /** As `v1.2.3`. */
  readonly version: string;
  /** Of modules that go.mod takes from a folder and names with version v0.0.0. */
  readonly stagingVersion?: string;
  /** Variables of the program that its project's own build sets, as `path/to/package.name=value`. */
  readonly variables?: readonly string[];
}

const FETCH_LIMIT_MS = 300_000;
/** Measured: kube-apiserver takes 6 minutes on two cores. */
const BUILD_LIMIT_MS = 2_400_000;

/** `target` is there and whole, or a reason comes back. `path`: the package's, within the module, as `./cmd/x`. */
export async function buildGoProgram(go: Go, from: GoModule, path: string, target: string): Promise<string | null> {
  const scratch = mkdtempSync(join(tmpdir(), 'migration-proxy-go-build-'));
  try {
    writeFileSync(join(scratch, 'go.mod'), 'module scratch\n');
    const name = `${from.module}@${from.version}`;
    const fetched = await run(go, ['mod', 'download', '-json', name], scratch, FETCH_LIMIT_MS);
    if (typeof fetched !== 'string') return `${name} was not fetched: ${fetched.problem}`;
    const { Dir: sources } = JSON.parse(fetched) as { readonly Dir: string };
    const modfile = join(scratch, 'build.mod');
    writeFileSync(modfile, withoutFolders(readFileSync(join(sources, 'go.mod'), 'utf8'), from.stagingVersion));
    writeFileSync(join(scratch, 'build.sum'), readFileSync(join(sources, 'go.sum')));
    const built = join(scratch, basename(target));
    const settings = ['-s', '-w', ...(from.variables ?? []).flatMap((variable) => ['-X', variable])];
    const flags = [`-modfile=${modfile}`, '-buildvcs=false', '-trimpath', '-ldflags', settings.join(' ')];
    const done = await run(go, ['build', ...flags, '-o', built, path], sources, BUILD_LIMIT_MS);
    if (typeof done !== 'string') return `${basename(target)} of ${name} was not built: ${done.problem}`;
    mkdirSync(dirname(target), { recursive: true });
    // Somebody may look for it right now: a whole file appears in its place.
    const whole = `${target}.${process.pid}`;
    copyFileSync(built, whole);
    renameSync(whole, target);
    return null;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A go.mod's text without replacements by folders: published modules carry none of those. */
export function withoutFolders(text: string, stagingVersion: string | undefined): string {
  return text
    .replace(/^((?:replace)?\s*)(\S+) => \.\/staging\/\S+$/gm, (line, before: string, module: string) =>
      stagingVersion === undefined ? line : `${before}${module} => ${module} ${stagingVersion}`,
    )
    .replace(/^(?:replace)?\s*\S+ => \.\S*\n/gm, '');
}

/** What it printed, or the last line of what it complained of. */
function run(
  go: Go,
  args: readonly string[],
  cwd: string,
  limitMs: number,
): Promise<string | { readonly problem: string }> {
  const options = { cwd, env: go.env, timeout: limitMs, maxBuffer: 64 * 2 ** 20 };
  return new Promise((resolve) => {
    const child = execFile(go.program, args, options, (error, stdout, stderr) => {
      process.off('exit', end);
      resolve(error === null ? stdout : { problem: stderr.trim().split('\n').at(-1) || error.message });
    });
    const end = (): boolean => child.kill();
    process.once('exit', end);
  });
}
