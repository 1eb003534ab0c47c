/**
 * A real nginx around the http text of one test: what it says of a text (`nginx -t`), and what it answers. Each has a directory of
 * its own; a started one is ended by `stop`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { nginxBinary } from './nginx-binary.ts';
import { freePort } from './ports.ts';
import { tempDir } from './temp-dir.ts';

export interface Verdict {
  readonly ok: boolean;
  /** nginx's own words, warnings too; the path of the file is cut out. */
  readonly words: string;
}

/** Whether nginx takes `http` as the inside of its http block. */
export function nginxVerdict(http: string): Verdict {
  const directory = tempDir();
  return nginxFileVerdict(around(http, directory), directory);
}

/** The same of a whole text; its files are below `directory`. */
export function nginxFileVerdict(text: string, directory: string): Verdict {
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, text);
  const args = ['-t', '-q', '-e', 'stderr', '-p', directory, '-c', file];
  const { status, stderr, error } = spawnSync(nginxBinary(), args, { encoding: 'utf8', timeout: 20_000 });
  if (error !== undefined) throw error;
  return { ok: status === 0, words: stderr.replaceAll(file, 'nginx.conf') };
}

export interface NginxEcho {
  /** The body's bytes as latin1. */
  ask(path: string, headers?: Readonly<Record<string, string>>): Promise<string>;
  stop(): Promise<void>;
}

/** `http`: tables; `server`: what stands in the one server block, which listens by itself. */
export async function startNginxEcho(http: string, server: string): Promise<NginxEcho> {
  const directory = tempDir();
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, around(`${http}\nserver { listen 127.0.0.1:${port}; ${server} }`, directory));
  const args = ['-e', 'stderr', '-p', directory, '-c', file];
  const child = spawn(nginxBinary(), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let log = '';
  child.stderr.on('data', (text) => (log += text));
  await eventually('nginx answers', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${log}`);
    await ask(port, agent, '/', {});
    return true;
  });
  return { ask: (path, headers = {}) => ask(port, agent, path, headers), stop: () => stop(child, agent) };
}

async function stop(child: ChildProcess, agent: Agent): Promise<void> {
  agent.destroy();
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function around(http: string, directory: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temporary = paths.map((name) => `${name}_temp_path ${join(directory, name)};`).join(' ');
  return `daemon off; master_process off; pid ${join(directory, 'pid')}; error_log stderr warn;
events { worker_connections 64; }
http { access_log off; map_hash_bucket_size 8192; map_hash_max_size 65536; keepalive_requests 100000; ${temporary}
${http}
}
`;
}

function ask(port: number, agent: Agent, path: string, headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent, headers }, (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (text) => (body += text));
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
