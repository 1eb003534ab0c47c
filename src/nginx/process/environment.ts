/**
 * What nginx gets of our environment: how to find libraries, certificates and the time zone. Never our own settings, which
 * may hold secrets, nor `NGINX`, by which nginx is given sockets of another master.
 */
const PASSED = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

export function environmentOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const passed: Record<string, string> = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  for (const name of PASSED) {
    const value = env[name];
    if (value !== undefined) passed[name] = value;
  }
  return passed;
}
