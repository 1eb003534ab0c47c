/**
 * A newer nginx than the distribution's, for tests: nothing comes in, the path of a binary or the reason why there is none
 * comes out. Its sources are those that the crate `nginx-src` (nginx's own ngx-rust project) carries, because a registry of
 * crates can be reached where nginx.org can not; the binary is built once and kept below the user's cache directory.
 * `node scripts/test/nginx-versions.ts` prints the path. Refuses to install anything on the machine.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isThere } from './programs.ts';

export interface NewerNginx {
  readonly binary: string;
  /** As in `nginx -v`. */
  readonly version: string;
}

/** The crate's version names nginx's behind the plus sign; the registry's index guards its bytes with a checksum. */
const CRATE = 'nginx-src';
const CRATE_VERSION = '1.28.5';
const NGINX_VERSION = '1.28.3';

/** What every packaged nginx has, as far as our text uses it. */
const CONFIGURE = [
  '--prefix=/nonexistent',
  '--with-http_ssl_module',
  '--with-http_v2_module',
  '--with-http_realip_module',
  '--with-http_stub_status_module',
];
/** Measured: 33 s on two cores. */
const BUILD_LIMIT_MS = 600_000;

/** `NGINX_NEWER`, where it is set, is such a binary already. A string is the reason why there is none. */
export async function newerNginx(say: (line: string) => void): Promise<NewerNginx | string> {
  const given = process.env.NGINX_NEWER ?? '';
  if (given !== '') return versionOf(given);
  const binary = join(cacheDirectory(), `nginx-${NGINX_VERSION}`, 'nginx');
  if (existsSync(binary)) return versionOf(binary);
  const lacking = ['cargo', 'gcc', 'make', 'pcre2-config'].filter((program) => !isThere(program));
  if (lacking.length > 0) {
    return `not there: ${lacking.join(', ')} (a Rust tool chain, gcc, make, libpcre2-dev, libssl-dev, zlib1g-dev; or NGINX_NEWER=/path/to/nginx)`;
  }
  say(`building nginx ${NGINX_VERSION} into ${binary}, once`);
  return (await build(binary)) ?? versionOf(binary);
}

/** Null when the binary is in its place, else what went wrong. */
async function build(binary: string): Promise<string | null> {
  const scratch = mkdtempSync(join(tmpdir(), 'migration-proxy-nginx-build-'));
  const steps: readonly (readonly [string, ...string[]])[] = [
    ['sh', './auto/configure', ...CONFIGURE],
    ['make', `-j${availableParallelism()}`],
  ];
  try {
    // It downloads and unpacks this one crate, and none of its dependencies.
    const fetched = await run('cargo', ['info', '--quiet', `${CRATE}@${CRATE_VERSION}`], scratch);
    if (typeof fetched !== 'string') return `${CRATE} ${CRATE_VERSION} was not fetched: ${fetched.problem}`;
    const sources = crateDirectory();
    if (sources === null) return `cargo fetched ${CRATE} ${CRATE_VERSION}, but it is not below ${cargoHome()}`;
    const tree = join(scratch, 'nginx');
    cpSync(join(sources, 'nginx'), tree, { recursive: true });
    for (const [program, ...args] of steps) {
      const done = await run(program, args, tree);
      if (typeof done !== 'string') return `nginx ${NGINX_VERSION} was not built: ${done.problem}`;
    }
    mkdirSync(join(binary, '..'), { recursive: true });
    // Two runs may build at once: each puts a whole file in its place.
    const whole = `${binary}.${process.pid}`;
    cpSync(join(tree, 'objs', 'nginx'), whole);
    renameSync(whole, binary);
    return null;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function versionOf(binary: string): Promise<NewerNginx | string> {
  const said = await run(binary, ['-v'], tmpdir());
  if (typeof said !== 'string') return `${binary} does not run: ${said.problem}`;
  return { binary, version: /nginx\/(\d+\.\d+\.\d+)/.exec(said)?.[1] ?? 'unknown' };
}

function crateDirectory(): string | null {
  const pattern = `registry/src/*/${CRATE}-${CRATE_VERSION}+${NGINX_VERSION}`;
  const [found] = globSync(pattern, { cwd: cargoHome() });
  return found === undefined ? null : join(cargoHome(), found);
}

function cargoHome(): string {
  return process.env.CARGO_HOME || join(homedir(), '.cargo');
}

function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'migration-proxy');
}

/** Everything that it printed, or the last line of it. */
function run(program: string, args: readonly string[], cwd: string): Promise<string | { readonly problem: string }> {
  const options = { cwd, timeout: BUILD_LIMIT_MS, maxBuffer: 64 * 2 ** 20 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      const last = stderr.trim().split('\n').at(-1) || stdout.trim().split('\n').at(-1) || error?.message;
      resolve(error === null ? `${stdout}${stderr}` : { problem: `${program}: ${last}` });
    });
  });
}

if (process.argv[1] === import.meta.filename) {
  const newer = await newerNginx((line) => console.error(line));
  if (typeof newer === 'string') console.error(`no newer nginx: ${newer}`);
  else console.log(newer.binary);
  process.exitCode = typeof newer === 'string' ? 1 : 0;
}
