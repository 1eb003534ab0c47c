/**
 * The proxies that are compared, each with the same decision in its own words: backends in, a running process out.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../test/support/ports.ts';
import type { Backends, Spread } from './backends.ts';
import { manyOf, oneService } from './configuration.ts';
import { haproxyText } from './haproxy-text.ts';
import { canaryText, loggedText, plainText } from './nginx-text.ts';
import { type Running, startPinned } from './processes.ts';

export interface Stage {
  readonly directory: string;
  readonly core: number;
  readonly backends: Backends;
  /** Null: one service. */
  readonly spread: Spread | null;
}

export interface Contender {
  readonly name: string;
  /** Ours are held to `--at-most`. */
  readonly whose: 'ours' | 'others';
  /** Whether it can serve many services. */
  readonly spreads: boolean;
  /** Programs that it needs on the PATH. */
  readonly needs: readonly string[];
  /** `name`: of its files; of one proxy several may run. */
  start(name: string, stage: Stage): Promise<Running>;
}

export const CONTENDERS: readonly Contender[] = [
  { ...theirs('nginx plain', 'nginx'), spreads: true, start: (name, stage) => nginx(name, plainText, stage) },
  { ...theirs('nginx logged', 'nginx'), start: (name, stage) => nginx(name, loggedText, stage) },
  { ...theirs('nginx canary', 'nginx'), start: (name, stage) => nginx(name, canaryText, stage) },
  { ...theirs('haproxy canary', 'haproxy'), start: haproxy },
  { name: 'migration-proxy', whose: 'ours', spreads: true, needs: [], start: (name, stage) => ours(name, [], stage) },
  { name: 'migration-proxy nginx', whose: 'ours', spreads: true, needs: ['nginx'], start: oursOnNginx },
  { ...theirs('express + hpm'), start: expressProxy },
];

function theirs(name: string, ...needs: readonly string[]) {
  return { name, needs, whose: 'others', spreads: false } as const;
}

async function nginx(name: string, textOf: typeof plainText, stage: Stage): Promise<Running> {
  const { directory, core, backends, spread } = stage;
  const port = await freePort();
  const prefix = join(directory, name);
  mkdirSync(prefix);
  const file = join(prefix, 'nginx.conf');
  writeFileSync(file, textOf(port, backends, prefix, spread));
  return startPinned(name, ['nginx', '-p', prefix, '-e', join(prefix, 'error.log'), '-c', file], {
    core,
    port,
    directory,
  });
}

async function haproxy(name: string, { directory, core, backends }: Stage): Promise<Running> {
  const port = await freePort();
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, haproxyText(port, backends));
  return startPinned(name, ['haproxy', '-db', '-f', file], { core, port, directory });
}

async function expressProxy(name: string, { directory, core, backends }: Stage): Promise<Running> {
  const port = await freePort();
  const script = join(import.meta.dirname, 'express-proxy.ts');
  const args = [`${port}`, `${backends.oldPort}`, `${backends.newPort}`, backends.caFile ?? ''];
  return startPinned(name, [process.execPath, script, ...args], { core, port, directory });
}

/** `run` as shipped; `flags` choose the data plane. */
async function ours(name: string, flags: readonly string[], stage: Stage): Promise<Running> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const place = join(stage.directory, name);
  mkdirSync(place);
  const file = join(place, 'migration.yaml');
  const { spread, backends } = stage;
  writeFileSync(file, spread === null ? oneService(backends) : manyOf(spread, backends));
  const bin = join(import.meta.dirname, '..', 'bin', 'migration-proxy.mjs');
  const files = ['--local-config', file, '--state-dir', join(place, 'state')];
  const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`];
  const command = [process.execPath, bin, 'run', ...files, ...listen, ...flags];
  return startPinned(name, command, { core: stage.core, port, directory: stage.directory });
}

/** Its log is read from memory, as by default: a directory below /dev/shm, removed when the measurement ends. */
async function oursOnNginx(name: string, stage: Stage): Promise<Running> {
  const directory = mkdtempSync('/dev/shm/migration-proxy-bench-');
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return ours(name, ['--data-plane', 'nginx', '--nginx-dir', directory, '--nginx-workers', '1'], stage);
}
