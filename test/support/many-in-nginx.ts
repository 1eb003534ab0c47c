/**
 * An nginx of our making that goes from a few services to thousands under load: what to render and a backend behind all
 * addresses of 127.0.0.0/8 come out, with the seconds that each step took. It uses the parts of the nginx plane directly, so
 * that rendering and installing can be told apart.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readConfiguration } from '../../src/cli/read-configuration.ts';
import type { ServedMigration } from '../../src/migration/model.ts';
import { NginxProcess } from '../../src/nginx/process/nginx-process.ts';
import { inspectNginx } from '../../src/nginx/process/version.ts';
import { renderNow } from '../../src/nginx/renderer.ts';
import type { NginxSettings } from '../../src/nginx/text/settings.ts';
import type { Leaf } from './certificates.ts';
import { nginxBinary } from './nginx-binary.ts';
import { tempDir } from './temp-dir.ts';

export interface Steps {
  readonly renderSeconds: number;
  /** From the text to the new generation's answer: check, reload, confirm. */
  readonly installSeconds: number;
  readonly megabytes: number;
  readonly variables: number;
}

/** Answers every request with the address that it was asked at and the Host that it was asked for. */
export class EchoBackend {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** All loopback addresses lead to it; so do the machine's others, for as long as it lives. */
  static async listen(tls: Leaf | null): Promise<EchoBackend> {
    const answer = ({ socket, headers }: IncomingMessage, response: ServerResponse): void => {
      response.end(`${socket.localAddress} ${headers.host}`);
    };
    const options = { keepAliveTimeout: 30_000 };
    const server = tls === null ? createServer(options, answer) : createTlsServer({ ...options, ...tls }, answer);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '0.0.0.0', resolve);
    });
    return new EchoBackend(server);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

export async function servicesOf(yaml: string): Promise<readonly ServedMigration[]> {
  const { services, errors } = await readConfiguration('migration.yaml', yaml);
  if (errors.length > 0) throw new Error(errors[0].message);
  return services;
}

export class ManyInNginx {
  readonly process: NginxProcess;
  readonly #settings: NginxSettings;

  private constructor(process: NginxProcess, settings: NginxSettings) {
    this.process = process;
    this.#settings = settings;
  }

  static async on(port: number, caBundle: string): Promise<ManyInNginx> {
    const nginx = nginxBinary();
    const here = await inspectNginx(nginx);
    if (!here.ok) throw new Error(here.message);
    const directory = join(tempDir(), 'nginx');
    const user = process.getuid?.() === 0 ? 'root' : null;
    const now = (): number => performance.now();
    const nginxProcess = new NginxProcess({ directory, nginx, workerUser: user, now, onEvent: () => {} });
    const limits = {
      ...{ headTimeoutMs: 10_000, bodyTimeoutMs: 30_000, keepAliveMs: 75_000, sendTimeoutMs: 30_000 },
      ...{ maxHeadBytes: 32_768, replayBytes: 65_536, maxConnections: 10_000 },
    };
    return new ManyInNginx(nginxProcess, {
      ...{
        version: here.version,
        listen: { host: '127.0.0.1', port },
        directory,
        place: 'scale',
        instance: 'scale',
        user,
      },
      ...{ workers: 1, shutdownTimeoutMs: 60_000, gzip: 'off', accessLogFile: null, detail: 'brief' },
      ...{ njsModule: null, caBundle, caDirectory: join(directory, 'tls', 'default.certs'), limits },
    });
  }

  /** Throws with nginx's words where it is not live. */
  async install(services: readonly ServedMigration[]): Promise<Steps> {
    const hosts = services.flatMap(({ migration }) => [migration.old.address, migration.new.address]);
    const addresses = new Map(hosts.map((host) => [host, [host]]));
    const begun = performance.now();
    const rendered = renderNow({ services, addresses, settings: this.#settings });
    const renderedAt = performance.now();
    if (rendered.refused.length > 0) throw new Error(rendered.refused[0].message);
    const installed = await this.process.install(rendered);
    if (!installed.ok) throw new Error(`${installed.stage}: ${installed.message}`);
    return {
      renderSeconds: (renderedAt - begun) / 1000,
      installSeconds: (performance.now() - renderedAt) / 1000,
      megabytes: rendered.text.length / 1e6,
      variables: rendered.variables,
    };
  }
}
