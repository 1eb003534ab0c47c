/**
 * One server of a small Kubernetes as a process: program, flags and a log file in; start, kill, freeze and thaw out. It ends
 * with the test's process, however that ends short of SIGKILL. Refuses to know when the server is ready.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export class KubeProcess {
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #log: string;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();

  constructor(program: string, args: readonly string[], log: string) {
    this.#program = program;
    this.#args = args;
    this.#log = log;
  }

  start(): void {
    if (this.#child !== null) throw new Error(`${this.#program} runs already`);
    const log = openSync(this.#log, 'a');
    const child = spawn(this.#program, this.#args, { stdio: ['ignore', log, log] });
    closeSync(log);
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        process.off('exit', kill);
        if (this.#child === child) this.#child = null;
        resolve();
      };
      child.once('exit', end).once('error', end);
    });
    this.#child = child;
  }

  /** Throws with the log's end where the process is gone. */
  expectAlive(): void {
    if (this.#child === null) throw new Error(`${this.#program} has ended:\n${this.logEnd()}`);
  }

  /** As the kernel kills; it is gone when this returns. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Its connections stay open and nobody answers. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  logEnd(): string {
    return readFileSync(this.#log, 'utf8').split('\n').slice(-15).join('\n');
  }
}
