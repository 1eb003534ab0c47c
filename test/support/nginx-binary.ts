/**
 * The nginx that tests start: `NGINX_UNDER_TEST`, else the machine's own. A run against another version sets the variable
 * for all tests that it starts, and no test needs to know.
 */
import { existsSync } from 'node:fs';

/** Absolute path, or the bare name where it is to be found on the PATH. */
export function nginxBinary(): string {
  const given = process.env.NGINX_UNDER_TEST ?? '';
  if (given !== '') return given;
  return existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx';
}
