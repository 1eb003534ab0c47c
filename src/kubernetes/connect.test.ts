import { writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually, within } from '../../test/support/eventually.ts';
import { FakeApiServer } from '../../test/support/fake-api-server.ts';
import { tempDir } from '../../test/support/temp-dir.ts';
import { type KubeApi, KubeFailure } from './api.ts';
import { connect } from './connect.ts';

const one = { kind: 'one', namespace: 'shop', name: 'migration' } as const;
const labelled = { kind: 'labelled', namespace: null, labels: 'app=shop' } as const;

async function failureOf(answer: Promise<unknown>): Promise<KubeFailure> {
  const error = await answer.then(
    () => null,
    (failure: unknown) => failure,
  );
  expect(error).to.be.instanceOf(KubeFailure);
  return error as KubeFailure;
}

/** What a watch tells, in words. */
function follow(api: KubeApi, from = '0') {
  const told: string[] = [];
  const watch = api.watchConfigMaps(one, from, {
    onObject: (kind, { meta }) => told.push(`${kind} ${meta.resourceVersion}`),
    onHeard: (version) => told.push(`heard ${version}`),
    onEnd: (failure) => told.push(failure === null ? 'end' : `${failure.kind}: ${failure.message}`),
  });
  return { told, stop: () => watch.stop() };
}

