/**
 * Kubeconfigs as people have them, before a real API server: through a proxy that speaks CONNECT, under another name in TLS, without
 * verifying, with a plug-in for the token. Each lists, watches and writes. @together kube-commands @needs kubernetes
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KubeApi } from '../../src/kubernetes/api.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import { eventually, within } from '../support/eventually.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { tempDir } from '../support/temp-dir.ts';

const SPACE = 'credentials';

describe('kubeconfigs as people have them', function () {
  this.timeout(60_000);
  let kube: KubeServers;
  let proxy: ConnectProxy;
  const apis: KubeApi[] = [];

  before(async () => {
    [kube, proxy] = await Promise.all([sharedKubeServers(), ConnectProxy.listen()]);
    await kube.expectKubectl('create', 'namespace', SPACE);
  });
  afterEach(() => {
    proxy.answer = '';
    for (const api of apis.splice(0)) api.close();
  });
  after(() => proxy?.close());

  async function connected(cluster: object, user: object = { token: kube.files.adminToken }): Promise<KubeApi> {
    const ca = { 'certificate-authority-data': Buffer.from(kube.files.authority.ca).toString('base64') };
    const file = join(tempDir(), 'config');
    const config = {
      clusters: [{ name: 'k', cluster: { server: kube.url, ...ca, ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: SPACE } }],
      'current-context': 'c',
    };
    writeFileSync(file, JSON.stringify(config));
    const api = await connect({ kubeconfig: file });
    apis.push(api);
    return api;
  }

  /** All that the proxy does with an API server. */
  async function works(api: KubeApi, name: string): Promise<void> {
    const selection = { kind: 'one', namespace: SPACE, name } as const;
    const { resourceVersion } = await api.listConfigMaps(selection);
    const heard: string[] = [];
    const watch = api.watchConfigMaps(selection, resourceVersion, {
      onObject: (kind, object) => heard.push(`${kind} ${object.data.a}`),
      onHeard: () => {},
      onEnd: (failure) => heard.push(`end ${failure?.message}`),
    });
    await api.createConfigMap({ namespace: SPACE, name, labels: {}, data: { a: '1' } });
    await api.patchConfigMap(SPACE, name, { kind: 'merge', body: { data: { a: '2' } } });
    await eventually('the watch tells both', () => heard.length === 2);
    watch.stop();
    expect(heard).to.deep.equal(['added 1', 'modified 2']);
  }
  const refusal = (api: KubeApi): Promise<string> =>
    within(
      'an answer',
      api.listConfigMaps({ kind: 'one', namespace: SPACE, name: 'x' }).then(() => 'works', String),
      20_000,
    );

  it('proxy-url: through a proxy, with the certificate and the name of the API server', async () => {
    await works(await connected({ 'proxy-url': proxy.url }), 'proxied');
    expect(new Set(proxy.asked)).to.deep.equal(new Set([new URL(kube.url).host]));
    expect(proxy.asked.length, 'connections are kept').to.be.below(5);
    const elsewhere = await connected({ 'proxy-url': proxy.url, 'certificate-authority-data': undefined });
    expect(await refusal(elsewhere)).to.match(/does not answer: .*(self-signed|unable to verify|unable to get)/);
  });

  it('proxy-url: a proxy that is not there, refuses or says nothing is named', async () => {
    const gone = await ConnectProxy.listen();
    await gone.close();
    expect(await refusal(await connected({ 'proxy-url': gone.url }))).to.include(`through the proxy ${gone.url}`);
    proxy.answer = 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n';
    expect(await refusal(await connected({ 'proxy-url': proxy.url }))).to.match(/through the proxy .*: .*407/);
    proxy.answer = null;
    expect(await refusal(await connected({ 'proxy-url': proxy.url }))).to.match(
      /through the proxy .*(Proxy timeout|no connection within 3 s)$/,
    );
  });

  it('tls-server-name: the certificate is verified for that name', async () => {
    await works(await connected({ 'tls-server-name': 'kubernetes.default.svc' }), 'renamed');
    expect(await refusal(await connected({ 'tls-server-name': 'other.example' }))).to.include('other.example');
    await works(
      await connected({ 'tls-server-name': 'kubernetes.default.svc', 'proxy-url': proxy.url }),
      'renamed-proxied',
    );
    const wrong = await connected({ 'tls-server-name': 'other.example', 'proxy-url': proxy.url });
    expect(await refusal(wrong)).to.include('other.example');
  });

  it('insecure-skip-tls-verify: whatever the certificate', async () => {
    const unverified = { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true };
    await works(await connected(unverified), 'unverified');
    await works(await connected({ ...unverified, 'proxy-url': proxy.url }), 'unverified-proxied');
  });

  it('exec: the token of a plug-in; one that fails is told in its words', async () => {
    const exec = (script: string) => {
      const command = join(tempDir(), 'plugin');
      writeFileSync(command, `#!/bin/sh\n${script}\n`);
      chmodSync(command, 0o755);
      return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' } };
    };
    const credential = { kind: 'ExecCredential', status: { token: kube.files.adminToken } };
    await works(await connected({}, exec(`echo '${JSON.stringify(credential)}'`)), 'plugged');
    const failing = await connected({}, exec('echo "you are not logged in" >&2; exit 1'));
    expect(await refusal(failing)).to.match(/cannot be asked: its credentials cannot be had: you are not logged in$/);
  });
});

/** A proxy that only makes connections for others (RFC 9110 section 9.3.6). */
class ConnectProxy {
  readonly url: string;
  readonly asked: string[] = [];
  /** Instead of connecting; null: it says nothing at all. */
  answer: string | null = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (client) => {
      this.#keep(client);
      client.once('data', (head) => this.#serve(client, head.toString('latin1')));
    });
  }

  static listen(): Promise<ConnectProxy> {
    const server = createServer();
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(new ConnectProxy(server))));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket, head: string): void {
    if (this.answer === null) return;
    if (this.answer !== '') return void client.end(this.answer);
    const [, host, port] = /^CONNECT ([^ :]+):(\d+) HTTP\/1\.1\r\n/.exec(head) ?? [];
    if (host === undefined) return void client.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    this.asked.push(`${host}:${port}`);
    const server = connectTcp(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    this.#keep(server);
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
  }
}
