/**
 * A real nginx that says what the tables make of a request: services come in, each request's bytes go out, the values of variables
 * come back. No backend is asked. `X-Test-Gate` becomes `$gate`, which a server's lanes set otherwise.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServedMigration } from '../../src/migration/model.ts';
import { readTemplates } from '../../src/nginx/templates.ts';
import { printBlocks } from '../../src/nginx/text/print-blocks.ts';
import { compileTemplates } from '../../src/nginx/text/printer.ts';
import { dollarBlock } from '../../src/nginx/text/quote.ts';
import type { NginxSettings } from '../../src/nginx/text/settings.ts';
import { decisionTables, type Tables } from '../../src/nginx/text/tables.ts';
import { eventually } from './eventually.ts';
import { nginxBinary, njsModule as njsModuleHere } from './nginx-binary.ts';
import { type SettingsChanges, sampleSettings } from './nginx-settings.ts';
import { freePort } from './ports.ts';
import { RawClient } from './raw-client.ts';
import { tempDir } from './temp-dir.ts';

/** Null where the nginx that is started has none. */
export const njsModule = njsModuleHere();

/** With njs, where it is here. */
export function tableSettings(changes: SettingsChanges = {}): NginxSettings {
  return sampleSettings({
    shutdownTimeoutMs: 30_000,
    njsModule,
    limits: { sendTimeoutMs: 30_000, maxConnections: 0 },
    ...changes,
  });
}

export type Values = Readonly<Record<string, string>>;

export class NginxTables {
  readonly tables: Tables;
  readonly port: number;
  readonly #names: readonly string[];
  readonly #child: ChildProcess;
  readonly #clients: RawClient[] = [];
  log = '';

  private constructor(tables: Tables, names: readonly string[], port: number, child: ChildProcess) {
    this.tables = tables;
    this.port = port;
    this.#names = names;
    this.#child = child;
    child.stderr?.on('data', (text) => (this.log += text));
  }

  /** `names`: variables, without the sign; `lanes`: suffixes by service. Rejects with nginx's words where it does not start. */
  static async start(
    services: readonly ServedMigration[],
    names: readonly string[],
    lanes: ReadonlyMap<string, string> = new Map(),
  ): Promise<NginxTables> {
    const tables = decisionTables(services, tableSettings(), lanes);
    const directory = tempDir();
    const port = await freePort();
    const file = join(directory, 'nginx.conf');
    copyFileSync(new URL('../../templates/murmur3.js', import.meta.url), join(directory, 'murmur3.js'));
    writeFileSync(file, configuration(tables, names, port, directory));
    const args = ['-e', 'stderr', '-p', directory, '-c', file];
    const child = spawn(nginxBinary(), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const started = new NginxTables(tables, names, port, child);
    try {
      await eventually('nginx accepts', async () => {
        if (child.exitCode !== null) return true;
        (await RawClient.connect(port)).socket.destroy();
        return true;
      });
      if (child.exitCode !== null) throw new Error(`nginx ended: ${started.log}`);
    } catch (error) {
      await started.stop();
      throw error;
    }
    return started;
  }

  /** `lines`: header lines without Host; bytes as latin1. */
  ask(host: string, lines: readonly string[] = [], start = 'GET / HTTP/1.1'): Promise<Values> {
    return this.send(`${[start, `Host: ${host}`, ...lines].join('\r\n')}\r\n\r\n`);
  }

  /** A whole request; its answer has the variables. Any number may be under way. */
  async send(bytes: string): Promise<Values> {
    const client = this.#clients.pop() ?? (await RawClient.connect(this.port));
    const answer = await client.send(bytes).response();
    const closing = answer.fields.some(([name, value]) => name.toLowerCase() === 'connection' && value === 'close');
    if (closing) client.socket.destroy();
    else this.#clients.push(client);
    if (answer.status !== 200) throw new Error(`nginx said ${answer.status}: ${bytes}`);
    const values = answer.body.toString('latin1').split('\n');
    return Object.fromEntries(this.#names.map((name, i) => [name, values[i]]));
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    if (this.#child.exitCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}

function configuration(tables: Tables, names: readonly string[], port: number, directory: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temporary = paths.map((name) => `${name}_temp_path ${join(directory, name)};`).join(' ');
  const scripts = tables.scripts.map(({ variable, property }) => `js_set $${variable} murmur3.${property};`);
  const printed = printBlocks(compileTemplates(readTemplates()), [dollarBlock, ...tables.blocks]);
  return `${scripts.length > 0 ? `load_module ${njsModule};` : ''}
daemon off; master_process off; pcre_jit on; pid ${join(directory, 'pid')}; error_log stderr warn;
events { worker_connections 256; }
http { access_log off; ${temporary} keepalive_requests 1000000;
map_hash_bucket_size 8192; map_hash_max_size 65536; variables_hash_max_size 8192; variables_hash_bucket_size 512;
underscores_in_headers on; ignore_invalid_headers off; client_max_body_size 0; large_client_header_buffers 8 32k;
${scripts.length > 0 ? `js_path ${directory}; js_import murmur3 from murmur3.js; ${scripts.join(' ')}` : ''}
${printed}
server { listen 127.0.0.1:${port}; set $gate $http_x_test_gate;
location / { return 200 "${names.map((name) => `$${name}`).join('\\n')}"; } }
}
`;
}
