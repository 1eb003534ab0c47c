/**
 * Two replicas on one ConfigMap of a real API server, asked through each other: a change made at one is made in the ConfigMap, and
 * whoever reaches one reaches both. @together kube-commands @needs kubernetes
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CliProcess, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { freePorts } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { tempDir } from '../support/temp-dir.ts';

const TOKEN = 'a-token-of-two-replicas';
const TEXT = `# ours
services:
  - name: shop
    old_host: shop.old.test
    old_backend: 127.0.0.1:1
    new_host: shop.new.test
    new_backend: 127.0.0.1:2
    migration: { enabled: true, strategy: weight, percentage: 20 }   # slowly
`;

describe('replicas asked through each other', function () {
  this.timeout(90_000);
  let kube: KubeServers;
  const admins = new Map<string, string>();
  const processes: CliProcess[] = [];

  before(async () => {
    kube = await sharedKubeServers();
    await kube.restrictedNamespace('two');
    await apply(TEXT, 'kubectl');
    const tokenFile = join(tempDir(), 'token');
    writeFileSync(tokenFile, TOKEN);
    const ports = await freePorts(4);
    for (const [i, name] of ['pod-a', 'pod-b'].entries()) {
      const [port, adminPort] = ports.slice(2 * i);
      const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`];
      const source = ['--configmap', 'two/config', '--kubeconfig', kube.adminKubeconfig];
      const args = ['run', ...source, ...listen, '--admin-token-file', tokenFile];
      processes.push(new CliProcess(args, { env: { POD_NAME: name } }));
      admins.set(name, `http://127.0.0.1:${adminPort}`);
    }
    for (const name of admins.keys()) {
      await eventually(
        `${name} knows both`,
        async () => (await json(name, '/api/v1/replicas')).replicas.length === 2,
        30_000,
      );
    }
  });
  after(async () => {
    await Promise.all(processes.map((process) => process.stop()));
  });

  async function apply(text: string, manager: string): Promise<void> {
    const metadata = { name: 'config', namespace: 'two' };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'migration.yaml': text } };
    const flags = ['--server-side', '--force-conflicts', `--field-manager=${manager}`];
    const { code, stderr } = await kube.kubectl(['apply', ...flags, '-f', '-'], { input: JSON.stringify(object) });
    expect(code, stderr).to.equal(0);
  }

  async function json(replica: string, path: string) {
    const { port } = new URL(admins.get(replica)!);
    return JSON.parse((await ask(Number(port), { path, host: `127.0.0.1:${port}` })).body.toString());
  }

  const textNow = () =>
    kube.expectKubectl('-n', 'two', 'get', 'configmap', 'config', '-o', String.raw`jsonpath={.data.migration\.yaml}`);
  const cli = (replica: string, ...args: readonly string[]) =>
    runCli(args, {
      env: { MIGRATION_PROXY_ADMIN: admins.get(replica)!, MIGRATION_PROXY_ADMIN_TOKEN: TOKEN, USER: 'ann' },
    });

  it('each shows the other as it sees itself', async () => {
    const { replicas } = await json('pod-a', '/api/v1/replicas');
    expect(replicas.map(({ name }: { name: string }) => name).sort()).to.deep.equal(['pod-a', 'pod-b']);
    expect((await json('pod-a', '/api/v1/replicas/pod-b/status')).replica).to.equal('pod-b');
    const shown = await cli('pod-a', 'status', '--replica', 'pod-b');
    expect(shown.stdout).to.match(/^migration-proxy \S+ {2}pod-b {2}ready/);
    const nobody = await cli('pod-a', 'status', '--replica', 'pod-c');
    expect(nobody.code, nobody.stderr).to.equal(1);
  });

  it('a change asked of one is in the ConfigMap, and live at both', async () => {
    const result = await cli('pod-a', 'update', 'shop', '30', '--reason', 'quiet night');
    expect(result).to.include({ code: 0, stderr: '', stdout: 'shop: 30 % goes to new\n' });
    expect(await textNow()).to.equal(TEXT.replace('20 }', '30 }'));
    await eventually('live at the other', async () => {
      return (await json('pod-b', '/api/v1/services/shop')).percentage === 30;
    });
    expect((await json('pod-b', '/api/v1/services/shop')).changed).to.include({ by: 'cli:ann', reason: 'quiet night' });
  });

  it('a change through one at the other takes the token, and its absence is refused', async () => {
    const { port } = new URL(admins.get('pod-a')!);
    const request = {
      method: 'PATCH',
      path: '/api/v1/replicas/pod-b/api/v1/services/shop',
      host: `127.0.0.1:${port}`,
      body: '{"percentage":40}',
    };
    const headers = { 'Content-Type': 'application/json' };
    expect((await ask(Number(port), { ...request, headers })).status).to.equal(401);
    const authorized = { ...headers, Authorization: `Bearer ${TOKEN}` };
    const answer = await ask(Number(port), { ...request, headers: authorized });
    expect(answer.status, answer.body.toString()).to.equal(200);
    expect(await textNow()).to.include('percentage: 40 }   # slowly');
  });

  it('what Argo CD applied is left to it, with the difference to commit; abort and resume work all the same', async () => {
    await apply(TEXT, 'argocd-controller');
    await eventually('live', async () => (await json('pod-a', '/api/v1/services/shop')).percentage === 20);
    const refused = await cli('pod-a', 'update', 'shop', '50');
    expect(refused.code, refused.stderr).to.equal(2);
    expect(refused.stdout).to.include(
      '\n+    migration: { enabled: true, strategy: weight, percentage: 50 }   # slowly\n',
    );
    expect(refused.stderr).to.match(/is managed by Argo CD .* --force writes it all the same\n$/);
    const shown = await cli('pod-a', 'update', 'shop', '50', '--dry-run');
    expect([shown.code, shown.stdout]).to.deep.equal([0, refused.stdout]);
    expect(await textNow()).to.equal(TEXT);
    const aborted = await cli('pod-a', 'abort', 'shop');
    expect(aborted.code, aborted.stderr).to.equal(0);
    await eventually('held at the other', async () => (await json('pod-b', '/api/v1/services/shop')).hold !== null);
    expect((await cli('pod-b', 'resume', 'shop')).code).to.equal(0);
    const forced = await cli('pod-a', 'update', 'shop', '50', '--force');
    expect(forced.code, forced.stderr).to.equal(0);
    expect(forced.stdout).to.match(/^shop: 50 % goes to new; .* will probably undo this/);
    expect(await textNow()).to.include('percentage: 50');
  });
});