describe('the connection to an API server', () => {
  let fake: FakeApiServer;
  let api: KubeApi;

  beforeEach(async () => {
    fake = await FakeApiServer.start();
    api = await connect({ kubeconfig: fake.kubeconfig() });
  });

  afterEach(async () => {
    api.close();
    await fake.stop();
  });

  it('asks for one object by a field selector, as a Role with names allows it, and consistently', async () => {
    fake.put('migration', { 'migration.yaml': 'services: []\n' });
    fake.put('other', {});
    const { items, resourceVersion } = await api.listConfigMaps(one);
    expect(items.map(({ meta, data }) => [meta.name, data])).to.deep.equal([
      ['migration', { 'migration.yaml': 'services: []\n' }],
    ]);
    expect(resourceVersion).to.equal(String(fake.version));
    const { url, headers } = fake.seen[0];
    expect(url.searchParams.get('fieldSelector')).to.equal('metadata.name=migration');
    expect(url.searchParams.has('resourceVersion')).to.equal(false);
    expect(headers.authorization).to.equal('Bearer secret-token');
    expect(api.namespace).to.equal('shop');
  });

  it('asks for many in pages', async () => {
    for (let i = 0; i < 1_203; i++) fake.put(`m${i}`, {}, { labels: { app: 'shop' }, namespace: `ns${i % 7}` });
    const { items } = await api.listConfigMaps(labelled);
    expect(new Set(items.map(({ meta }) => meta.name)).size).to.equal(1_203);
    expect(fake.count('list')).to.equal(3);
  });

  it('keeps its connection: a hundred requests open one', async () => {
    fake.put('migration', {});
    const sockets = new Set<string>();
    for (let i = 0; i < 100; i++) {
      await api.getConfigMap('shop', 'migration');
      sockets.add(String(fake.seen.at(-1)?.port));
    }
    expect(sockets.size).to.equal(1);
  });

  it('says what kind of patch it sends, and as whom', async () => {
    fake.put('migration', {});
    await api.patchConfigMap('shop', 'migration', { kind: 'merge', body: { data: { a: '1' } } });
    await api.patchConfigMap('shop', 'migration', { kind: 'json', operations: [{ op: 'test', path: '/data/a' }] });
    expect(fake.seen.map(({ headers }) => headers['content-type'])).to.deep.equal([
      'application/merge-patch+json',
      'application/json-patch+json',
    ]);
    expect(fake.seen.map(({ url }) => url.searchParams.get('fieldManager'))).to.deep.equal([
      'migration-proxy',
      'migration-proxy',
    ]);
    expect(fake.seen[0].body).to.equal('{"data":{"a":"1"}}');
  });

  it('answers null for what is not there', async () => {
    expect(await api.getConfigMap('shop', 'migration')).to.equal(null);
  });

  const statuses = [
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [410, 'gone'],
    [429, 'throttled'],
    [500, 'server'],
    [503, 'throttled'],
    [504, 'server'],
  ] as const;
  for (const [status, kind] of statuses) {
    it(`names ${status} ${kind}, with the API's own words`, async () => {
      const headers = status === 429 || status === 503 ? { 'Retry-After': '3' } : {};
      fake.next('list', { status, headers }, { status, headers });
      const failure = await failureOf(api.listConfigMaps(one));
      expect(failure.kind).to.equal(kind);
      expect(failure.message).to.contain(`(${status}): the fake says ${status}`);
      expect(failure.message).to.contain(`configmap "migration" in namespace "shop"`);
      expect(failure.retryAfterMs).to.equal(kind === 'throttled' ? 3_000 : null);
    });
  }

  it('calls a page of a gateway, and half an object, no answer of the API', async () => {
    for (const body of ['<html>hello</html>', '{"items":[{', '{"items":[{"metadata":{"name":"x"}}]}']) {
      fake.next('list', { status: 200, headers: { 'Content-Type': 'text/html' }, body });
      const failure = await failureOf(api.listConfigMaps(one));
      expect(failure.kind, body).to.equal('server');
      expect(failure.message).to.contain('no object of the API');
    }
  });

  it('asks again for a single read that failed in passing, and not for a write', async () => {
    fake.put('migration', {});
    fake.next('other', { status: 500 }, 'reset');
    expect((await api.getConfigMap('shop', 'migration'))?.meta.name).to.equal('migration');
    fake.next('other', 'reset');
    const failure = await failureOf(api.patchConfigMap('shop', 'migration', { kind: 'merge', body: {} }));
    expect(failure.kind).to.equal('unreachable');
    expect(failure.message).to.contain('does not answer');
  });

  it('says that nobody listens', async () => {
    const url = api.server;
    await fake.stop();
    const failure = await failureOf(api.listConfigMaps(one));
    expect(failure.message).to.equal(
      `the API server ${url} does not answer: connect ECONNREFUSED 127.0.0.1:${new URL(url).port}`,
    );
    fake = await FakeApiServer.start();
  });

  it('gives up a server that takes the connection and never speaks TLS', async function () {
    this.timeout(10_000);
    const sockets: Socket[] = [];
    const silent = createTcpServer((socket) => sockets.push(socket.on('error', () => {}).resume()));
    silent.listen(0, '127.0.0.1');
    await eventually('listening', () => silent.listening);
    const { port } = silent.address() as { port: number };
    const path = join(tempDir(), 'config');
    writeFileSync(path, kubeconfigFor(`https://127.0.0.1:${port}`));
    const dead = await connect({ kubeconfig: path });
    const failure = await failureOf(dead.listConfigMaps(one));
    expect(failure.message).to.contain('does not answer: no connection within 3 s');
    await eventually('the socket is closed', () => sockets.length === 1 && sockets[0].closed);
    dead.close();
    silent.close();
  });

  it('reads a token again that is refused', async () => {
    const tokenFile = join(tempDir(), 'token');
    writeFileSync(tokenFile, 'first\n');
    const rotating = await connect({ kubeconfig: fake.kubeconfig({ tokenFile }) });
    await rotating.listConfigMaps(one);
    expect(fake.seen[0].headers.authorization).to.equal('Bearer first');
    writeFileSync(tokenFile, 'second\n');
    await eventually(
      'the new token is used',
      async () => {
        fake.next('list', { status: 401 });
        await rotating.listConfigMaps(one).catch(() => {});
        return fake.seen.at(-1)?.headers.authorization === 'Bearer second';
      },
      10_000,
      200,
    );
    rotating.close();
  }).timeout(12_000);

  describe('a watch', () => {
    it('tells what changes, and goes on from a version', async () => {
      fake.put('migration', { a: '1' });
      const from = String(fake.version);
      fake.put('migration', { a: '2' });
      fake.put('other', {});
      const { told, stop } = follow(api, from);
      await eventually('the past', () => told.length >= 3);
      fake.remove('migration');
      fake.writeEvent('BOOKMARK', { metadata: { resourceVersion: '500' } });
      await eventually('the bookmark', () => told.includes('heard 500'));
      expect(told).to.deep.equal(['heard 101', 'modified 102', 'heard 102', 'deleted 104', 'heard 104', 'heard 500']);
      stop();
      await eventually('the server sees it end', () => fake.openWatches === 0);
      expect(told.at(-1)).to.equal('heard 500');
    });

    it('reads bytes that come one at a time', async () => {
      fake.next('watch', 'slow-bytes');
      const { told, stop } = follow(api);
      await eventually('the watch is open', () => fake.openWatches === 1);
      fake.put('migration', { a: 'ä' });
      await eventually('the object', () => told.includes('added 101'));
      stop();
    });

    const ends: readonly (readonly [string, (server: FakeApiServer) => void, RegExp])[] = [
      ['as the server ends it', (server) => server.endWatches(), /^end$/],
      ['with a reset', (server) => server.endWatches('reset'), /^unreachable: .*does not answer/],
      ['with ERROR 410', (server) => server.writeEvent('ERROR', { code: 410, message: 'too old' }), /^gone: .*too old/],
      [
        'in the middle of a line',
        (server) => {
          server.write('{"type":"MODIFIED","obj');
          server.endWatches();
        },
        /^server: .*breaks off/,
      ],
      ['with a line that does not read', (server) => server.write('{"type":\n'), /^server: .*does not read/],
      ['with an object that is none', (server) => server.writeEvent('ADDED', {}), /^server: .*metadata\.name/],
    ];
    for (const [how, act, expected] of ends) {
      it(`ends once, ${how}`, async () => {
        const { told } = follow(api);
        await eventually('the watch is open', () => told.length === 1 && fake.openWatches === 1);
        act(fake);
        await eventually('the end', () => told.length === 2);
        expect(told[1]).to.match(expected);
        await eventually('the server sees it end', () => fake.openWatches === 0);
      });
    }

    it('says why it was refused', async () => {
      fake.next('watch', { status: 403 });
      const { told } = follow(api);
      await eventually('the end', () => told.length === 1);
      expect(told[0]).to.match(/^forbidden: .*refuses to watch configmaps \(403\): the fake says 403/);
    });
  });
});

