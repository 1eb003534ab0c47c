/**
 * Certificates for tests, made by openssl into a temporary directory: an authority, a good leaf, an expired one.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly key: string;
  readonly cert: string;
}

export interface Certificates {
  readonly ca: string;
  /** For new.example. */
  readonly good: Pair;
  readonly expired: Pair;
  readonly selfSigned: Pair;
  readonly remove: () => void;
}

const DATABASE = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`;

export function makeCertificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), 'certificates-'));
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const selfSigned = (name: string, subject: string): void =>
    openssl('req', '-x509', ...curve, '-days', '2', '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  selfSigned('ca', '/CN=test authority');
  selfSigned('alone', '/CN=new.example');
  writeFileSync(join(dir, 'index.txt'), '');
  writeFileSync(join(dir, 'ca.cnf'), DATABASE);
  const leaf = (name: string, startdate: string, enddate: string): Pair => {
    const names = 'subjectAltName=DNS:new.example';
    openssl(
      'req',
      ...curve,
      '-subj',
      '/CN=new.example',
      '-addext',
      names,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    const signing = ['ca', '-batch', '-config', 'ca.cnf', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-notext'];
    openssl(...signing, '-in', `${name}.csr`, '-out', `${name}.crt`, '-startdate', startdate, '-enddate', enddate);
    return { key: read(`${name}.key`), cert: read(`${name}.crt`) };
  };
  const stamp = (ms: number): string => `${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`;
  const now = Date.now();
  const HOUR = 3_600_000;
  return {
    ca: read('ca.crt'),
    good: leaf('good', stamp(now - HOUR), stamp(now + 24 * HOUR)),
    expired: leaf('expired', stamp(now - 24 * HOUR), stamp(now - 2 * HOUR - 60_000)),
    selfSigned: { key: read('alone.key'), cert: read('alone.crt') },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
