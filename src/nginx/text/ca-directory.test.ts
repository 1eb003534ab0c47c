/**
 * Names of CA files against those that OpenSSL gives: all CAs that Node knows, and subjects in the forms that CAs of companies
 * have. @needs openssl
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { expect } from 'chai';
import { tempDir } from '../../../test/support/temp-dir.ts';
import { caDirectoryFiles } from './ca-directory.ts';

function openssl(directory: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The names that `openssl rehash` gives to links to these certificates. */
function linkNames(certificates: readonly string[]): string[] {
  const directory = tempDir();
  for (const [i, text] of certificates.entries()) writeFileSync(join(directory, `ca-${i}.pem`), text);
  openssl(directory, 'rehash', '.');
  return readdirSync(directory).filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name));
}

describe('a directory of CAs', () => {
  it("has OpenSSL's names for all CAs that Node knows", () => {
    const files = caDirectoryFiles(rootCertificates.join('\n'), 'ca');
    expect([...files.keys()]).to.have.members(linkNames(rootCertificates));
    expect(new Set(files.values()).size).to.equal(rootCertificates.length);
  });

  it('has them for subjects in any alphabet and form, two of the same name among them', () => {
    const directory = tempDir();
    openssl(directory, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'key');
    const subjects = [
      '/C=DE/O=  ACME   Corp \t /CN=Root  CA',
      '/O=acme corp/C=de/CN=ROOT ca',
      '/CN=Zürich Æther Ω 日本 /O=Größe',
      '/CN=b+OU=a+O=c',
      `/CN=${'long '.repeat(12)}/O=${'x'.repeat(64)}/OU=${'y'.repeat(64)}`,
      '/serialNumber=12 34/emailAddress=Some.One@Example.COM/DC=Example',
      '/CN=same',
      '/CN=SAME',
    ];
    const certificates = ['utf8only', 'default', 'pkix'].flatMap((mask, round) => {
      const configuration = `[req]\nprompt=no\ndistinguished_name=dn\nstring_mask=${mask}\n[dn]\nCN=x\n`;
      writeFileSync(join(directory, 'req.cnf'), configuration);
      return subjects.map((subject, i) => {
        const file = `${round}-${i}.pem`;
        const words = ['-x509', '-new', '-utf8', '-key', 'key', '-config', 'req.cnf', '-subj', subject, '-out', file];
        openssl(directory, 'req', ...words);
        return readFileSync(join(directory, file), 'utf8');
      });
    });
    expect([...caDirectoryFiles(certificates.join(''), 'ca').keys()]).to.have.members(linkNames(certificates));
  });

  it('holds a certificate once, however often it is named', () => {
    const [text] = rootCertificates;
    expect([...caDirectoryFiles(`${text}\n${text}`, 'ca').values()]).to.deep.equal([`${text}\n`]);
  });
});
