/**
 * Objects of ours on a real API server that somebody else wrote into: nonsense, huge numbers, forged addresses, no more writes.
 * @together kube-commands @needs kubernetes
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { KubeNamespace } from '../support/kube-namespace.ts';
import type { KubeServers } from '../support/kube-servers.ts';
import { ask } from '../support/raw-client.ts';
import { OK, Recorder } from '../support/recorder.ts';
import type { RunningProxy } from '../support/running-proxy.ts';
import { sharedKubeServers } from '../support/shared-kube.ts';
import { tempDir } from '../support/temp-dir.ts';

const TOKEN = 'a-token-of-some-length';
const STATE = 'migration-proxy-state';

/** As somebody else writes it, however sensible. */
const FALLEN_BACK = `{"format":1,"state":"fallen_back","since":"2026-01-01T00:00:00.000Z","reason":"x","tripped_by":"pod-z","trips":TRIPS,"hold":HOLD,"wait_ms":WAIT,"retry_at":"2026-01-01T00:00:00.000Z"}`;

function fallenBack(of: { trips?: string; hold?: string; wait?: string }): string {
  const { trips = '1', hold = 'null', wait = '1000' } = of;
  const state = FALLEN_BACK.replace('TRIPS', trips).replace('HOLD', hold).replace('WAIT', wait);
  return `{"new_target":TARGET,"state":${state}}`;
}

