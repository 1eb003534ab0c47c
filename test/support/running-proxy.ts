/**
 * `migration-proxy run` on free ports with a configuration file and a state directory of its own: configuration text in;
 * addresses, status and edits out. Ready means what `/readyz` says.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusReport } from '../../src/status/report.ts';
import { type CliOptions, CliProcess, type CliResult } from './cli.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import { ask, type RawResponse } from './raw-client.ts';
import { tempDir } from './temp-dir.ts';

export interface ProxyOptions extends CliOptions {
  /** Instead of the file: `['--configmap', 'shop/migration-config', '--kubeconfig', path]`. */
  readonly source?: readonly string[];
  /** More flags of `run`. */
  readonly flags?: readonly string[];
  /** Keep another proxy's directory, file and ports: a restart. */
  readonly after?: RunningProxy;
  /** False: give it back before it is ready. */
  readonly ready?: false;
}

export class RunningProxy {
  readonly process: CliProcess;
  readonly port: number;
  readonly adminPort: number;
  readonly directory: string;

  private constructor(process: CliProcess, port: number, adminPort: number, directory: string) {
    this.process = process;
    this.port = port;
    this.adminPort = adminPort;
    this.directory = directory;
  }

  /** `yaml` null: the file is not written (with `after`: stays as it is). */
  static async start(yaml: string | null, options: ProxyOptions = {}): Promise<RunningProxy> {
    const directory = options.after?.directory ?? tempDir();
    const [port, adminPort] = options.after ? [options.after.port, options.after.adminPort] : await freePorts(2);
    const file = join(directory, 'migration.yaml');
    if (yaml !== null) writeFileSync(file, yaml);
    const flags = [...(options.source ?? ['--local-config', file]), '--state-dir', join(directory, 'state')];
    const listen = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`];
    const process = new CliProcess(['run', ...flags, ...listen, ...(options.flags ?? [])], options);
    const proxy = new RunningProxy(process, port, adminPort, directory);
    if (options.ready === false) return proxy;
    try {
      await proxy.ready();
      return proxy;
    } catch (error) {
      // Nobody else knows of it, and it would keep the test's process.
      process.child.kill('SIGKILL');
      throw error;
    }
  }

  get file(): string {
    return join(this.directory, 'migration.yaml');
  }

  get admin(): string {
    return `http://127.0.0.1:${this.adminPort}`;
  }

  async ready(withinMs = 60_000): Promise<void> {
    try {
      await eventually(
        'ready',
        async () => this.#endedEarly() || (await this.askAdmin('/readyz')).status === 200,
        withinMs,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.process.stderr}`);
    }
    if (this.#endedEarly()) throw new Error(`run ended with ${this.process.exitCode}\n${this.process.stderr}`);
  }

  async askAdmin(path: string): Promise<RawResponse> {
    return ask(this.adminPort, { path, host: `127.0.0.1:${this.adminPort}` });
  }

  async status(): Promise<StatusReport> {
    return JSON.parse((await this.askAdmin('/status')).body.toString()) as StatusReport;
  }

  /** The named service's part of the status; throws when it is not there. */
  async service(name: string): Promise<StatusReport['services'][number]> {
    const { status, body } = await this.askAdmin(`/api/v1/services/${name}`);
    if (status !== 200) throw new Error(`no service ${name}: ${status} ${body}`);
    return JSON.parse(body.toString());
  }

  /** Replaces the file's text in place, as an editor does. */
  edit(yaml: string): void {
    writeFileSync(this.file, yaml);
  }

  stop(signal: NodeJS.Signals = 'SIGTERM', withinMs = 30_000): Promise<CliResult> {
    return this.process.stop(signal, withinMs);
  }

  #endedEarly(): boolean {
    return this.process.exitCode !== null;
  }
}
