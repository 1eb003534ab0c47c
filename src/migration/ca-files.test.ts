import { expect } from 'chai';
import { NOTHING_APPLIED } from './applied.ts';
import { applyReads } from './apply.ts';
import { type CaFile, caFilesOf, withCaFiles } from './ca-files.ts';
import { formatConfigError } from './errors.ts';
import { fromLastGood, toLastGood } from './last-good.ts';
import { readSource } from './parse.ts';

/** Made for this test: CN=test ca, its key thrown away. */
const PEM = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIULRL3t9jn44wEgi7sWHkjnVwMerEwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHdGVzdCBjYTAgFw0yNjExMjEwNDM0MDhaGA8yMTI2MTAyODA0
MzQwOFowEjEQMA4GA1UEAwwHdGVzdCBjYTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABFyiVBJ/ls1EwI6JcmHzPU97NrgExq7xgdHJr8hDUT/nTIZtsUQvuRymt21g
dwd+rBnWRcIZFOwFLKmPofYw5m+jUzBRMB0GA1UdDgQWBBTuC5xxv1I/naw9auVR
pJ3Bhy9vyTAfBgNVHSMEGDAWgBTuC5xxv1I/naw9auVRpJ3Bhy9vyTAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCID1I67sVXh/mJAxMjJwT1Dq3btqy
M7vlmP586/I1+8lEAiEAk/jIuk39AFv1QLJKBnVH423nRMZrVOwRcWmFPKmS03k=
-----END CERTIFICATE-----
`;

const TEXT = `services:
  - name: a
    old_host: a.example
    old_backend: old:443
    old_tls: { ca_file: old.pem }
    new_host: a.new
    new_backend: new:443
    new_tls: { ca_file: new.pem }
  - { name: b, old_host: b.example, old_backend: "old:80", new_host: b.new, new_backend: "new:80" }
`;

function served(files: Record<string, CaFile>) {
  const read = withCaFiles(readSource({ file: 'm', text: TEXT, kind: 'file' }), new Map(Object.entries(files)));
  return applyReads(NOTHING_APPLIED, [{ id: 'm', read }], [], 0);
}

describe('ca_file', () => {
  it('names each file once', () => {
    const read = readSource({ file: 'm', text: TEXT.replace('new.pem', 'old.pem'), kind: 'file' });
    expect(caFilesOf(read)).to.deep.equal(['old.pem']);
    expect(caFilesOf(readSource({ file: 'm', text: 'services: []', kind: 'file' }))).to.deep.equal([]);
  });

  it('puts the text in the place of the path, also in what is remembered', () => {
    const applied = served({ 'old.pem': { pem: PEM }, 'new.pem': { pem: PEM } });
    expect(applied.errors).to.deep.equal([]);
    expect(applied.services[0].migration.new.tls).to.deep.include({ ca: PEM, caFile: null });
    const back = fromLastGood(toLastGood(applied))!.applied;
    expect(back.services[0].migration).to.deep.equal(applied.services[0].migration);
  });

  it('harms only the service that names a file that cannot be used', () => {
    const applied = served({ 'old.pem': { pem: PEM }, 'new.pem': { problem: 'no such file' } });
    expect(applied.errors.map(formatConfigError)).to.deep.equal([
      'm:8:14: services[0].new_tls.ca_file: "new.pem": no such file',
    ]);
    expect(applied.services.map(({ standing }) => standing)).to.deep.equal(['invalid', 'valid']);
    expect(applied.services[0].migration.old.tls.ca).to.equal(PEM);
  });

  it('serves nothing where old itself cannot be verified', () => {
    const applied = served({ 'old.pem': { pem: 'no certificate' }, 'new.pem': { pem: PEM } });
    expect(applied.services.map(({ migration }) => migration.name)).to.deep.equal(['b']);
  });

  it('refuses keys and certificates that do not read', () => {
    const broken = [PEM.replace('MII', 'AAA'), `${PEM}-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n`, ''];
    for (const pem of broken) {
      expect(served({ 'old.pem': { pem: PEM }, 'new.pem': { pem } }).errors, pem).to.have.length(1);
    }
  });
});