describe('objects of ours that others wrote into', function () {
  this.timeout(120_000);
  let kube: KubeServers;
  let cluster: Recorder;
  let space: KubeNamespace;
  let proxy: RunningProxy;
  let flags: readonly string[];

  const names = ['cart', 'constructor', 'shop'];
  const config = (): string =>
    `services:\n${names
      .map(
        (name) =>
          `  - { name: ${name}, old_host: ${name}.test, old_backend: "127.0.0.1:${cluster.port}", new_host: ${name}.new.test, new_backend: "127.0.0.1:${cluster.port}", new_protocol: http, migration: { percentage: 50 }, health_check: { path: /up } }\n`,
      )
      .join('')}`;

  async function patch(kind: 'configmap' | 'lease', name: string, body: unknown): Promise<void> {
    const file = join(tempDir(), 'patch.json');
    writeFileSync(file, JSON.stringify(body));
    await kube.expectKubectl('patch', kind, name, '-n', space.name, '--type=merge', '--patch-file', file);
  }
  const write = (path: string): Promise<Response> =>
    fetch(`${proxy.admin}/api/v1/${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: '{}',
    });
  const start = async (name: string) => space.replica({ name, flags: [...flags] });

  before(async () => {
    [kube, cluster] = await Promise.all([sharedKubeServers(), Recorder.listen(OK)]);
    space = await KubeNamespace.make(kube, 'odd');
    await space.configure(config());
    const tokenFile = join(tempDir(), 'token');
    writeFileSync(tokenFile, TOKEN);
    flags = ['--admin-token-file', tokenFile];
    proxy = await start('pod-a');
    for (const name of names) expect((await write(`services/${name}/abort`)).status).to.equal(200);
  });
  after(async () => {
    await proxy?.stop('SIGKILL').catch(() => {});
    await Promise.all([cluster?.close()]);
  });

  async function isWell(): Promise<void> {
    for (const name of names) expect((await ask(proxy.port, { host: `${name}.test` })).status, name).to.equal(200);
    const { services } = await proxy.status();
    expect(services.map(({ name }) => name).sort()).to.deep.equal(names);
    expect((await fetch(`${proxy.admin}/metrics`)).status).to.equal(200);
  }

  it('states that make no sense, or too much of it, are survived, shown, and ended by a person', async () => {
    const { data = {} } = (await space.object('configmap', STATE)) ?? {};
    const targets = new Map(names.map((name) => [name, JSON.stringify(JSON.parse(data[name]).new_target)]));
    const huge = { trips: '9007199254740991', wait: '1e999' };
    const texts = [
      fallenBack(huge),
      fallenBack({ wait: '1e300' }),
      fallenBack({ hold: '{"by":"\\u001b[2J\\u202eann","at":"+275760-09-13T00:00:00.000Z","reason":["x"]}' }),
      fallenBack({ hold: '7' }),
      'no JSON',
      '[]',
      '{"state":{"__proto__":{"format":1},"format":1e999}}',
      fallenBack({}).replace('"fallen_back"', '"probing","step":4,"owner":"\\ud800","beat":9007199254740991'),
      fallenBack({}).replace('"fallen_back"', '"probing","step":0,"owner":"nobody","beat":1'),
    ];
    for (const text of texts) {
      const own = Object.fromEntries(names.map((name) => [name, text.replace('TARGET', targets.get(name)!)]));
      await patch('configmap', STATE, { data: { ...own, __proto__x: text, 'no.service': 'x'.repeat(100_000) } });
      await isWell();
      if (!text.includes('[2J')) continue;
      const { code, stdout } = await runCli(['status', '--admin', proxy.admin]);
      expect(code).to.equal(1);
      expect(stdout)
        .to.contain('ann')
        .and.not.match(/[\u001b\u202e]/);
    }
    for (const name of names) {
      expect((await write(`services/${name}/abort`)).status, name).to.equal(200);
      expect((await write(`services/${name}/resume`)).status, name).to.equal(200);
    }
    await eventually('all are steady', async () =>
      (await proxy.status()).services.every(({ state }) => state === 'steady'),
    );
  });

  it('addresses that nobody with the token registered are asked nothing', async () => {
    let asked = 0;
    const evil = createServer((_, response) => response.end(String(asked++))).listen(0, '127.0.0.1');
    await new Promise((resolve) => evil.once('listening', resolve));
    const address = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
    const second = await start('pod-b');
    await eventually('two replicas', async () => (await proxy.status()).replicas?.length === 2);
    const { metadata } = (await space.object('lease', 'migration-proxy'))!;
    const [key, text] = Object.entries(metadata.annotations ?? {}).find(([, value]) => value.includes('"pod-b"'))!;
    const right = await write('replicas/pod-b/api/v1/services/shop/abort');
    expect(right.status).to.equal(200);
    await second.stop('SIGKILL');
    const forged = JSON.stringify({ ...JSON.parse(text), address });
    await patch('lease', 'migration-proxy', { metadata: { annotations: { [key]: forged } } });
    await eventually('it is refused', async () => {
      const response = await write('replicas/pod-b/api/v1/services/shop/resume');
      return response.status === 503 && (await response.text()).includes('our admin token');
    });
    expect(asked).to.equal(0);
    evil.close();
  });

  it('an object that takes no more writes: a person acts here at once, is told why nobody else knows, and it is not asked on and on', async () => {
    await patch('configmap', STATE, { immutable: true });
    const response = await write('services/shop/resume');
    expect(response.status).to.equal(202);
    expect((await proxy.service('shop')).state).to.equal('steady');
    await eventually('it is said why', async () => {
      const again = await write('services/cart/abort');
      return again.status === 202 && /immutable/.test(await again.text());
    });
    await isWell();
  });

  it('a new replica begins, whatever the last good text, the history and the states have become', async () => {
    await proxy.stop();
    const garbage = randomBytes(200_000).toString('base64');
    const entry = { id: 'x', at: '9999-01-01T00:00:00Z', service: 'shop', kind: 'constructor', by: '\u001b[2J' };
    const entries = [7, null, { ...entry, from: null, to: null, why: '', message: '' }];
    await patch('configmap', 'migration-proxy-last-good', { binaryData: { 'last-good.json.gz': garbage } });
    const history = { data: { 'history.json': JSON.stringify({ format: 1, entries }) } };
    await patch('configmap', 'migration-proxy-history', history);
    proxy = await start('pod-c');
    await isWell();
    const { code, stdout } = await runCli(['history', '--admin', proxy.admin]);
    expect(code).to.equal(0);
    expect(stdout).to.contain('constructor').and.not.contain('\u001b[2J');
  });
});
