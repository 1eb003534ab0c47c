/**
 * A cluster that many services and replicas share, and that remembers who sent what, when: the client's X-Replica says through
 * which proxy a request came, its Host which service it is of. It can fail for some services alone. Checks of health (`/healthz`)
 * are kept apart. Refuses to know whether anything should have come.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Arrival {
  readonly replica: string;
  /** The Host's first label. */
  readonly service: string;
  readonly beganMs: number;
  /** Infinity: it is under way. */
  endedMs: number;
}

export class WatchedCluster {
  readonly name: string;
  readonly arrivals: Arrival[] = [];
  /** Services that are answered 503. */
  readonly failing = new Set<string>();
  /** When checks of health came, epoch ms. */
  readonly checks: number[] = [];
  /** What checks of health are answered. */
  isWell = true;
  /** Until an answer. */
  slowMs = 0;
  readonly #server = createServer({ keepAliveTimeout: 0 }, (request, response) => this.#handle(request, response));

  private constructor(name: string) {
    this.name = name;
  }

  static async listen(name: string): Promise<WatchedCluster> {
    const cluster = new WatchedCluster(name);
    await new Promise<void>((resolve, reject) => {
      cluster.#server.once('error', reject);
      cluster.#server.listen(0, '127.0.0.1', resolve);
    });
    return cluster;
  }

  get backend(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests of a service, of one replica or all. */
  of(service: string, replica?: string): readonly Arrival[] {
    return this.arrivals.filter((one) => one.service === service && (replica ?? one.replica) === one.replica);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (request.url === '/healthz') {
      this.checks.push(Date.now());
      response.writeHead(this.isWell ? 200 : 503).end();
      return;
    }
    const [service] = (request.headers.host ?? '').split('.');
    const replica = String(request.headers['x-replica'] ?? '');
    const arrival: Arrival = { replica, service, beganMs: Date.now(), endedMs: Number.POSITIVE_INFINITY };
    this.arrivals.push(arrival);
    const status = this.failing.has(service) ? 503 : 200;
    const answer = (): void => {
      arrival.endedMs = Date.now();
      response.writeHead(status, { 'X-Served-By': this.name, 'Content-Length': 3 }).end('ok\n');
    };
    if (this.slowMs === 0) answer();
    else setTimeout(answer, this.slowMs);
  }
}

/** The most that were under way at one moment. */
export function mostAtOnce(arrivals: readonly Arrival[]): number {
  const underWay = arrivals.map(({ beganMs }) =>
    arrivals.filter((one) => one.beganMs <= beganMs && beganMs < one.endedMs),
  );
  return Math.max(0, ...underWay.map(({ length }) => length));
}
