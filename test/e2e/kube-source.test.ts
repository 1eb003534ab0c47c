/**
 * ConfigMaps of a real API server as a source of configuration, with the service account's own token and no more rights than the
 * manifests give: edits by kubectl, loss of the server, a partition, a half-open connection. @together kube-commands @needs kubernetes
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type KubeApi, KubeFailure } from '../../src/kubernetes/api.ts';
import { ConfigMapSource } from '../../src/kubernetes/config-map-source.ts';
import { connect } from '../../src/kubernetes/connect.ts';
import { Reflector } from '../../src/kubernetes/reflector.ts';
import type { SourceRead } from '../../src/migration/candidates.ts';
import { eventually } from '../support/eventually.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { TcpGate } from '../support/tcp-gate.ts';
import { tempDir } from '../support/temp-dir.ts';

const RIGHTS = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: proxy }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: proxy }
rules:
  - { apiGroups: [''], resources: [configmaps], resourceNames: [migration-config, ours], verbs: [get, list, watch, patch] }
  - { apiGroups: [''], resources: [configmaps], verbs: [create] }
  - { apiGroups: [''], resources: [events], verbs: [create] }
  - { apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [ours], verbs: [patch] }
  - { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: proxy }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: proxy }
subjects: [{ kind: ServiceAccount, name: proxy, namespace: shop }]
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reader }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader }
rules:
  - { apiGroups: [''], resources: [configmaps], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: reader }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: shop }]
`;

/** "Back, it is caught up within 5 s." */
const CAUGHT_UP_MS = 5_000;

function manifest(name: string, percentage: number, labels: Record<string, string> = {}): string {
  const text = `# by hand
services:
  - name: ${name}
    old_host: ${name}.old
    old_backend: ${name}.svc:80
    new_host: ${name}.new
    new_backend: ${name}.new:80
    migration: { enabled: true, percentage: ${percentage} }
`;
  const metadata = { name, labels };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'migration.yaml': text } });
}

const setTimer = (fire: () => void, delayMs: number) => {
  const timer = setTimeout(fire, delayMs);
  return () => clearTimeout(timer);
};

