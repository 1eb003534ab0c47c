/**
 * `run --configmap` against a real API server, with the rights of an installation: what is live, what stays, what is said.
 * @together kube-commands @needs kubernetes
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { runCli } from '../support/cli.ts';
import { eventually, within } from '../support/eventually.ts';
import { KubeNamespace } from '../support/kube-namespace.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { freePort } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { OK, Recorder } from '../support/recorder.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { TcpGate } from '../support/tcp-gate.ts';
import { tempDir } from '../support/temp-dir.ts';

const HOST = 'shop.test';

describe('run with a ConfigMap', function () {
  this.timeout(120_000);
  let kube: KubeServers;
  let old: Recorder;
  let fresh: Recorder;
  const running: RunningProxy[] = [];

  const config = (percentage: number | string): string => `# kept
services:
  - name: shop
    old_host: ${HOST}
    old_backend: 127.0.0.1:${old.port}
    new_host: shop.new.test
    new_backend: 127.0.0.1:${fresh.port}
    new_protocol: http
    migration: { percentage: ${percentage} }
`;

  const TOKEN = 'a-token-of-some-length';
  const write = (proxy: RunningProxy, what: 'abort' | 'resume', token = TOKEN): Promise<Response> =>
    fetch(`${proxy.admin}/api/v1/services/shop/${what}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: '{"reason":"a test"}',
    });
  function tokenFile(): string {
    const file = join(tempDir(), 'token');
    writeFileSync(file, TOKEN);
    return file;
  }

  async function replica(space: KubeNamespace, options: Parameters<KubeNamespace['replica']>[0]) {
    const proxy = await space.replica(options);
    running.push(proxy);
    return proxy;
  }
  const answers = async (proxy: RunningProxy): Promise<number> => (await ask(proxy.port, { host: HOST })).status;

  before(async () => {
    [kube, old, fresh] = await Promise.all([sharedKubeServers(), Recorder.listen(OK), Recorder.listen(OK)]);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((proxy) => proxy.stop('SIGKILL').catch(() => {})));
  });
  after(async () => {
    await Promise.all([old?.close(), fresh?.close()]);
  });

  it('serves what it says; an edit is live; a typo keeps the last good version and is told with its place', async () => {
    const space = await KubeNamespace.make(kube, 'live');
    await space.configure(config(0));
    const proxy = await replica(space, { name: 'pod-a' });
    expect(await answers(proxy)).to.equal(200);

    await space.configure(config(30));
    await eventually('the edit is live', async () => (await proxy.service('shop')).percentage === 30);

    await space.configure(config('30 %'));
    await eventually('the service is stale', async () => (await proxy.service('shop')).stale);
    const { config: report, services } = await proxy.status();
    expect(services[0].percentage).to.equal(30);
    expect(report).to.include({ source: space.label, loaded_from: 'source' });
    expect(report.errors).to.have.length(1);
    expect(report.errors[0]).to.include({
      service: 'shop',
      file: space.label,
      line: 9,
      path: 'services[0].migration.percentage',
    });
    expect(proxy.process.stderr).to.include(`${space.label}:9:`);
    expect(await answers(proxy)).to.equal(200);

    await space.configure(config(40));
    await eventually('the next good version is live', async () => {
      const { percentage, stale } = await proxy.service('shop');
      return percentage === 40 && !stale;
    });
  });

  it('has a place among the replicas, and keeps what those that start need', async () => {
    const space = await KubeNamespace.make(kube, 'place');
    await space.configure(config(10));
    const proxy = await replica(space, { name: 'pod-a', flags: ['--admin-token-file', tokenFile()] });
    const { api_server: apiServer, replicas } = await eventually('it leads', async () => {
      const status = await proxy.status();
      return status.replicas?.[0]?.leader ? status : null;
    });
    expect(apiServer?.connected).to.equal(true);
    expect(Date.now() - Date.parse(apiServer?.last_heard_at ?? '')).to.be.below(40_000);
    expect(replicas?.map(({ name }) => name)).to.deep.equal(['pod-a']);
    const lease = await space.object('lease', 'migration-proxy');
    expect(lease?.spec).to.include({ holderIdentity: 'pod-a' });
    expect(lease?.metadata.labels).to.include({ 'app.kubernetes.io/component': 'lease' });
    const kept = await eventually('the last good configuration is kept', () =>
      space.object('configmap', 'migration-proxy-last-good'),
    );
    expect(kept.data?.format).to.equal('1');

    // A new pod with nothing on its disk, while the configuration is broken.
    await space.configure('services: [');
    const late = await replica(space, { name: 'pod-b' });
    const { percentage, stale } = await late.service('shop');
    expect([percentage, stale]).to.deep.equal([10, true]);
    expect(await answers(late)).to.equal(200);
    await eventually('each knows both', async () => {
      const lists = await Promise.all([proxy, late].map(async (one) => (await one.status()).replicas ?? []));
      return lists.every((list) => list.map(({ name }) => name).join() === 'pod-a,pod-b');
    });

    expect((await write(proxy, 'abort')).status).to.equal(200);
    await eventually(
      'the other holds it too',
      async () => (await late.service('shop')).hold?.reason === 'a test',
      1_000,
    );

    const third = await replica(space, { name: 'pod-c' });
    expect((await third.service('shop')).state, 'from its first request on').to.equal('fallen_back');
    await third.stop();

    const metrics = (await proxy.askAdmin('/metrics')).body.toString();
    for (const line of ['api_server_connected 1', 'leader 1', 'replicas 2', 'shared_writes_total{result="done"} 1']) {
      expect(metrics).to.include(`migration_proxy_${line}\n`);
    }
    expect(metrics).to.match(/migration_proxy_config_source_last_sync_timestamp_seconds \d/);

    await proxy.stop();
    await eventually('the other leads, and the one that ended is not there', async () => {
      const list = (await late.status()).replicas ?? [];
      return list.length === 1 && list[0].leader;
    });
  });

  it('that is not there is waited for, and the log says so', async () => {
    const space = await KubeNamespace.make(kube, 'waiting');
    const proxy = await replica(space, { name: 'pod-a', ready: false });
    await eventually('it says what it waits for', () =>
      proxy.process.stderr.includes('waits for ConfigMap waiting/migration-config, which does not exist'),
    );
    const { status, body } = await proxy.askAdmin('/readyz');
    expect([status, JSON.parse(body.toString()).detail]).to.deep.equal([
      503,
      `no configuration yet: waiting for ${space.label}`,
    ]);
    await space.configure(config(50));
    await proxy.ready();
    expect(await answers(proxy)).to.equal(200);
  });

  it('that may not be read is told with the line of the Role that is missing, and with that line it is', async () => {
    const space = await KubeNamespace.make(kube, 'unreadable');
    await space.configure(config(30));
    const ours = { op: 'remove', path: '/rules/0/resourceNames/0' };
    const patch = (...steps: object[]) =>
      kube.expectKubectl(
        '-n',
        space.name,
        'patch',
        'role',
        'migration-proxy',
        '--type=json',
        '-p',
        JSON.stringify(steps),
      );
    await patch(ours);
    const proxy = await replica(space, { name: 'pod-a', ready: false });
    const { problem } = await eventually('it is told', async () => {
      const { api_server: apiServer } = await proxy.status();
      return apiServer?.refused ? apiServer : null;
    });
    const [, where, line = ''] = /what is missing is, in (a Role in namespace \S+): - (.*)$/.exec(problem ?? '') ?? [];
    expect([where, line]).to.deep.equal([
      'a Role in namespace unreadable',
      '{ apiGroups: [""], resources: [configmaps], resourceNames: [migration-config], verbs: [get, list, watch] }',
    ]);
    await eventually('the log has it', () =>
      proxy.process.stderr.includes('changes of the configuration are not heard of'),
    );
    const { replicas } = await eventually('it is registered', async () => {
      const status = await proxy.status();
      return status.replicas?.length === 1 ? status : null;
    });
    expect(replicas?.[0]?.name).to.equal('pod-a');
    await patch({ op: 'add', path: '/rules/-', value: parse(line) });
    await proxy.ready();
    expect((await proxy.service('shop')).percentage).to.equal(30);
  });

  it('goes on without the API server, says so, and is caught up when it is back', async () => {
    const space = await KubeNamespace.make(kube, 'outage');
    await space.configure(config(0));
    const proxy = await replica(space, { name: 'pod-a', flags: ['--admin-token-file', tokenFile()] });
    await kube.stopApiServer();
    const lost = await eventually('the loss is told', async () => {
      const { api_server: apiServer } = await proxy.status();
      return apiServer?.connected === false ? apiServer : null;
    });
    expect(lost.problem).to.include('does not answer');
    expect(await answers(proxy)).to.equal(200);
    expect((await proxy.askAdmin('/readyz')).status).to.equal(200);
    expect((await proxy.askAdmin('/metrics')).body.toString()).to.include('migration_proxy_api_server_connected 0\n');

    const held = await write(proxy, 'abort');
    expect(held.status).to.equal(202);
    expect(((await held.json()) as { message: string }).message).to.include('on this replica alone until');
    expect((await proxy.service('shop')).hold?.reason).to.equal('a test');

    await kube.startApiServer();
    await eventually('the hold is shared', async () => {
      const state = await space.object('configmap', 'migration-proxy-state');
      return state?.data?.shop?.includes('a test');
    });
    await space.configure(config(70));
    await eventually('it is caught up', async () => (await proxy.service('shop')).percentage === 70, 15_000);
    expect((await proxy.status()).api_server?.connected).to.equal(true);
    expect(proxy.process.stderr).to.include('"code":"api_server_lost"').and.include('"code":"api_server_connected"');
  });

  it('starts without the API server from its state directory, and from nothing waits', async () => {
    const space = await KubeNamespace.make(kube, 'start');
    await space.configure(config(20));
    const first = await replica(space, { name: 'pod-a' });
    await first.stop();
    const kubeconfig = await kube.serviceAccountKubeconfig(
      'start',
      'migration-proxy',
      `https://127.0.0.1:${await freePort()}`,
    );
    const flags = ['--kubeconfig', kubeconfig];
    const again = await replica(space, { name: 'pod-a', after: first, flags });
    const { config: report, services, api_server: apiServer } = await again.status();
    expect([report.loaded_from, services[0].stale, apiServer?.connected]).to.deep.equal(['last_good', true, false]);
    expect(report.errors.map(({ message }) => message).join()).to.include('does not answer');
    expect(await answers(again)).to.equal(200);

    const empty = await replica(space, { name: 'pod-b', flags, ready: false });
    await eventually('it says that it waits', () => empty.process.stderr.includes('the configuration cannot be read'));
    expect((await empty.askAdmin('/readyz')).status).to.equal(503);
  });

  it('that is broken when a pod first reaches the API server leaves it what the others serve', async () => {
    const space = await KubeNamespace.make(kube, 'late');
    await space.configure(config(20));
    const first = await replica(space, { name: 'pod-a' });
    await eventually('it is kept', () => space.object('configmap', 'migration-proxy-last-good'));
    const gate = await TcpGate.to(kube.url);
    try {
      await gate.cut();
      const late = await replica(space, { name: 'pod-b', url: gate.url, ready: false });
      await eventually('it waits', () => late.process.stderr.includes('the configuration cannot be read'));
      await space.configure(config('all'));
      await eventually('the first keeps what was good', async () => (await first.service('shop')).stale);
      await gate.open();
      await late.ready();
      const { percentage, stale } = await late.service('shop');
      expect([percentage, stale]).to.deep.equal([20, true]);
    } finally {
      await gate.end();
    }
  });

  it('takes no writes without a token, and one whose Secret comes later', async () => {
    const space = await KubeNamespace.make(kube, 'token');
    await space.configure(config(20));
    const file = join(tempDir(), 'token');
    const proxy = await replica(space, { name: 'pod-a', flags: ['--admin-token-file', file] });
    expect((await write(proxy, 'abort')).status).to.equal(403);
    writeFileSync(file, TOKEN);
    const answer = await eventually('the token is taken', async () => {
      const response = await write(proxy, 'abort');
      return response.status === 200 ? ((await response.json()) as { message: string; pending: boolean }) : null;
    });
    expect(answer.pending).to.equal(false);
    expect(answer.message).to.include('nothing to commit');
    const state = await space.object('configmap', 'migration-proxy-state');
    expect(Object.keys(state?.data ?? {})).to.deep.equal(['shop']);
    expect((await write(proxy, 'resume')).status).to.equal(200);
    expect((await space.object('configmap', 'migration-proxy-state'))?.data?.shop, 'untouched again').to.equal(
      undefined,
    );
    await within('it ends', proxy.stop());
  });

  it('may be many, by their labels, of all namespaces; ours are where the proxy is', async () => {
    const [space, beside] = [await KubeNamespace.make(kube, 'many'), await KubeNamespace.make(kube, 'beside')];
    const source = ['--selector', 'migration-proxy/config=true', '--kubeconfig', kube.adminKubeconfig];
    const env = { POD_NAME: 'pod-a', POD_NAMESPACE: 'many' };
    await beside.configure(config(10), { 'migration-proxy/config': 'true' });
    const proxy = await RunningProxy.start(null, { source, env });
    running.push(proxy);
    expect((await proxy.status()).config.source).to.equal('selector:migration-proxy/config=true');
    const more = config(90).replace('name: shop', 'name: cart').replace(HOST, 'cart.test');
    await space.configure(more, { 'migration-proxy/config': 'true' });
    await eventually('both serve', async () => (await proxy.status()).services.length === 2);
    expect((await proxy.status()).services.map(({ name, source }) => `${name} ${source}`)).to.have.members([
      `cart ${space.label}`,
      `shop ${beside.label}`,
    ]);
    const { stdout } = await runCli(['status', '--admin', proxy.admin]);
    expect(stdout)
      .to.match(/^SERVICE +SOURCE /m)
      .and.match(/^shop +beside\/migration-config +steady /m);
    const explained = await runCli(['explain', 'cart', '--admin', proxy.admin]);
    expect(explained.stdout).to.match(/^source +configmap:many\/migration-config$/m);
    await beside.delete('configmap', 'migration-config');
    await eventually('what is gone is stale', async () => (await proxy.service('shop')).stale);
    const [error] = (await proxy.status()).config.errors;
    expect(error).to.include({ code: 'source_gone', file: beside.label });
    await eventually('our objects are in the namespace of the proxy', () => space.object('lease', 'migration-proxy'));
    expect(await beside.object('lease', 'migration-proxy')).to.equal(null);
  });

  it('cannot start where no API server is named, and says so', async () => {
    const result = await runCli(['run', '--configmap', 'a/b', '--kubeconfig', join(tempDir(), 'none')]);
    expect([result.code, result.stdout]).to.deep.equal([2, '']);
    expect(result.stderr).to.include('no API server to ask').and.include('none');
    const twice = await runCli(['run', '--configmap', 'a/b', '--configmap', 'a/c']);
    expect(twice.code).to.equal(2);
    expect(twice.stderr).to.include('given twice');
  });
});
