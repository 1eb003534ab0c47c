/**
 * The CAs that nginx trusts where a service names none: the very ones that the direct plane trusts, as a file for nginx and as a
 * directory to look them up in. In: nginx's directory. Out: paths, named by the content, and what is to be installed with
 * a text that names one.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { caDirectoryFiles } from './text/ca-directory.ts';

export interface CaBundle {
  /** Absolute. */
  readonly path: string;
  /** Absolute. */
  readonly directory: string;
  /** What a text needs beside itself, by path relative to nginx's directory. */
  filesFor(text: string): ReadonlyMap<string, string>;
}

const SYSTEM_FILE = '/etc/ssl/certs/ca-certificates.crt';

/** `pem`: those of the direct plane, where nothing else is said. */
export function caBundle(nginxDirectory: string, pem: string = trustedCertificates()): CaBundle {
  const name = `tls/${createHash('sha256').update(pem).digest('hex')}`;
  const path = join(nginxDirectory, `${name}.pem`);
  const directory = join(nginxDirectory, `${name}.certs`);
  const files = new Map<string, ReadonlyMap<string, string>>();
  const once = (key: string, make: () => ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
    const made = files.get(key) ?? make();
    files.set(key, made);
    return made;
  };
  return {
    path,
    directory,
    filesFor: (text) => {
      if (text.includes(path)) return once(path, () => new Map([[`${name}.pem`, pem]]));
      return text.includes(directory) ? once(directory, () => inDirectory(`${name}.certs`, pem)) : new Map();
    },
  };
}

function inDirectory(name: string, pem: string): Map<string, string> {
  return new Map([...caDirectoryFiles(pem, 'CA bundle')].map(([file, text]) => [`${name}/${file}`, text]));
}

/** Throws where there are none: an nginx that trusts nobody is of no use. */
function trustedCertificates(): string {
  // Since Node 22.15; with NODE_EXTRA_CA_CERTS and --use-system-ca as they are set.
  if (typeof tls.getCACertificates === 'function') return `${tls.getCACertificates('default').join('\n')}\n`;
  return readFileSync(SYSTEM_FILE, 'utf8');
}
