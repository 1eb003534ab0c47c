/**
 * The CAs that nginx trusts where a service names none: the very ones that the direct plane trusts, as a file for nginx. In:
 * nginx's directory. Out: the file's path, named by its content, and its text, to be installed with the configuration.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tls from 'node:tls';

export interface CaBundle {
  /** Relative to nginx's directory. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

const SYSTEM_FILE = '/etc/ssl/certs/ca-certificates.crt';

export function caBundle(directory: string): CaBundle {
  const text = trustedCertificates();
  const name = `tls/${createHash('sha256').update(text).digest('hex')}.pem`;
  return { name, path: join(directory, name), text };
}

/** Throws where there are none: an nginx that trusts nobody is of no use. */
function trustedCertificates(): string {
  // Since Node 22.15; with NODE_EXTRA_CA_CERTS and --use-system-ca as they are set.
  if (typeof tls.getCACertificates === 'function') return `${tls.getCACertificates('default').join('\n')}\n`;
  return readFileSync(SYSTEM_FILE, 'utf8');
}
