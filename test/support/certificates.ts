/**
 * Certificates made by openssl for one test: a CA and leaves signed by it, as PEM text. Expired ones too, because a proxy
 * has to say so. Refuses to know what uses them.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.ts';

export interface Leaf {
  readonly key: string;
  readonly cert: string;
}

export class CertificateAuthority {
  readonly directory = tempDir();
  /** PEM text, and the file that holds it. */
  readonly ca: string;
  readonly caFile: string;
  #made = 0;

  constructor() {
    this.#openssl(...newKey('ca.key'));
    const subject = ['-subj', '/CN=Test CA', '-addext', 'basicConstraints=critical,CA:TRUE'];
    this.#openssl('req', '-x509', '-new', '-key', 'ca.key', '-days', '3', '-out', 'ca.pem', ...subject);
    this.caFile = join(this.directory, 'ca.pem');
    this.ca = readFileSync(this.caFile, 'utf8');
  }

  /** A server's certificate for these DNS names (and 127.0.0.1 where `names` holds it), valid for two days from now. */
  leaf(...names: string[]): Leaf {
    return this.#leaf(names, ['-days', '2']);
  }

  /** The same, expired since an hour or more. */
  expired(...names: string[]): Leaf {
    const ago = (ms: number): string => `${new Date(Date.now() - ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
    return this.#leaf(names, ['-startdate', ago(48 * 3_600_000), '-enddate', ago(3_600_000)]);
  }

  #leaf(names: string[], validity: string[]): Leaf {
    const base = `leaf${this.#made++}`;
    const kind = (name: string): string => (/^[\d.]+$|:/.test(name) ? 'IP' : 'DNS');
    const alternatives = names.map((name) => `${kind(name)}:${name}`).join(',');
    this.#openssl(...newKey(`${base}.key`));
    this.#openssl('req', '-new', '-key', `${base}.key`, '-out', `${base}.csr`, '-subj', `/CN=${names[0]}`);
    // `openssl ca` and not `openssl x509`: only it takes a start and an end in the past (openssl 3.0).
    writeFileSync(join(this.directory, 'index.txt'), '');
    writeFileSync(join(this.directory, 'ca.cnf'), caConfiguration(alternatives));
    const files = ['-in', `${base}.csr`, '-out', `${base}.pem`, '-cert', 'ca.pem', '-keyfile', 'ca.key'];
    this.#openssl('ca', '-batch', '-notext', '-config', 'ca.cnf', ...files, ...validity);
    const read = (extension: string): string => readFileSync(join(this.directory, `${base}.${extension}`), 'utf8');
    return { key: read('key'), cert: read('pem') };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

function newKey(file: string): string[] {
  return ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file];
}

function caConfiguration(alternatives: string): string {
  return `[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
x509_extensions = leaf
unique_subject = no
rand_serial = yes
[any]
commonName = supplied
[leaf]
subjectAltName = ${alternatives}
extendedKeyUsage = serverAuth
`;
}
