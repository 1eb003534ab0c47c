/**
 * A toy cluster: an HTTP server on 127.0.0.1 that says who it is, and can be broken in one exact, named way and healed. Used
 * by the demo and by tests. Refuses to know that there is a proxy.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What a broken cluster does, on new connections and on those it already has. */
export const FAULTS = {
  refuse: 'nobody listens: connections are refused',
  silent: 'accepts requests and never answers',
  503: 'answers 503 at once',
  slow: 'answers after `slowMs`',
  reset: "resets the connection in the middle of the answer's head",
  truncate: "closes in the middle of the answer's body",
} as const;

export type Fault = `${keyof typeof FAULTS}`;

export function isFault(text: string): text is Fault {
  return Object.hasOwn(FAULTS, text);
}

export interface ToyClusterOptions {
  /** 0: any free port. */
  readonly port?: number;
  readonly slowMs?: number;
  /** Told of each request as soon as its head is there, whatever becomes of it. */
  readonly onArrival?: (method: string, path: string) => void;
}

export class ToyCluster {
  readonly name: string;
  port: number;
  /** Null: healthy. */
  fault: Fault | null = null;
  /** Requests that arrived whole, healthy or not. */
  requests = 0;
  readonly #slowMs: number;
  readonly #onArrival: (method: string, path: string) => void;
  #server: Server;

  private constructor(name: string, { port = 0, slowMs = 10_000, onArrival = () => {} }: ToyClusterOptions) {
    this.name = name;
    this.port = port;
    this.#slowMs = slowMs;
    this.#onArrival = onArrival;
    this.#server = this.#newServer();
  }

  static async listen(name: string, options: ToyClusterOptions = {}): Promise<ToyCluster> {
    const cluster = new ToyCluster(name, options);
    await cluster.#listen();
    return cluster;
  }

  get backend(): string {
    return `127.0.0.1:${this.port}`;
  }

  async break(how: Fault): Promise<void> {
    const before = this.fault;
    this.fault = how;
    if (how === 'refuse' && before !== 'refuse') await this.close();
    if (how !== 'refuse' && before === 'refuse') await this.#listen();
  }

  /** The same port answers again; requests that were left in silence end. */
  async heal(): Promise<void> {
    const before = this.fault;
    this.fault = null;
    if (before === 'refuse') await this.#listen();
    else if (before !== null) this.#server.closeAllConnections();
  }

  /** Ends the listener and every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #newServer(): Server {
    // An idle connection is the proxy's to close: its own Keep-Alive hint would only hide how the proxy behaves.
    return createServer({ keepAliveTimeout: 0 }, (request, response) => this.#handle(request, response));
  }

  #listen(): Promise<void> {
    this.#server = this.#newServer();
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, '127.0.0.1', () => {
        this.port = (this.#server.address() as { port: number }).port;
        resolve();
      });
    });
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.#onArrival(request.method ?? '', request.url ?? '');
    request.resume();
    request.once('end', () => {
      this.requests += 1;
      this.#answer(request, response);
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    switch (this.fault) {
      case null:
        this.#answerWell(request, response);
        return;
      case 'silent':
      case 'refuse':
        return;
      case 'slow': {
        const timer = setTimeout(() => this.#answerWell(request, response), this.#slowMs);
        response.once('close', () => clearTimeout(timer));
        return;
      }
      case '503':
        response.writeHead(503, { 'Content-Type': 'text/plain', 'X-Served-By': this.name }).end('overloaded\n');
        return;
      case 'reset':
        request.socket.write('HTTP/1.1 200 OK\r\nContent-Le', () => request.socket.resetAndDestroy());
        return;
      case 'truncate':
        request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe rest is', () =>
          request.socket.destroy(),
        );
    }
  }

  #answerWell(request: IncomingMessage, response: ServerResponse): void {
    const { method, url } = request;
    const body = `${JSON.stringify({ cluster: this.name, method, path: url, user: request.headers['x-user-id'] ?? null })}\n`;
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'X-Served-By': this.name,
    });
    response.end(body);
  }
}
