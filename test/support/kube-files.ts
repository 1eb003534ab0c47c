/**
 * The files of one small Kubernetes: a directory full of certificates, keys and tokens out, and kubeconfigs for whoever asks.
 * The serving certificate names 127.0.0.1, so a kubeconfig may name any port there. Refuses to start anything.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority } from './certificates.ts';
import { tempDir } from './temp-dir.ts';

/** How a kubeconfig's user shows who it is. */
export interface KubeUser {
  readonly token: string;
  readonly namespace?: string;
}

export class KubeFiles {
  readonly directory = tempDir();
  readonly authority = new CertificateAuthority();
  readonly servingCert = join(this.directory, 'serving.pem');
  readonly servingKey = join(this.directory, 'serving.key');
  readonly serviceAccountKey = join(this.directory, 'service-accounts.key');
  readonly serviceAccountPublicKey = join(this.directory, 'service-accounts.pub');
  readonly tokens = join(this.directory, 'tokens.csv');
  readonly adminToken = randomBytes(16).toString('hex');
  #kubeconfigs = 0;

  constructor() {
    const { cert, key } = this.authority.leaf('127.0.0.1', 'localhost', 'kubernetes.default.svc');
    this.#write(this.servingCert, cert);
    this.#write(this.servingKey, key);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#write(this.serviceAccountKey, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    this.#write(this.serviceAccountPublicKey, publicKey.export({ type: 'spki', format: 'pem' }).toString());
    this.#write(this.tokens, `${this.adminToken},admin,admin,"system:masters"\n`);
  }

  /** A directory below the one that is gone with the test. */
  subdirectory(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  /** Path of a new kubeconfig (JSON is YAML too) for a user who asks at `url`. */
  kubeconfig(url: string, { token, namespace = 'default' }: KubeUser): string {
    const path = join(this.directory, `kubeconfig-${++this.#kubeconfigs}.yaml`);
    const cluster = {
      server: url,
      'certificate-authority-data': Buffer.from(this.authority.ca).toString('base64'),
    };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
      'current-context': 'test',
    };
    this.#write(path, `${JSON.stringify(config, null, 2)}\n`);
    return path;
  }

  #write(path: string, text: string): void {
    writeFileSync(path, text, { mode: 0o600 });
  }
}
