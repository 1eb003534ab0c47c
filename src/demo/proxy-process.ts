/**
 * `migration-proxy run` as the demo's child: files and addresses in; readiness, a service's status and last words out.
 * It ends with the demo, even with one that was killed: its channel to us closes then.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServiceReport, StatusReport } from '../status/report.ts';

export interface ProxyProcessOptions {
  readonly file: string;
  readonly stateDirectory: string;
  /** Both streams of the process. */
  readonly log: string;
  readonly listen: string;
  readonly adminListen: string;
}

const ANSWER_WITHIN_MS = 2_000;
const STOP_WITHIN_MS = 5_000;
const LAST_WORDS_LINES = 12;

export class ProxyProcess {
  readonly #options: ProxyProcessOptions;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(options: ProxyProcessOptions) {
    this.#options = options;
    // The same distance from the sources and from what is compiled of them.
    const bin = fileURLToPath(new URL('../../bin/migration-proxy.mjs', import.meta.url));
    const { file, stateDirectory, listen, adminListen, log } = options;
    const flags = [
      '--local-config',
      file,
      '--state-dir',
      stateDirectory,
      '--listen',
      listen,
      '--admin-listen',
      adminListen,
    ];
    const output = openSync(log, 'a');
    // A group of its own: Ctrl-C is ours to hear, and the proxy is ended when the load has stopped.
    this.#child = spawn(process.execPath, [bin, 'run', ...flags], {
      stdio: ['ignore', output, output, 'ipc'],
      detached: true,
    });
    closeSync(output);
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** False when it ended, or the time or `signal` came first. */
  async ready(withinMs: number, signal: AbortSignal): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < withinMs && this.exitCode === null && !signal.aborted; waitedMs += 50) {
      const answer = await this.#get('/readyz');
      if (answer?.status === 200) return true;
      await pause(50);
    }
    return false;
  }

  /** Null where there is no answer, or no such service in it. */
  async service(name: string): Promise<ServiceReport | null> {
    const answer = await this.#get('/status');
    if (answer === null || answer.status !== 200) return null;
    const report = JSON.parse(answer.body) as StatusReport;
    return report.services.find((service) => service.name === name) ?? null;
  }

  lastWords(): string {
    return readFileSync(this.#options.log, 'utf8').trimEnd().split('\n').slice(-LAST_WORDS_LINES).join('\n');
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#ended;
    clearTimeout(timer);
  }

  #get(path: string): Promise<{ status: number; body: string } | null> {
    return new Promise((resolve) => {
      const asked = get(
        `http://${this.#options.adminListen}${path}`,
        { agent: false, timeout: ANSWER_WITHIN_MS },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => {
            body += text;
          });
          response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
          response.once('error', () => resolve(null));
        },
      );
      asked.once('timeout', () => asked.destroy());
      asked.once('error', () => resolve(null));
    });
  }
}
