/**
 * What people see of a migration with kubectl and `history`: two replicas, a real API server, the rights that the manifests give.
 * Edits, mistakes, falls, holds and a tool that undoes an edit stand beside the ConfigMap, each once, in the order in which they
 * happened. @together kube-commands @needs kubernetes
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToyCluster } from '../../src/demo/clusters.ts';
import type { HistoryEntry } from '../../src/status/history-entries.ts';
import type { StatusReport } from '../../src/status/report.ts';
import { CliProcess, REPOSITORY, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { freePort, freePorts } from '../support/ports.ts';
import { ask } from '../support/raw-client.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { tempDir } from '../support/temp-dir.ts';

const NAMESPACE = 'migration-proxy';
const TOKEN = 'a-token-for-this-test';

interface Told {
  readonly reason: string;
  readonly type: string;
  readonly message: string;
  readonly lastTimestamp: string;
}

class Replica {
  readonly name: string;
  readonly port: number;
  readonly adminPort: number;
  readonly process: CliProcess;

  constructor(name: string, [port, adminPort]: readonly number[], kubeconfig: string, tokenFile: string) {
    this.name = name;
    this.port = port;
    this.adminPort = adminPort;
    const source = ['--configmap', `${NAMESPACE}/migration-config`, '--kubeconfig', kubeconfig];
    const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`];
    const env = { POD_NAME: name, POD_NAMESPACE: NAMESPACE, POD_IP: '127.0.0.1' };
    this.process = new CliProcess(['run', ...source, ...listen, '--admin-token-file', tokenFile], { env });
  }

  async ask(path: string): Promise<{ status: number; body: string }> {
    const { status, body } = await ask(this.adminPort, { path, host: `127.0.0.1:${this.adminPort}` });
    return { status, body: body.toString() };
  }

  async service(name: string): Promise<StatusReport['services'][number]> {
    return JSON.parse((await this.ask(`/api/v1/services/${name}`)).body);
  }

  async history(): Promise<readonly HistoryEntry[]> {
    return (JSON.parse((await this.ask('/api/v1/history')).body) as { entries: HistoryEntry[] }).entries;
  }

  cli(...args: string[]) {
    const env = { USER: 'ada', MIGRATION_PROXY_ADMIN_TOKEN: TOKEN };
    return runCli([...args, '--admin', `http://127.0.0.1:${this.adminPort}`], { env });
  }
}

describe('Events and history in a cluster', function () {
  this.timeout(90_000);
  let kube: KubeServers;
  let old: ToyCluster;
  let fresh: ToyCluster;
  let deadPort: number;
  let a: Replica;
  let b: Replica;

  const text = (percentage: number | string) => `# the shop moves
services:
  - name: shop
    old_host: shop.test
    old_backend: ${old.backend}
    new_host: shop.new.test
    new_backend: ${fresh.backend}
    migration: { percentage: ${percentage} }
  - name: cart
    old_host: cart.test
    old_backend: ${old.backend}
    new_host: cart.new.test
    new_backend: 127.0.0.1:${deadPort}
    migration: { percentage: 100 }
    fallback: { max_failures: 2 }
`;
  const manifest = (yaml: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'migration-config', namespace: NAMESPACE },
      data: { 'migration.yaml': yaml },
    });
  /** As whoever edits with kubectl, under the name of a tool. */
  const write = async (yaml: string, manager: string) => {
    const args = ['apply', '--server-side', '--force-conflicts', `--field-manager=${manager}`, '-f', '-'];
    const { code, stderr } = await kube.kubectl(args, { input: manifest(yaml) });
    expect(code, stderr).to.equal(0);
  };
  const edit = async (yaml: string) => {
    const patch = JSON.stringify({ data: { 'migration.yaml': yaml } });
    const args = ['patch', 'configmap', 'migration-config', '--type=merge', '-p', patch];
    await kube.expectKubectl('-n', NAMESPACE, ...args, '--field-manager=kubectl-edit');
  };
  const told = async (): Promise<readonly Told[]> => {
    const path = `/api/v1/namespaces/${NAMESPACE}/events?fieldSelector=involvedObject.name=migration-config`;
    const { items } = (await kube.api.get<{ items: Told[] }>(path)) ?? { items: [] };
    return items.toSorted((x, y) => Date.parse(x.lastTimestamp) - Date.parse(y.lastTimestamp));
  };
  const toldOf = async (reason: string) => (await told()).filter((event) => event.reason === reason);
  const eventuallyTold = (reason: string) =>
    eventually(`an Event ${reason}`, async () => (await toldOf(reason)).length > 0, 10_000, 200);
  const bothServe = (percentage: number) =>
    eventually(`${percentage} % everywhere`, async () => {
      const services = await Promise.all([a.service('shop'), b.service('shop')]);
      return services.every((service) => service.percentage === percentage && !service.stale);
    });

  before(async () => {
    [kube, old, fresh, deadPort] = await Promise.all([
      sharedKubeServers(),
      ToyCluster.listen('old'),
      ToyCluster.listen('new'),
      freePort(),
    ]);
    await kube.restrictedNamespace(NAMESPACE);
    for (const file of ['service-account.yaml', 'role.yaml']) {
      await kube.applyManifests(join(REPOSITORY, 'k8s', 'base', file), NAMESPACE);
    }
    expect((await kube.kubectl(['create', '-f', '-'], { input: manifest(text(0)) })).code).to.equal(0);
    const kubeconfig = await kube.serviceAccountKubeconfig(NAMESPACE, 'migration-proxy');
    const tokenFile = join(tempDir(), 'token');
    writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
    const ports = await freePorts(4);
    [a, b] = [
      new Replica('pod-a', ports.slice(0, 2), kubeconfig, tokenFile),
      new Replica('pod-b', ports.slice(2), kubeconfig, tokenFile),
    ];
    for (const replica of [a, b]) {
      await eventually(`${replica.name} is ready`, async () => (await replica.ask('/readyz')).status === 200, 30_000);
    }
  });

  after(async () => {
    await Promise.all([a, b].map((replica) => replica?.process.stop('SIGTERM')));
    await Promise.all([old?.close(), fresh?.close()]);
  });

  it('tell the story of a migration', async () => {
    await eventuallyTold('ConfigApplied');
    await edit(text(10));
    await bothServe(10);
    await eventuallyTold('PercentageChanged');

    await edit(text('ten'));
    await eventuallyTold('ConfigRejected');
    expect(await a.service('shop')).to.include({ percentage: 10, stale: true });
    await edit(text(10));
    await bothServe(10);

    // Nobody is at home in the new cluster of cart.
    await eventually('cart falls back', async () => {
      await ask(a.port, { host: 'cart.test' });
      return (await b.service('cart')).state === 'fallen_back';
    });
    await eventuallyTold('FallenBack');

    const held = await b.cli('abort', 'shop', '--reason', 'errors at checkout');
    expect(held.code, held.stderr).to.equal(0);
    await eventuallyTold('Held');
    const resumed = await b.cli('resume', 'shop', '--reason', 'fixed');
    expect(resumed.code, resumed.stderr).to.equal(0);
    await eventuallyTold('Resumed');

    const updated = await a.cli('update', 'shop', '40', '--reason', 'a quiet night');
    expect(updated.code, updated.stderr).to.equal(0);
    await bothServe(40);
    await write(text(10), 'argocd-controller');
    await bothServe(10);
    await eventuallyTold('Reverted');

    const events = await told();
    const reasons = events.map(({ reason, type }) => `${reason} ${type}`);
    // The seconds of a timestamp are all that kubectl sorts by.
    const story = ['ConfigApplied', 'PercentageChanged', 'ConfigRejected', 'FallenBack', 'Held', 'Resumed', 'Reverted'];
    const times = story.map((reason) => events.find((event) => event.reason === reason)?.lastTimestamp ?? 'missing');
    expect(times).to.deep.equal([...times].sort());
    // Of one service and reason there is one a minute.
    for (const reason of ['ConfigRejected Warning', 'Held Warning', 'Resumed Normal', 'Reverted Warning']) {
      expect(
        reasons.filter((one) => one === reason),
        reason,
      ).to.have.length(1);
    }
    // Replicas that see one fall on either side of a full minute name it twice.
    expect(reasons.filter((one) => one === 'FallenBack Warning').length).to.be.within(1, 2);
    const messageOf = (reason: string) => events.find((event) => event.reason === reason)?.message;
    expect(messageOf('ConfigApplied')).to.match(/^resourceVersion \d+ is served: 2 services$/);
    expect(messageOf('PercentageChanged')).to.equal('shop: 0 % -> 10 %, by kubectl-edit');
    expect(messageOf('ConfigRejected')).to.match(
      /^shop: line 8, column \d+: services\[0\]\.migration\.percentage: .*; its last good version is served on$/,
    );
    expect(messageOf('FallenBack')).to.match(/^cart: falls back to old: 2 failures in a row in .*: connect refused$/);
    expect(messageOf('Held')).to.equal('shop: held on old by cli:ada: errors at checkout');
    expect(messageOf('Resumed')).to.equal('shop: resumed by cli:ada: fixed');
    expect(messageOf('Reverted')).to.match(
      /^shop: 40 %, written by cli:ada, was set back to 10 % by argocd-controller: /,
    );
  });

  it('the history of every replica says the same, with authors and reasons', async () => {
    const lines = (entries: readonly HistoryEntry[]) =>
      entries.map(({ by, from, kind, service, to, why }) => {
        const change = from === null && to === null ? '' : `: ${from} -> ${to}`;
        return `${service} ${kind}${change} by ${by}${why && ` (${why.slice(0, 12)}`}`;
      });
    // The other replica resumed: it alone knows so, and writes it at most once a second.
    const resumed = 'shop resumed: null -> steady by cli:ada (fixed';
    const mine = await eventually('it is told of the resume', async () => {
      const told = lines(await a.history());
      return told.includes(resumed) ? told : null;
    });
    expect(mine).to.include.members([
      'shop percentage: 0 % -> 10 % by kubectl-edit',
      'shop percentage: 10 % -> 40 % by cli:ada (a quiet nigh',
      'shop held: steady -> fallen_back by cli:ada (errors at ch',
      resumed,
      'cart fallen_back: steady -> fallen_back by pod-a (2 failures i',
      'shop changed: null -> valid again by kubectl-edit',
    ]);
    expect(mine.filter((line) => line.startsWith('shop rejected by kubectl-edit (line 8, colu'))).to.have.length(1);
    expect(mine.at(-1)).to.match(/^shop reverted: 40 % -> 10 % by argocd-controller/);
    await eventually('the other replica says the same', async () => {
      expect(lines(await b.history())).to.deep.equal(lines(await a.history()));
      return true;
    });
  });

  it('a replica that starts later knows it all', async () => {
    const before = await a.history();
    await Promise.all([a, b].map((replica) => replica.process.stop('SIGTERM')));
    const kubeconfig = await kube.serviceAccountKubeconfig(NAMESPACE, 'migration-proxy');
    const tokenFile = join(tempDir(), 'token');
    writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
    a = new Replica('pod-c', await freePorts(2), kubeconfig, tokenFile);
    await eventually('pod-c is ready', async () => (await a.ask('/readyz')).status === 200, 30_000);
    expect((await a.history()).map(({ id }) => id)).to.deep.equal(before.map(({ id }) => id));
    const { stdout } = await a.cli('history', 'shop', '--limit', '1');
    expect(stdout).to.match(/\n\S+ \S+ {2}shop +set back 40 % -> 10 % {2}argocd-controller {2}it keeps the object/);
  });
});