describe('ConfigMaps of a real API server', function () {
  this.timeout(60_000);
  let kube: KubeServers;
  let proxy: string;
  const open: (() => Promise<void> | void)[] = [];

  before(async function () {
    this.timeout(90_000);
    kube = await sharedKubeServers();
    await kube.restrictedNamespace('shop');
    await kube.restrictedNamespace('other');
    const file = join(tempDir(), 'rights.yaml');
    writeFileSync(file, RIGHTS);
    await kube.applyManifests(file, 'shop');
    proxy = await kube.serviceAccountKubeconfig('shop', 'proxy');
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  async function apply(text: string, ...flags: string[]): Promise<void> {
    const args = ['-n', 'shop', 'apply', '--server-side', '--force-conflicts', ...flags, '-f', '-'];
    const { code, stderr } = await kube.kubectl(args, { input: text });
    if (code !== 0) throw new Error(stderr);
  }

  async function connected(kubeconfig: string): Promise<KubeApi> {
    const api = await connect({ kubeconfig });
    open.push(() => api.close());
    return api;
  }

  async function started(api: KubeApi, selection: ConstructorParameters<typeof ConfigMapSource>[0]['selection']) {
    const log: string[] = [];
    const say = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);
    const source = new ConfigMapSource({
      api,
      selection,
      now: Date.now,
      random: Math.random,
      setTimer,
      log: { debug: say, info: say, warn: say, error: say },
      edit: async () => ({ ok: false, code: 'refused', message: '' }),
    });
    open.push(() => source.close());
    const newest = new Map<string, SourceRead>();
    const batches: SourceRead[][] = [];
    await source.start(async (reads) => {
      batches.push([...reads]);
      for (const read of reads) newest.set(read.id, read);
    }, []);
    const percentage = (id: string): number | null => {
      const read = newest.get(id)?.read;
      if (read === undefined || typeof read === 'string') return null;
      return (read.services[0]?.migration?.shareBp ?? -100) / 100;
    };
    return { source, newest, batches, percentage, log };
  }

  const id = 'configmap:shop/migration-config';
  const one = { kind: 'one', namespace: 'shop', name: 'migration-config' } as const;

  it('are read and followed by their name alone, with rights to that name alone', async () => {
    const api = await connected(proxy);
    const { percentage, newest, log } = await started(api, one);
    expect(log[0]).to.contain('waits for ConfigMap shop/migration-config, which does not exist');
    await apply(manifest('migration-config', 10), '--field-manager=argocd-controller');
    await eventually('10 %', () => percentage(id) === 10);
    expect(newest.get(id)?.version).to.include({ by: 'argocd-controller', manager: 'argocd-controller' });
    const edited = manifest('migration-config', 11);
    const replaced = await kube.kubectl(['-n', 'shop', 'replace', '-f', '-'], { input: edited });
    expect(replaced.code, replaced.stderr).to.equal(0);
    await eventually('11 %', () => percentage(id) === 11);
    expect(newest.get(id)?.version?.by).to.equal('kubectl-replace');
    await kube.expectKubectl('-n', 'shop', 'delete', 'configmap', 'migration-config');
    await eventually('gone', () => newest.get(id)?.read === 'gone');
    await apply(manifest('migration-config', 12));
    await eventually('12 %', () => percentage(id) === 12);

    const refused = await api.listConfigMaps({ kind: 'one', namespace: 'shop', name: 'else' }).catch((error) => error);
    expect(refused).to.be.instanceOf(KubeFailure).and.include({ kind: 'forbidden' });
    expect(refused.message).to.contain('User "system:serviceaccount:shop:proxy" cannot list resource "configmaps"');
  });

  it('of all namespaces are found by a label, and gone without it', async () => {
    const api = await connected(await kube.serviceAccountKubeconfig('shop', 'reader'));
    await apply(manifest('a', 1, { app: 'shop' }));
    await apply(manifest('unlabelled', 1));
    const inOther = ['-n', 'other', 'apply', '--server-side', '-f', '-'];
    await kube.kubectl(inOther, { input: manifest('b', 2, { app: 'shop' }) });
    const { batches, newest, percentage } = await started(api, {
      kind: 'labelled',
      namespace: null,
      labels: 'app=shop',
    });
    expect(batches[0].map((read) => read.id).sort()).to.deep.equal(['configmap:other/b', 'configmap:shop/a']);
    await kube.kubectl(inOther, { input: manifest('b', 3, { app: 'shop' }) });
    await eventually('3 %', () => percentage('configmap:other/b') === 3);
    await kube.expectKubectl('-n', 'shop', 'label', 'configmap', 'a', 'app-');
    await eventually('gone', () => newest.get('configmap:shop/a')?.read === 'gone');
    expect(newest.has('configmap:shop/unlabelled')).to.equal(false);
  });

  it('are followed again after the API server was killed, within seconds of its return', async () => {
    await apply(manifest('migration-config', 20));
    const { source, percentage, batches } = await started(await connected(proxy), one);
    const before = batches.length;
    await kube.stopApiServer();
    await eventually('the loss', () => !source.apiServer().connected);
    expect(source.apiServer().problem).to.match(/^the API server https:.* does not answer: /);
    await kube.startApiServer();
    await eventually('the return', () => source.apiServer().connected, CAUGHT_UP_MS);
    expect(batches.length, 'nothing is handed over twice').to.equal(before);
    await apply(manifest('migration-config', 21));
    await eventually('21 %', () => percentage(id) === 21, CAUGHT_UP_MS);

    const old = await new Promise<KubeFailure | null>((resolve) => {
      connected(proxy).then((api) => api.watchConfigMaps(one, '1', { onObject() {}, onHeard() {}, onEnd: resolve }));
    });
    expect(old?.kind).to.equal('gone');
  });

  it('that changed during a partition are there within seconds of its end', async () => {
    await apply(manifest('migration-config', 30));
    const gate = await TcpGate.to(kube.url);
    open.push(() => gate.end());
    const throughGate = await kube.serviceAccountKubeconfig('shop', 'proxy', gate.url);
    const { source, percentage } = await started(await connected(throughGate), one);
    await gate.cut();
    await eventually('the loss', () => !source.apiServer().connected);
    await apply(manifest('migration-config', 31));
    await gate.open();
    await eventually('31 %', () => percentage(id) === 31, CAUGHT_UP_MS);
  });

  it('are followed anew when the connection is half open', async () => {
    await apply(manifest('migration-config', 40));
    const gate = await TcpGate.to(kube.url);
    open.push(() => gate.end());
    const api = await connected(await kube.serviceAccountKubeconfig('shop', 'proxy', gate.url));
    let text = '';
    const reflector = new Reflector({
      api,
      selection: one,
      now: Date.now,
      random: Math.random,
      setTimer,
      onObjects: (objects) => {
        text = objects.get('shop/migration-config')?.data['migration.yaml'] ?? '';
      },
      onFault: (error) => {
        throw error;
      },
      // A quiet watch is ended by the server after 30 s; nobody waits so long in a test.
      silenceMs: 500,
    });
    open.push(() => reflector.close());
    await reflector.start();
    await gate.swallow();
    await eventually('the silence is noticed', () => !reflector.connection.connected);
    expect(reflector.connection.problem).to.contain('nothing heard of it for 0.5 s');
    await apply(manifest('migration-config', 41));
    // Connections that were taken while nothing passed stay dead: only what is tried afresh gets through.
    await gate.cut();
    await gate.open();
    await eventually('the change', () => text.includes('percentage: 41'), CAUGHT_UP_MS);
  });

  it('are made and changed, with leases and events beside them, as the API wants it', async () => {
    const api = await connected(proxy);
    const names = { namespace: 'shop', name: 'ours' };
    const labels = { 'app.kubernetes.io/name': 'migration-proxy' };
    const binaryData = { 'x.gz': Buffer.from([0, 1, 255]).toString('base64') };
    expect(await api.getConfigMap('shop', 'ours')).to.equal(null);
    const made = await api.createConfigMap({ ...names, labels, data: { a: '1' }, binaryData });
    expect([made.data, made.binaryData, made.meta.labels]).to.deep.equal([{ a: '1' }, binaryData, labels]);
    expect((await api.getConfigMap('shop', 'ours'))?.binaryData).to.deep.equal(binaryData);

    const kindOf = (answer: Promise<unknown>) =>
      answer.then(
        () => 'done',
        (error: KubeFailure) => error.kind,
      );
    const merge = (body: Record<string, unknown>) => api.patchConfigMap('shop', 'ours', { kind: 'merge', body });
    const swap = (from: string, to: string) =>
      api.patchConfigMap('shop', 'ours', {
        kind: 'json',
        operations: [
          { op: 'test', path: '/data/a', value: from },
          { op: 'replace', path: '/data/a', value: to },
        ],
      });
    expect(await kindOf(api.createConfigMap({ ...names, labels }))).to.equal('exists');
    expect(await kindOf(swap('1', '2'))).to.equal('done');
    expect(await kindOf(swap('1', '3'))).to.equal('invalid');
    expect(await kindOf(merge({ data: { b: '1' }, metadata: { resourceVersion: '1' } }))).to.equal('conflict');
    expect(await kindOf(merge({ data: { b: 'x'.repeat(1_100_000) } }))).to.equal('too_large');
    const { data, meta } = await merge({ data: { a: null, b: 'x' } });
    expect(data).to.deep.equal({ b: 'x' });
    expect(meta.managedFields.map(({ manager }) => manager)).to.deep.equal(['migration-proxy']);

    const lease = await api.createLease({
      ...names,
      labels,
      annotations: { a: 'b' },
      holder: null,
      durationSeconds: 15,
      renewMs: 1_700_000_000_123,
    });
    expect(lease.meta.annotations).to.deep.equal({ a: 'b' });
    expect(lease).to.include({ holder: null, durationSeconds: 15, renewTime: '2023-11-14T22:13:20.123000Z' });
    const spec = { holderIdentity: 'pod-a', renewTime: '2026-01-01T00:00:00.123456Z' };
    const held = await api.patchLease('shop', 'ours', { kind: 'merge', body: { spec } });
    expect(held, 'all six decimals').to.include({ holder: 'pod-a', renewTime: spec.renewTime });

    const about = { kind: 'ConfigMap', ...names, uid: made.meta.uid } as const;
    const atMs = Date.now();
    const event = {
      namespace: 'shop',
      name: 'ours.1',
      type: 'Warning',
      reason: 'Tried',
      message: 'line 3',
      atMs,
      about,
      instance: 'a',
    } as const;
    expect([await api.createEvent(event), await api.createEvent(event)]).to.deep.equal(['created', 'exists']);
    expect(await kube.expectKubectl('-n', 'shop', 'describe', 'configmap', 'ours')).to.match(/Warning +Tried .*line 3/);
  });
});
