/**
 * The proxies that are compared, each with the same decision in its own words: backends in, a running process out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../test/support/ports.ts';
import { haproxyText } from './haproxy-text.ts';
import { type Backends, canaryText, plainText } from './nginx-text.ts';
import { type Running, startPinned } from './processes.ts';

export interface Stage {
  readonly directory: string;
  readonly core: number;
  readonly backends: Backends;
}

export interface Contender {
  readonly name: string;
  /** Programs that it needs on the PATH. */
  readonly needs: readonly string[];
  start(stage: Stage): Promise<Running>;
}

export const BASE = 'nginx canary';
export const OURS = 'migration-proxy';

export const CONTENDERS: readonly Contender[] = [
  { name: 'nginx plain', needs: ['nginx'], start: (stage) => nginx('nginx-plain', plainText, stage) },
  { name: BASE, needs: ['nginx'], start: (stage) => nginx('nginx-canary', canaryText, stage) },
  { name: 'haproxy canary', needs: ['haproxy'], start: haproxy },
  { name: OURS, needs: [], start: ours },
  { name: 'express + hpm', needs: [], start: expressProxy },
];

async function nginx(name: string, textOf: typeof plainText, { directory, core, backends }: Stage): Promise<Running> {
  const port = await freePort();
  const prefix = join(directory, name);
  mkdirSync(prefix);
  const file = join(prefix, 'nginx.conf');
  writeFileSync(file, textOf(port, backends, prefix));
  return startPinned(name, ['nginx', '-p', prefix, '-e', join(prefix, 'error.log'), '-c', file], {
    core,
    port,
    directory,
  });
}

async function haproxy({ directory, core, backends }: Stage): Promise<Running> {
  const port = await freePort();
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, haproxyText(port, backends));
  return startPinned('haproxy', ['haproxy', '-db', '-f', file], { core, port, directory });
}

async function expressProxy({ directory, core, backends }: Stage): Promise<Running> {
  const port = await freePort();
  const script = join(import.meta.dirname, 'express-proxy.ts');
  const args = [`${port}`, `${backends.oldPort}`, `${backends.newPort}`, backends.caFile ?? ''];
  return startPinned('express-proxy', [process.execPath, script, ...args], { core, port, directory });
}

async function ours({ directory, core, backends }: Stage): Promise<Running> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = join(directory, 'migration.yaml');
  writeFileSync(file, configuration(backends));
  const bin = join(import.meta.dirname, '..', 'bin', 'migration-proxy.mjs');
  const flags = ['--local-config', file, '--state-dir', join(directory, 'state')];
  const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`];
  return startPinned('migration-proxy', [process.execPath, bin, 'run', ...flags, ...listen], { core, port, directory });
}

function configuration({ oldPort, newPort, caFile }: Backends): string {
  const protocol = caFile === null ? 'http' : 'https';
  const tls = (side: string): string =>
    caFile === null ? '' : `    ${side}_tls: { ca_file: ${caFile}, server_name: bench.test }\n`;
  return `services:
  - name: bench
    old_host: bench.test
    old_backend: 127.0.0.1:${oldPort}
    old_protocol: ${protocol}
    new_host: bench.test
    new_backend: 127.0.0.1:${newPort}
    new_protocol: ${protocol}
${tls('old')}${tls('new')}    migration: { enabled: true, strategy: weight, percentage: 10 }
    canary:
      header_rules: [ { header: X-Canary, value: new, target: new_cluster }, { header: X-Canary, value: old, target: old_cluster } ]
      ip_rules:
        - { cidr: 10.0.0.0/8, target: new_cluster }
        - { cidr: 172.16.0.0/12, target: new_cluster }
        - { cidr: 192.168.0.0/16, target: old_cluster }
        - { cidr: 203.0.113.0/24, target: new_cluster }
      user_rules: [ { user_id_header: X-User-ID, hash_range: 0-9, target: new_cluster } ]
`;
}
