/**
 * A Go new enough for what tests build: nothing comes in, the program and its environment or the reason why there is none
 * come out. Any older Go fetches a newer one, which the Go module proxies carry as a module (golang.org/toolchain). Refuses
 * to know what is built.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf, provide } from './programs.ts';

export interface Go {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What helm's go.mod asks for, the newest of all that is built. */
const NEEDED = [1, 26] as const;
const TOOLCHAIN = '1.26.8';
const FETCH_LIMIT_MS = 300_000;

/**
 * `directory`: where a fetched Go is kept. On a Debian where we are root, its Go is installed when there is none. A string
 * is the reason why there is no Go, with what would help.
 */
export async function fitGo(directory: string, say: (line: string) => void): Promise<Go | string> {
  const lacking = (await provide(['go'], say)).get('go');
  const found = pathOf('go');
  if (found === null) return `Go ${NEEDED.join('.')} or later is not there: ${lacking}`;
  // Without HOME it knows no place for what it has built.
  const own = { HOME: homedir(), GO111MODULE: 'on', GOWORK: 'off', CGO_ENABLED: '0', GOFLAGS: '-mod=mod' };
  const env = { ...process.env, ...own };
  const said = await run(found, ['env', 'GOVERSION'], { ...env, GOTOOLCHAIN: 'local' });
  if (typeof said !== 'string') return `${found} does not run: ${said.problem}`;
  const version = /^go(\d+)\.(\d+)/.exec(said)?.slice(1).map(Number) ?? [0, 0];
  if (!isOlder(version, NEEDED)) return { program: found, env: { ...env, GOTOOLCHAIN: 'local' } };
  // Go can change to another by itself since 1.21.
  if (!isOlder(version, [1, 21])) return { program: found, env: { ...env, GOTOOLCHAIN: `go${TOOLCHAIN}` } };
  const fetched = await fetchedGo(found, env, directory, say);
  return typeof fetched === 'string' ? { program: fetched, env: { ...env, GOTOOLCHAIN: 'local' } } : fetched.problem;
}

/** Path of its `go`. To a Go before 1.21 the module is one like any other: marks of programs and two names are to be mended. */
async function fetchedGo(
  older: string,
  env: NodeJS.ProcessEnv,
  directory: string,
  say: (line: string) => void,
): Promise<string | { readonly problem: string }> {
  const root = join(directory, `go-${TOOLCHAIN}`);
  const program = join(root, 'bin', 'go');
  if (existsSync(program)) return program;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const module = `golang.org/toolchain@v0.0.1-go${TOOLCHAIN}.${process.platform}-${arch}`;
  say(`fetching Go ${TOOLCHAIN} with ${older}, which is too old itself`);
  mkdirSync(directory, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'migration-proxy-go-'));
  const copy = `${root}.${process.pid}`;
  try {
    writeFileSync(join(scratch, 'go.mod'), 'module scratch\n');
    const said = await run(older, ['mod', 'download', '-json', module], env, scratch);
    if (typeof said !== 'string') return { problem: `Go ${NEEDED.join('.')} is needed, ${module}: ${said.problem}` };
    const { Dir: modules } = JSON.parse(said) as { readonly Dir: string };
    cpSync(modules, copy, { recursive: true });
    for (const folder of globSync('**/', { cwd: copy })) chmodSync(join(copy, folder), 0o755);
    for (const name of globSync('{bin/*,pkg/tool/*/*}', { cwd: copy })) chmodSync(join(copy, name), 0o755);
    for (const name of globSync('**/_go.mod', { cwd: copy }))
      renameSync(join(copy, name), join(copy, name, '..', 'go.mod'));
    renameSync(copy, root);
    return program;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    rmSync(copy, { recursive: true, force: true });
  }
}

function isOlder([major, minor]: readonly number[], [otherMajor, otherMinor]: readonly number[]): boolean {
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

/** Its standard output, or the last line of what it complained of. */
function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd = tmpdir(),
): Promise<string | { readonly problem: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { env, cwd, timeout: FETCH_LIMIT_MS }, (error, stdout, stderr) => {
      resolve(error === null ? stdout : { problem: stderr.trim().split('\n').at(-1) || error.message });
    });
  });
}
