/**
 * `update --configmap` against a real API server, with the rights of a service account: what is kept, who wins a race, whose objects
 * are left alone. @together kube-commands @needs kubernetes
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { REPOSITORY, runCli } from '../support/cli.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { tempDir } from '../support/temp-dir.ts';

const run = promisify(execFile);

const ROLES = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: editor }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reader }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: editor }
rules: [{ apiGroups: [''], resources: [configmaps], verbs: [get, patch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader }
rules: [{ apiGroups: [''], resources: [configmaps], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: editor }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: editor }
subjects: [{ kind: ServiceAccount, name: editor, namespace: edits }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: edits }]
`;

const TEXT = `# the payments team owns this
services:
  - name: shop            # first
    old_host: shop.old.test
    old_backend: 'old.test:80'
    new_host: "shop.new.test"
    new_backend: new.test:443

    migration: { enabled: true, strategy: weight, percentage: 20 }   # slowly
`;

/** Twenty services, one of them a racer's each. */
const MANY = `services:\n${Array.from({ length: 20 }, (_, i) => `  - name: s${i}\n    migration: { percentage: 0 } # ${i}\n`).join('')}`;

/** Five edits at once of one process, through the real client. */
const RACER = `
const [kubeconfig, first] = process.argv.slice(1);
const { connect } = await import('./src/kubernetes/connect.ts');
const { editConfigMap } = await import('./src/kubernetes/config-map-edit.ts');
const api = await connect({ kubeconfig });
const object = await api.getConfigMap('edits', 'race');
const results = await Promise.all([0, 1, 2, 3, 4].map((i) => {
  const edit = { service: 's' + (Number(first) + i), percentage: 7, who: 'racer', reason: '', scope: 'own', mode: 'write' };
  return editConfigMap(api, edit, new Map([['edits/race', object]]), () => {});
}));
api.close();
console.log(JSON.stringify(results));
`;

