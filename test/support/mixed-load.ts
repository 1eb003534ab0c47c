/**
 * Load as a real service has it: clients with kept connections that send GET, PUT and POST in turn, each request with an id
 * of its own in its path. Out: what became of each, by id. Refuses to excuse anything: that is the test's business.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { field } from './http-message.ts';
import { KeptConnection } from './kept-connection.ts';

export type LoadMethod = 'GET' | 'PUT' | 'POST';

export interface Sent {
  readonly method: LoadMethod;
  readonly path: string;
  /** Null: no whole answer came. */
  readonly status: number | null;
  readonly servedBy: string | null;
  /** Why no answer came, or what the answer said. */
  readonly said: string;
  /** When that was known, epoch ms. */
  readonly atMs: number;
  /** It went out on a connection that had served a request before. */
  readonly onKept: boolean;
}

export interface MixedLoadOptions {
  readonly port: number;
  readonly host: string;
  readonly clients?: number;
  /** Between an answer and the client's next request. */
  readonly pauseMs?: number;
  readonly methods?: readonly LoadMethod[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Of every path, so that several loads can be told apart. */
  readonly prefix?: string;
  /** What a client does that was told to close: go on with a new connection, or be gone. */
  readonly afterClose?: 'reconnect' | 'leave';
}

/** As ByteQueue says it. */
const NO_BYTE = /^connection (closed|read ECONNRESET|write EPIPE|write ECONNRESET) .*; got ""$/;

export class MixedLoad {
  readonly sent: Sent[] = [];
  readonly #options: Required<MixedLoadOptions>;
  readonly #clients: Promise<void>;
  #stopped = false;
  #next = 0;

  constructor(options: MixedLoadOptions) {
    const methods = ['GET', 'PUT', 'GET', 'POST'] as const;
    this.#options = { clients: 6, pauseMs: 16, methods, headers: {}, prefix: '', afterClose: 'reconnect', ...options };
    this.#clients = Promise.all(Array.from({ length: this.#options.clients }, () => this.#client())).then(() => {});
  }

  /** Lets every request end; resolves when all clients are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#clients;
  }

  /** Resolves when all clients have left by themselves. */
  get left(): Promise<void> {
    return this.#clients;
  }

  /** Requests without a whole answer, or with one of 400 or more. */
  get failed(): readonly Sent[] {
    return this.sent.filter(({ status }) => status === null || status >= 400);
  }

  /** Those of the failed that a proxy may send again. */
  get lost(): readonly Sent[] {
    return this.failed.filter(({ method }) => method !== 'POST');
  }

  /**
   * Those whose connection ended before any byte of an answer: whoever closes an idle connection cannot know that a request
   * is on its way.
   */
  get cutOff(): readonly Sent[] {
    return this.sent.filter(({ status, said }) => status === null && NO_BYTE.test(said));
  }

  /** Whole, good answers of that cluster. */
  servedBy(cluster: 'old' | 'new'): number {
    return this.sent.filter(({ servedBy, status }) => servedBy === cluster && status === 200).length;
  }

  async #client(): Promise<void> {
    const { port, pauseMs, afterClose } = this.#options;
    const connection = new KeptConnection(port);
    while (!this.#stopped) {
      this.sent.push(await this.#ask(connection));
      if (pauseMs > 0) await pause(pauseMs);
      if (afterClose === 'leave' && !connection.isOpen) return;
    }
    connection.close();
  }

  async #ask(connection: KeptConnection): Promise<Sent> {
    const { host, headers, methods, prefix } = this.#options;
    const number = this.#next++;
    const method = methods[number % methods.length];
    const path = `${prefix}/orders/${number}`;
    const body = method === 'GET' ? {} : { body: `{"order":${number}}` };
    const onKept = connection.isOpen;
    const outcome = await connection.ask({ method, path, host, headers, ...body }).then(
      (response) => {
        const said = response.body.toString();
        return { status: response.status, servedBy: field(response, 'x-served-by'), said };
      },
      (error: Error) => ({ status: null, servedBy: null, said: error.message }),
    );
    return { method, path, onKept, ...outcome, atMs: Date.now() };
  }
}
