/**
 * The nginx that tests start: `NGINX_UNDER_TEST`, else the machine's own. A run against another version sets the variable
 * for all tests that it starts, and no test needs to know.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { NginxVersion } from '../../src/nginx/text/settings.ts';

/** Absolute path, or the bare name where it is to be found on the PATH. */
export function nginxBinary(): string {
  const given = process.env.NGINX_UNDER_TEST ?? '';
  if (given !== '') return given;
  return existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
}

const NJS = '/usr/lib/nginx/modules/ngx_http_js_module.so';

/** The machine's njs module; null: there is none, or it is not for the nginx that tests start (each wants its own build). */
export function njsModule(): string | null {
  return (process.env.NGINX_UNDER_TEST ?? '') === '' && existsSync(NJS) ? NJS : null;
}

/** Of the nginx that tests start. Throws where there is none. */
export function nginxVersion(): NginxVersion {
  const { stderr } = spawnSync(nginxBinary(), ['-v'], { encoding: 'utf8' });
  const [major, minor, patch] = (/nginx\/(\d+)\.(\d+)\.(\d+)/.exec(stderr ?? '')?.slice(1) ?? []).map(Number);
  if (patch === undefined) throw new Error(`${nginxBinary()} -v tells no version: ${stderr}`);
  return { major, minor, patch };
}