describe('update of a ConfigMap', function () {
  this.timeout(90_000);
  let kube: KubeServers;
  let editor: string;
  let reader: string;

  before(async () => {
    kube = await sharedKubeServers();
    await kube.restrictedNamespace('edits');
    const file = join(tempDir(), 'roles.yaml');
    writeFileSync(file, ROLES);
    await kube.applyManifests(file, 'edits');
    [editor, reader] = await Promise.all(
      ['editor', 'reader'].map((name) => kube.serviceAccountKubeconfig('edits', name)),
    );
  });

  /** As a person or a tool applies it. */
  async function apply(name: string, text: string, meta: object, ...flags: readonly string[]): Promise<void> {
    const metadata = { name, namespace: 'edits', ...meta };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'migration.yaml': text, other: 'kept' } };
    const result = await kube.kubectl(['apply', ...flags, '-f', '-'], { input: JSON.stringify(object) });
    expect(result.code, result.stderr).to.equal(0);
  }

  // biome-ignore lint/suspicious/noExplicitAny: an object of Kubernetes, of which each test knows its part.
  const objectOf = (name: string) => kube.api.get<any>(`/api/v1/namespaces/edits/configmaps/${name}`);
  const textOf = async (name: string): Promise<string> => (await objectOf(name)).data['migration.yaml'];

  const update = (name: string, ...args: readonly string[]) =>
    runCli(['update', 'shop', '30', '--configmap', `edits/${name}`, '--kubeconfig', editor, ...args], {
      env: { USER: 'ann' },
    });

  it('changes one number, says who, when and why, and leaves everything else as it is', async () => {
    await apply('plain', TEXT, { annotations: { team: 'payments' } });
    const result = await update('plain', '--reason', 'quiet night');
    expect(result).to.include({ code: 0, stderr: '', stdout: 'configmap:edits/plain: shop: 20 % -> 30 %\n' });
    const object = await objectOf('plain');
    expect(object.data).to.deep.equal({ 'migration.yaml': TEXT.replace('20 }', '30 }'), other: 'kept' });
    expect(object.metadata.annotations).to.include({
      team: 'payments',
      'migration-proxy/changed-by': 'cli:ann',
      'migration-proxy/change-reason': 'quiet night',
      'migration-proxy/changed-services': 'shop: 20 -> 30',
    });
    expect(object.metadata.annotations['migration-proxy/changed-at']).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const managers = object.metadata.managedFields.map(({ manager }: { manager: string }) => manager);
    expect(managers).to.include('migration-proxy');
    const again = await update('plain');
    expect(again).to.include({ code: 0, stdout: 'configmap:edits/plain: shop: it is 30 % already\n' });
    expect((await objectOf('plain')).metadata.resourceVersion).to.equal(object.metadata.resourceVersion);
    // What people and kubectl do afterwards works as before: the next apply takes the text back.
    await apply('plain', TEXT, { annotations: { team: 'payments' } });
    expect(await textOf('plain')).to.equal(TEXT);
  });

  it('shows the difference of the very text before, and changes nothing', async () => {
    await apply('shown', TEXT, {});
    const { code, stdout, stderr } = await update('shown', '--dry-run');
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout.split('\n')[0]).to.equal('--- configmap:edits/shown\tbefore');
    expect(stdout).to.include('\n-    migration: { enabled: true, strategy: weight, percentage: 20 }   # slowly\n+');
    expect(await textOf('shown')).to.equal(TEXT);
  });

  it('loses no edit of twenty that four processes make at once', async () => {
    await apply('race', MANY, {});
    const racers = [0, 5, 10, 15].map((first) => {
      const args = ['--input-type=module', '-e', RACER, editor, String(first)];
      return run(process.execPath, args, { cwd: REPOSITORY, timeout: 60_000 });
    });
    const results = (await Promise.all(racers)).flatMap(({ stdout }) => JSON.parse(stdout));
    expect(results).to.deep.equal(Array(20).fill({ ok: true, from: 0, to: 7 }));
    expect(await textOf('race')).to.equal(MANY.replaceAll('percentage: 0', 'percentage: 7'));
  });

  it('leaves what Argo CD applied to Argo CD, prints what to commit, and edits it when forced', async () => {
    await apply('argo', TEXT, {}, '--server-side', '--field-manager=argocd-controller');
    const refused = await update('argo');
    expect(refused.code).to.equal(2);
    expect(refused.stdout).to.include(
      '\n+    migration: { enabled: true, strategy: weight, percentage: 30 }   # slowly\n',
    );
    expect(refused.stderr).to.match(
      /^migration-proxy: configmap:edits\/argo is managed by Argo CD \(field manager argocd-controller\)/,
    );
    expect(refused.stderr).to.match(/abort and resume are run state.*--force writes it all the same\n$/);
    expect(await textOf('argo')).to.equal(TEXT);
    const forced = await update('argo', '--force');
    expect(forced).to.include({ code: 0, stdout: 'configmap:edits/argo: shop: 20 % -> 30 %\n' });
    expect(forced.stderr).to.include('will probably undo this');
    expect(await textOf('argo')).to.include('percentage: 30');
    // And so it does, by force as Argo CD applies.
    await apply('argo', TEXT, {}, '--server-side', '--field-manager=argocd-controller', '--force-conflicts');
    expect((await update('argo')).code).to.equal(2);
  });

  it('leaves what Flux and Helm mark as theirs to them', async () => {
    await apply('flux', TEXT, { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } });
    await apply('helm', TEXT, { annotations: { 'meta.helm.sh/release-name': 'shop' } });
    const [flux, helm] = await Promise.all([update('flux'), update('helm')]);
    expect(flux)
      .to.include({ code: 2 })
      .and.to.have.property('stderr')
      .that.includes('managed by Flux (label kustomize.toolkit');
    expect(helm)
      .to.include({ code: 2 })
      .and.to.have.property('stderr')
      .that.includes('managed by Helm (annotation meta.helm.sh');
    expect([await textOf('flux'), await textOf('helm')]).to.deep.equal([TEXT, TEXT]);
  });

  it('says which permission is missing and what to edit by hand, and what is not there', async () => {
    await apply('closed', TEXT, {});
    const env = { USER: 'ann' };
    const as = ['--kubeconfig', reader];
    const refused = await runCli(['update', 'shop', '30', '--configmap', 'edits/closed', ...as], { env });
    expect([refused.code, refused.stdout]).to.deep.equal([2, '']);
    expect(refused.stderr).to.include('verb patch on configmaps "closed" in namespace "edits"');
    expect(refused.stderr).to.include('kubectl -n edits edit configmap closed, there line 9 of migration.yaml');
    const [service, object, namespace] = await Promise.all([
      runCli(['update', 'shopp', '30', '--configmap', 'edits/closed', ...as]),
      runCli(['update', 'shop', '30', '--configmap', 'edits/nothing', ...as]),
      runCli(['update', 'shop', '30', '--configmap', 'default/closed', ...as]),
    ]);
    expect(service).to.include({
      code: 1,
      stderr: 'migration-proxy: configmap:edits/closed has no service named "shopp"\n',
    });
    expect(object).to.include({ code: 2, stderr: 'migration-proxy: there is no ConfigMap edits/nothing\n' });
    expect(namespace.code).to.equal(2);
    expect(namespace.stderr).to.match(/forbidden/);
  });

  it('says that Kubernetes cannot be reached', async () => {
    const nowhere = await runCli([
      'update',
      'shop',
      '30',
      '--configmap',
      'a/b',
      '--kubeconfig',
      join(tempDir(), 'none'),
    ]);
    expect(nowhere.code).to.equal(2);
    expect(nowhere.stderr.split('\n')).to.have.length(2);
    const usage = await runCli(['update', 'shop', '30', '--configmap', 'a']);
    expect(usage.stderr).to.match(/expected NAMESPACE\/NAME/);
    const unused = await runCli(['update', 'shop', '30', '--kubeconfig', 'none']);
    expect(unused.code).to.equal(2);
    expect(unused.stderr).to.include('--kubeconfig goes with --configmap');
  });
});
