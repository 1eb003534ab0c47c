/**
 * The programs of the demo overlay, run as its pods run them but on free ports: the load sees both clusters, and none fails when
 * new is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { REPOSITORY } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/ports.ts';
import { RunningProxy } from '../support/running-proxy.ts';

const FOLDER = join(REPOSITORY, 'k8s', 'overlays', 'demo');

describe('the demo overlay', function () {
  this.timeout(60_000);
  const children: ChildProcess[] = [];
  let proxy: RunningProxy | null = null;
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await proxy?.stop();
  });

  function program(
    file: string,
    env: Readonly<Record<string, string>>,
  ): { child: ChildProcess; lines: () => string[] } {
    const child = spawn(process.execPath, [join(FOLDER, file)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    return { child, lines: () => said.split('\n').slice(0, -1) };
  }

  it('shows who answers, and that nobody notices when new is gone', async () => {
    const [oldPort, newPort] = await freePorts(2);
    const old = program('cluster.mjs', { CLUSTER: 'old', PORT: String(oldPort) });
    const fresh = program('cluster.mjs', { CLUSTER: 'new', PORT: String(newPort) });
    await eventually('both listen', () => old.lines().length + fresh.lines().length === 2);
    const { data } = parse(readFileSync(join(FOLDER, 'migration-config.yaml'), 'utf8'));
    const yaml = (data['migration.yaml'] as string)
      .replace('demo-old.migration-proxy.svc.cluster.local:8080', `127.0.0.1:${oldPort}`)
      .replace('demo-new.migration-proxy.svc.cluster.local:8080', `127.0.0.1:${newPort}`);
    proxy = await RunningProxy.start(yaml);
    const load = program('load.mjs', { PROXY: `127.0.0.1:${proxy.port}`, EVERY_MS: '1000' });
    await eventually('both answer', () => load.lines().some((line) => /^new \d+ {3}old \d+$/.test(line)), 20_000);
    fresh.child.kill('SIGTERM');
    await eventually('it fell back', async () => (await proxy?.service('shop'))?.state === 'fallen_back', 20_000);
    const before = load.lines().length;
    // The first of the two may still hold answers of new.
    await eventually('two more lines', () => load.lines().length >= before + 2, 20_000);
    expect(load.lines().at(-1)).to.match(/^old \d+$/);
    for (const line of load.lines()) expect(line).not.to.match(/status|ECONN|answer/);
  });
});