describe('where the API server is', () => {
  const refusal = async (options: Parameters<typeof connect>[0]): Promise<string> =>
    within(
      'an answer',
      connect(options).then(
        () => 'connected',
        (error: unknown) => String(error),
      ),
    );

  it('says what is missing when there is none', async () => {
    const home = tempDir();
    expect(await refusal({ env: { HOME: home } })).to.contain(
      `this is no pod, $KUBECONFIG is not set and ${home}/.kube/config is not there`,
    );
    expect(await refusal({ env: { HOME: home, KUBERNETES_SERVICE_HOST: '10.0.0.1' } })).to.match(
      /this pod has no .*serviceaccount\/token \(the volume kube-api-access brings it, unless .*: false\), \$KUBECONFIG/,
    );
    expect(await refusal({ kubeconfig: `${home}/none` })).to.contain(`kubeconfig ${home}/none cannot be used: ENOENT`);
    writeFileSync(join(home, 'empty'), 'clusters: []\n');
    expect(await refusal({ kubeconfig: join(home, 'empty') })).to.contain('no current context that names a cluster');
  });

  it('says which of the credentials cannot be had, instead of that nobody answers', async () => {
    const path = join(tempDir(), 'config');
    writeFileSync(path, kubeconfigFor('https://127.0.0.1:1').replace('"token":"t"', '"tokenFile":"gone"'));
    const api = await connect({ kubeconfig: path });
    expect(
      await api.createConfigMap({ namespace: 'a', name: 'b', labels: {}, data: {} }).then(String, String),
    ).to.match(
      /the API server https:\/\/127\.0\.0\.1:1 cannot be asked: \/.*\/gone is not there: the kubeconfig names it$/,
    );
    api.close();
  });

  it('sends no token without TLS to another machine', async () => {
    const path = join(tempDir(), 'config');
    writeFileSync(path, kubeconfigFor('http://10.1.2.3:8080'));
    expect(await refusal({ kubeconfig: path })).to.contain('would be asked without TLS');
  });

  it('takes the files of $KUBECONFIG together, the first that names something', async () => {
    const directory = tempDir();
    writeFileSync(join(directory, 'one'), kubeconfigFor('https://one.example:6443'));
    writeFileSync(join(directory, 'two'), kubeconfigFor('https://two.example:6443'));
    const api = await connect({ env: { KUBECONFIG: `${join(directory, 'one')}:${join(directory, 'two')}` } });
    expect(api.server).to.equal('https://one.example:6443');
    expect(api.namespace).to.equal('default');
    api.close();
  });
});

function kubeconfigFor(server: string): string {
  return JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster: { server } }],
    users: [{ name: 'u', user: { token: 't' } }],
  });
}
