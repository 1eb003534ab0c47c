/**
 * The small Kubernetes that other tests use: what they rely on, shown once. @needs kubernetes
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { type KubeServers, startKubeServers } from '../support/kube-servers.ts';
import { TcpGate } from '../support/tcp-gate.ts';
import { tempDir } from '../support/temp-dir.ts';

const WRITER = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: writer }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: writer }
rules:
  - { apiGroups: [''], resources: [configmaps], verbs: [get, list, create] }
  - { apiGroups: ['', events.k8s.io], resources: [events], verbs: [create] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: writer }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer }
subjects: [{ kind: ServiceAccount, name: writer, namespace: lab }]
`;

const EVENT = JSON.stringify({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: 'shop.1', namespace: 'lab' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'example.com/lab',
  reportingInstance: 'lab-1',
  action: 'Try',
  reason: 'Tried',
  type: 'Normal',
  note: 'one event',
  regarding: { kind: 'ConfigMap', namespace: 'lab', name: 'shop' },
});

describe('a real etcd and kube-apiserver', function () {
  this.timeout(90_000);
  let kube: KubeServers;
  let writer: string;

  before(async () => {
    kube = await startKubeServers();
    await kube.restrictedNamespace('lab');
    const file = join(tempDir(), 'writer.yaml');
    writeFileSync(file, WRITER);
    await kube.applyManifests(file, 'lab');
    writer = await kube.serviceAccountKubeconfig('lab', 'writer');
  });
  after(() => kube?.stop());

  it('takes a token that it has issued, and allows what the role says and no more', async () => {
    const as = { kubeconfig: writer };
    const whoami = await kube.kubectl(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'], as);
    expect(whoami.stdout).to.equal('system:serviceaccount:lab:writer');
    expect((await kube.kubectl(['create', 'configmap', 'shop', '--from-literal=a=1'], as)).code).to.equal(0);
    const refused = await kube.kubectl(['get', 'secrets'], as);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('secrets is forbidden: User "system:serviceaccount:lab:writer" cannot list');
  });

  it('takes events, and shows them', async () => {
    expect((await kube.kubectl(['create', '-f', '-'], { kubeconfig: writer, input: EVENT })).stderr).to.equal('');
    const seen = await kube.expectKubectl('get', 'events', '-n', 'lab', '-o', 'jsonpath={.items[*].reason}');
    expect(seen).to.equal('Tried');
  });

  it('refuses a privileged pod in a restricted namespace, and takes a modest one', async () => {
    const pod = (securityContext: object, podContext: object): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p', namespace: 'lab' },
        spec: { securityContext: podContext, containers: [{ name: 'c', image: 'c:1', securityContext }] },
      });
    const create = ['create', '--dry-run=server', '-f', '-'];
    const refused = await kube.kubectl(create, { input: pod({ privileged: true }, {}) });
    expect(refused.stderr).to.contain('violates PodSecurity "restricted:latest": privileged');
    const modest = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
    const runs = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
    expect(await kube.kubectl(create, { input: pod(modest, runs) })).to.include({ code: 0, stderr: '' });
  });

  it('a gate can be cut, swallow and be open again', async () => {
    const gate = await TcpGate.to(kube.url);
    const kubeconfig = await kube.serviceAccountKubeconfig('lab', 'writer', gate.url);
    const list = (limit: string) => kube.kubectl(['get', 'configmaps', `--request-timeout=${limit}`], { kubeconfig });
    try {
      expect((await list('20s')).code).to.equal(0);
      await gate.cut();
      expect((await list('20s')).stderr).to.contain('refused');
      await gate.swallow();
      const before = gate.accepted;
      expect((await list('300ms')).stderr).to.match(/Timeout|deadline|timeout/);
      expect(gate.accepted).to.be.greaterThan(before);
      const waiting = list('20s');
      await eventually('the request has arrived', () => gate.accepted > before + 1);
      await gate.open();
      expect((await waiting).code).to.equal(0);
    } finally {
      await gate.end();
    }
  });

  it('a frozen one takes connections and answers none, until it thaws', async () => {
    kube.freezeApiServer();
    try {
      const hung = await kube.kubectl(['get', 'namespaces', '--request-timeout=300ms']);
      expect(hung.stderr).to.match(/Timeout|deadline|timeout/);
    } finally {
      kube.thawApiServer();
    }
    expect((await kube.kubectl(['get', 'namespaces'])).code).to.equal(0);
  });

  it('a killed one refuses connections, and comes back with its data and its tokens', async () => {
    await kube.stopApiServer();
    expect((await kube.kubectl(['get', 'namespaces'])).stderr).to.contain('refused');
    await kube.startApiServer();
    const seen = await kube.kubectl(['get', 'configmap', 'shop', '-o', 'jsonpath={.data.a}'], { kubeconfig: writer });
    expect(seen).to.deep.equal({ stdout: '1', stderr: '', code: 0 });
  });
});
