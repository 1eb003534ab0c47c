/**
 * A little load: so many requests a second, evenly, through one address, by users in turn. Only requests that a proxy may
 * repeat (GET, PUT), so that "failed" counts what nobody can excuse. In: the address; out: counts by the cluster that answered.
 */
import { Agent, request } from 'node:http';

export interface LoadOptions {
  readonly port: number;
  readonly host: string;
  /** Each user in turn. */
  readonly users: readonly string[];
  readonly requestsPerSecond: number;
}

/** Counts since the start. `failed`: no answer, or a status of 400 or more. */
export interface LoadCounts {
  readonly sent: number;
  readonly old: number;
  readonly new: number;
  readonly failed: number;
  /** What the last failed request saw. */
  readonly lastFailure: string | null;
}

const PATIENCE_MS = 30_000;

export class Load {
  #sent = 0;
  #answered = { old: 0, new: 0 };
  #failed = 0;
  #lastFailure: string | null = null;
  readonly #options: LoadOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #timer: NodeJS.Timeout;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#send(), 1000 / options.requestsPerSecond);
  }

  get counts(): LoadCounts {
    return { sent: this.#sent, ...this.#answered, failed: this.#failed, lastFailure: this.#lastFailure };
  }

  /** No more requests; those under way are given up and count no more. */
  stop(): void {
    clearInterval(this.#timer);
    this.#agent.destroy();
    this.#fail = () => {};
  }

  #send(): void {
    const { port, host, users } = this.#options;
    const number = this.#sent++;
    const user = users[number % users.length];
    const method = number % 7 === 3 ? 'PUT' : 'GET';
    const headers = { Host: host, 'X-User-ID': user, ...(method === 'PUT' ? { 'Content-Length': 2 } : {}) };
    const options = {
      port,
      host: '127.0.0.1',
      method,
      path: `/cart/${number}`,
      headers,
      agent: this.#agent,
      timeout: PATIENCE_MS,
    };
    const sent = request(options, (response) => {
      response.resume();
      response.once('error', (error) => this.#fail(error.message));
      response.once('end', () => {
        const cluster = response.headers['x-served-by'];
        if ((response.statusCode ?? 0) >= 400) this.#fail(`status ${response.statusCode}`);
        else if (cluster === 'old' || cluster === 'new') this.#answered[cluster] += 1;
        else this.#fail(`an answer of neither cluster`);
      });
    });
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
    sent.once('error', (error) => this.#fail(error.message));
    sent.end(method === 'PUT' ? '{}' : undefined);
  }

  #fail = (what: string): void => {
    this.#failed += 1;
    this.#lastFailure = what;
  };
}
