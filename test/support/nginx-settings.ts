/** What a test's nginx is told besides services: settings of an ordinary one, with whatever a test has otherwise. */
import { readFileSync } from 'node:fs';
import type { NginxLimits, NginxSettings } from '../../src/nginx/text/settings.ts';

export type SettingsChanges = Partial<Omit<NginxSettings, 'limits'>> & { readonly limits?: Partial<NginxLimits> };

/** For an nginx 1.22 at nobody's port. */
export function sampleSettings({ limits, ...changes }: SettingsChanges = {}): NginxSettings {
  return {
    version: { major: 1, minor: 22, patch: 1 },
    listen: { host: '127.0.0.1', port: 8000 },
    directory: '/dev/shm/migration-proxy',
    place: '0123456789ab',
    instance: 'migration-proxy',
    user: null,
    workers: 1,
    shutdownTimeoutMs: 1_000,
    gzip: 'off',
    accessLogFile: null,
    detail: 'brief',
    njsModule: null,
    caBundle: '/etc/ssl/certs/ca-certificates.crt',
    caDirectory: null,
    limits: {
      headTimeoutMs: 10_000,
      bodyTimeoutMs: 30_000,
      keepAliveMs: 75_000,
      sendTimeoutMs: 60_000,
      maxHeadBytes: 32_768,
      replayBytes: 65_536,
      maxConnections: 1_000,
      ...limits,
    },
    ...changes,
  };
}

/** Whose workers an nginx started by us has; null where we are not root and it has no say. */
export function workerUser(): string | null {
  if (process.getuid?.() !== 0) return null;
  return /^www-data:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'www-data' : 'root';
}
