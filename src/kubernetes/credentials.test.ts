import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../test/support/temp-dir.ts';
import { credentialsProblem, loadCredentials } from './credentials.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the credentials for an API server', () => {
  let directory: string;

  beforeEach(() => {
    directory = tempDir();
  });

  function kubeconfig(user: object, cluster: object = {}): string {
    const file = join(directory, 'config');
    const config = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'shop' } }],
      clusters: [{ name: 'k', cluster: { server: 'https://one.example:6443', ...cluster } }],
      users: [{ name: 'u', user }],
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  async function optionsOf(file: string): Promise<RequestOptions> {
    const options: RequestOptions = {};
    await loadCredentials({ kubeconfig: file, env: {} }).applyToHTTPSOptions(options);
    return options;
  }

  const headersOf = async (file: string) => ({ ...((await optionsOf(file)).headers as Record<string, string>) });

  it('a kubeconfig with a mistake is named with the place of it, and no line of it is shown: tokens stand there', () => {
    const file = join(directory, 'config');
    for (const mistake of ['   oops: 1', '    token: again', '    *not-for-the-log: 1', '    - "not-for-the-log']) {
      writeFileSync(file, `users:\n- name: ann\n  user:\n    token: not-for-the-log\n${mistake}\n`);
      expect(() => loadCredentials({ kubeconfig: file, env: {} }), mistake)
        .to.throw(/^kubeconfig \/.*\/config cannot be used: .* \([56]:\d+\)$/)
        .with.property('message')
        .that.does.not.contain('not-for-the-log');
    }
  });

  it('are a token, a password, or nobody, and another name to act under', async () => {
    expect(await headersOf(kubeconfig({ token: 'secret' }))).to.deep.equal({ Authorization: 'Bearer secret' });
    expect((await optionsOf(kubeconfig({ username: 'ann', password: 'x:y' }))).auth).to.equal('ann:x:y');
    expect(await headersOf(kubeconfig({}))).to.deep.equal({});
    expect(await headersOf(kubeconfig({ token: 'secret', as: 'bob' }))).to.deep.equal({
      Authorization: 'Bearer secret',
      'Impersonate-User': 'bob',
    });
  });

  it('are read from files beside the kubeconfig', async () => {
    for (const name of ['token', 'ca', 'cert', 'key']) writeFileSync(join(directory, name), `of ${name}`);
    const user = { tokenFile: 'token', 'client-certificate': 'cert', 'client-key': 'key' };
    const { ca, cert, key, headers } = await optionsOf(kubeconfig(user, { 'certificate-authority': 'ca' }));
    expect([ca, cert, key].map(String)).to.deep.equal(['of ca', 'of cert', 'of key']);
    expect(headers).to.deep.equal({ Authorization: 'Bearer of token' });
  });

  it('stand in the kubeconfig itself', async () => {
    const user = { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') };
    const cluster = { 'certificate-authority-data': base64('ca'), 'tls-server-name': 'api.internal' };
    const { ca, cert, key, servername } = await optionsOf(kubeconfig(user, cluster));
    expect([ca, cert, key].map(String)).to.deep.equal(['ca', 'cert', 'key']);
    expect(servername).to.equal('api.internal');
    const unverified = await optionsOf(kubeconfig({}, { 'insecure-skip-tls-verify': true }));
    expect(unverified.rejectUnauthorized).to.equal(false);
  });

  it(`are a cluster's own CA where the context names no user`, async () => {
    const file = kubeconfig({}, { 'certificate-authority-data': base64('ca') });
    writeFileSync(file, readFileSync(file, 'utf8').replace('"user":"u",', ''));
    const { ca, headers } = await optionsOf(file);
    expect([String(ca), headers]).to.deep.equal(['ca', {}]);
  });

  it('that a plug-in makes are asked of it once', async () => {
    const plugin = join(directory, 'plugin');
    const status = '{ "status": { "token": "of-the-plug-in" } }';
    writeFileSync(plugin, `#!/bin/sh\necho called >>${join(directory, 'calls')}\necho '${status}'\n`);
    chmodSync(plugin, 0o755);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    const config = loadCredentials({ kubeconfig: kubeconfig({ exec }), env: {} });
    for (let i = 0; i < 2; i++) {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      expect(options.headers).to.deep.equal({ Authorization: 'Bearer of-the-plug-in' });
    }
    expect(spawnSync('cat', [join(directory, 'calls')], { encoding: 'utf8' }).stdout).to.equal('called\n');
  });

  it('that cannot be had are told with what is missing, where, and what to do', () => {
    const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
    const failed = (code: string, path: string) => Object.assign(new Error(`${code}: open '${path}'`), { code, path });
    expect(credentialsProblem(failed('ENOENT', token))).to.equal(
      `${token} is not there: the volume kube-api-access brings it, unless the pod or its ServiceAccount says automountServiceAccountToken: false`,
    );
    expect(credentialsProblem(failed('EACCES', token))).to.equal(
      `${token} may not be read by this user: the pod needs fsGroup`,
    );
    expect(credentialsProblem(failed('ENOENT', '/home/ann/token'))).to.equal(
      '/home/ann/token is not there: the kubeconfig names it',
    );
    const plugin = Object.assign(new Error('spawn aws ENOENT'), { code: 'ENOENT', path: 'aws' });
    expect(credentialsProblem(plugin)).to.equal('its credentials cannot be had: spawn aws ENOENT');
  });
});
