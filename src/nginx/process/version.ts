/**
 * What an nginx is: its program's path in, version, modules and njs out, or why it is not enough. Asked with `nginx -V`;
 * what it can do is not tried here.
 */
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isAtLeast, type NginxVersion, OPTIONAL_MODULES, type OptionalModule } from '../text/settings.ts';
import { environmentOf } from './environment.ts';

export type Inspected =
  | {
      readonly ok: true;
      readonly version: NginxVersion;
      /** What texts can do without. */
      readonly lacks: readonly OptionalModule[];
      /** Absolute path of ngx_http_js_module.so; null: not installed. */
      readonly njsModule: string | null;
      /** Whether proxy_ssl_conf_command can name a directory of CAs. */
      readonly tlsCommands: boolean;
    }
  | { readonly ok: false; readonly message: string };

/** Built in unless it was told otherwise (auto/options of nginx 1.22), all used by our texts. */
const BUILT_IN = ['geo', 'limit_conn', 'map', 'proxy', 'rewrite', 'split_clients', 'upstream_keepalive'];
const ADVICE = 'install nginx 1.22 or newer, name it with --nginx FILE, or use --data-plane direct';
const TIME_LIMIT_MS = 10_000;
const MOST_OUTPUT = 64 * 1024;

export async function inspectNginx(program: string): Promise<Inspected> {
  const said = await versionText(program);
  if (said.error !== null) return { ok: false, message: `${program} -V ${said.error}; ${ADVICE}` };
  const problem = unfitBuild(said.text);
  if (problem !== null) return { ok: false, message: `${program} ${problem}; ${ADVICE}` };
  const { version, flags, modulesPath, openssl } = buildIn(said.text);
  const njs = join(modulesPath, 'ngx_http_js_module.so');
  return {
    ok: true,
    version: version as NginxVersion,
    lacks: OPTIONAL_MODULES.filter((name) => !hasModule(flags, name)),
    njsModule: (await isThere(njs)) ? njs : null,
    tlsCommands: openssl,
  };
}

/** `text`: what `nginx -V` says. Version null: it is no nginx. Derivatives name the nginx that they are of first. */
export function buildIn(text: string): {
  readonly version: NginxVersion | null;
  readonly flags: ReadonlySet<string>;
  readonly modulesPath: string;
  /** Not one of its derivatives: LibreSSL and BoringSSL have no SSL_CONF_cmd. */
  readonly openssl: boolean;
} {
  const found = /^nginx version: \S+?\/(\d+)\.(\d+)\.(\d+)/m.exec(text);
  const [major, minor, patch] = (found?.slice(1) ?? []).map(Number);
  const line = /^configure arguments: (.*)$/m.exec(text)?.[1] ?? '';
  const flags = new Set(line.match(/--[a-z0-9_-]+/g));
  const value = (name: string): string | null => new RegExp(`--${name}=(\\S+)`).exec(line)?.[1] ?? null;
  const prefix = value('prefix') ?? '/usr/local/nginx';
  const modules = value('modules-path') ?? 'modules';
  return {
    version: found === null ? null : { major, minor, patch },
    flags,
    modulesPath: isAbsolute(modules) ? modules : join(prefix, modules),
    openssl: /^built with OpenSSL /m.test(text),
  };
}

function hasModule(flags: ReadonlySet<string>, name: OptionalModule): boolean {
  // The only one of them that nginx is built without unless it is told (auto/options of nginx 1.22).
  return name === 'stub_status'
    ? flags.has('--with-http_stub_status_module')
    : !flags.has(`--without-http_${name}_module`);
}

/** Null: it is enough for us. */
export function unfitBuild(text: string): string | null {
  const { version, flags } = buildIn(text);
  if (version === null) return 'does not say which nginx it is';
  const { major, minor, patch } = version;
  if (!isAtLeast(version, 1, 22, 0)) return `is nginx ${major}.${minor}.${patch}, older than 1.22`;
  if (!flags.has('--with-http_ssl_module')) return 'is built without --with-http_ssl_module';
  if (flags.has('--without-pcre')) return 'is built with --without-pcre, and so without regular expressions';
  const without = BUILT_IN.find((name) => flags.has(`--without-http_${name}_module`));
  return without === undefined ? null : `is built with --without-http_${without}_module`;
}

function versionText(program: string): Promise<{ readonly text: string; readonly error: string | null }> {
  const options = { env: environmentOf(process.env), timeout: TIME_LIMIT_MS, maxBuffer: MOST_OUTPUT };
  return new Promise((resolve) => {
    execFile(program, ['-V'], { ...options, killSignal: 'SIGKILL' }, (error, _stdout, text) => {
      if (error === null) resolve({ text, error: null });
      else if (error.killed) resolve({ text, error: `did not end within ${TIME_LIMIT_MS / 1_000} s` });
      else resolve({ text, error: `cannot be run: ${text.trim().split('\n')[0] || error.message}` });
    });
  });
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
