import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { tempDir } from '../../test/support/temp-dir.ts';
import { loadCredentials } from './credentials.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the credentials for an API server', () => {
  let directory: string;

  beforeEach(() => {
    directory = tempDir();
  });

  function kubeconfig(user: object, cluster: object = {}, name = 'config'): string {
    const file = join(directory, name);
    const config = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'shop' } }],
      clusters: [{ name: 'k', cluster: { server: 'https://one.example:6443/', ...cluster } }],
      users: [{ name: 'u', user }],
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
  }

  async function optionsOf(file: string): Promise<RequestOptions> {
    const options: RequestOptions = {};
    await loadCredentials({ kubeconfig: file, env: {} }).applyTo(options);
    return options;
  }

  it('a kubeconfig with a mistake is named with the place of it, and no line of it is shown: tokens stand there', () => {
    const file = join(directory, 'config');
    for (const mistake of ['   oops: 1', '    token: again', '    *not-for-the-log: 1', '    - "not-for-the-log']) {
      writeFileSync(file, `users:\n- name: ann\n  user:\n    token: not-for-the-log\n${mistake}\n`);
      expect(() => loadCredentials({ kubeconfig: file, env: {} }), mistake)
        .to.throw(/^kubeconfig \/.*\/config cannot be used: it is no YAML at line [56], column \d+ \([A-Z_]+\)$/)
        .with.property('message')
        .that.does.not.contain('not-for-the-log');
    }
  });

  it('say where, and in which namespace', () => {
    const { server, namespace, isProxied } = loadCredentials({ kubeconfig: kubeconfig({}), env: {} });
    expect({ server, namespace, isProxied }).to.deep.equal({
      server: 'https://one.example:6443',
      namespace: 'shop',
      isProxied: false,
    });
  });

  it('are in a pod those of its service account, whose token is replaced every hour', async () => {
    for (const name of ['token', 'ca.crt']) writeFileSync(join(directory, name), `${name} 1\n`);
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const inPod = () => loadCredentials({ kubeconfig: null, env, account: directory });
    expect(inPod()).to.include({ server: 'https://[fd00::1]:443', namespace: 'default', isProxied: false });
    writeFileSync(join(directory, 'namespace'), 'shop\n');
    const credentials = inPod();
    expect(credentials.namespace).to.equal('shop');
    writeFileSync(join(directory, 'token'), 'token 2\n');
    const { ca, headers } = await applied(credentials);
    expect(String(ca)).to.equal('ca.crt 1\n');
    expect(headers).to.deep.equal({ Authorization: 'Bearer token 2' });
    expect(loadCredentials({ kubeconfig: kubeconfig({}), env, account: directory }).server, 'a named one').to.equal(
      'https://one.example:6443',
    );
  });

  it('are a token, a password, or nobody, and another name to act under', async () => {
    expect((await optionsOf(kubeconfig({ token: 'secret\n' }))).headers).to.deep.equal({
      Authorization: 'Bearer secret',
    });
    expect((await optionsOf(kubeconfig({ username: 'ann', password: 'x:y' }))).auth).to.equal('ann:x:y');
    expect(await optionsOf(kubeconfig({ token: null }))).to.deep.equal({ headers: {} });
    expect((await optionsOf(kubeconfig({ token: 'secret', as: 'bob' }))).headers).to.deep.equal({
      Authorization: 'Bearer secret',
      'Impersonate-User': 'bob',
    });
  });

  it('are read from files beside the kubeconfig, each time anew', async () => {
    for (const name of ['token', 'ca', 'cert', 'key']) writeFileSync(join(directory, name), `${name} 1\n`);
    const user = { tokenFile: 'token', 'client-certificate': 'cert', 'client-key': 'key' };
    const credentials = loadCredentials({ kubeconfig: kubeconfig(user, { 'certificate-authority': 'ca' }), env: {} });
    const asked = async () => {
      const { ca, cert, key, headers } = { headers: {}, ...(await applied(credentials)) };
      return [ca, cert, key].map(String).concat((headers as Record<string, string>).Authorization);
    };
    expect(await asked()).to.deep.equal(['ca 1\n', 'cert 1\n', 'key 1\n', 'Bearer token 1']);
    for (const name of ['token', 'cert']) writeFileSync(join(directory, name), `${name} 2\n`);
    expect(await asked()).to.deep.equal(['ca 1\n', 'cert 2\n', 'key 1\n', 'Bearer token 2']);
  });

  it('stand in the kubeconfig itself, which goes before files', async () => {
    const user = { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key'), 'client-key': 'none' };
    const cluster = { 'certificate-authority-data': base64('ca'), 'tls-server-name': 'api.internal' };
    const { ca, cert, key, servername, rejectUnauthorized } = await optionsOf(kubeconfig(user, cluster));
    expect([ca, cert, key].map(String)).to.deep.equal(['ca', 'cert', 'key']);
    expect({ servername, rejectUnauthorized }).to.deep.equal({
      servername: 'api.internal',
      rejectUnauthorized: undefined,
    });
    const unverified = await optionsOf(kubeconfig({}, { 'insecure-skip-tls-verify': true }));
    expect(unverified.rejectUnauthorized).to.equal(false);
  });

  it('that a plug-in makes are asked of it once', async () => {
    const plugin = join(directory, 'plugin');
    const status = '{ "status": { "token": "of-the-plug-in" } }';
    writeFileSync(plugin, `#!/bin/sh\necho called >>${join(directory, 'calls')}\necho '${status}'\n`);
    chmodSync(plugin, 0o755);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
    const credentials = loadCredentials({ kubeconfig: kubeconfig({ exec }), env: {} });
    for (let i = 0; i < 2; i++) {
      expect((await applied(credentials)).headers).to.deep.equal({ Authorization: 'Bearer of-the-plug-in' });
    }
    expect(spawnSync('cat', [join(directory, 'calls')], { encoding: 'utf8' }).stdout).to.equal('called\n');
  }).timeout(30_000);

  it('go through a proxy where the kubeconfig names one', async () => {
    const file = kubeconfig({ token: 'secret' }, { 'proxy-url': 'http://127.0.0.1:3128' });
    const credentials = loadCredentials({ kubeconfig: file, env: {} });
    expect(credentials.isProxied).to.equal(true);
    const { agent, headers } = await applied(credentials);
    expect(headers).to.deep.equal({ Authorization: 'Bearer secret' });
    expect((agent as { proxy?: URL }).proxy?.port).to.equal('3128');
  });

  it('that cannot be used are told with what is wrong', async () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      [kubeconfig({ token: 123 }), /the kubeconfig's token is no text: put it in quotes/],
      [
        kubeconfig({}, { server: 'one.example:6443' }, 'host'),
        /the server of cluster "k" is no URL, for example https:/,
      ],
      [kubeconfig({}, { server: null }, 'none'), /the server of cluster "k" is no URL/],
      [kubeconfig({ tokenFile: 'gone' }, {}, 'file'), /^Error: the credentials cannot be read: ENOENT.*\/gone'$/],
    ];
    for (const [file, text] of wrong) {
      const said = await optionsOf(file).then(String, String);
      expect(said).to.match(text);
    }
  });

  it('that are only read cost no loading of the client package, which takes half a second', async () => {
    const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const program = `
      import { registerHooks } from 'node:module';
      const packages = new Set();
      registerHooks({ load: (url, context, next) => {
        packages.add(/.*\\/node_modules\\/((@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
        return next(url, context);
      } });
      const { connect } = await import('${new URL('connect.ts', import.meta.url)}');
      const api = await connect({ kubeconfig: process.argv[1] });
      await api.createEvent({ namespace: 'a', name: 'b', type: 'Normal', reason: 'C', message: '', atMs: 0, about: {}, instance: '' })
        .catch((error) => console.log(error.message));
      api.close();
      console.log([...packages].filter(Boolean).sort().join());`;
    const args = ['--input-type=module', '-e', program, kubeconfig({ token: 'secret' }, { server: url })];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const printed = (await child.stdout.toArray()).join('');
    server.close();
    expect(printed).to.equal('yaml\n');
  }).timeout(20_000);
});

async function applied(credentials: ReturnType<typeof loadCredentials>): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await credentials.applyTo(options);
  return options;
}
