/**
 * A cluster with long-lived exchanges: WebSockets that echo, an event stream that it is told to feed, and plain requests
 * that can be made to fail while the streams go on. A name in; what is connected to it out.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

export class StreamingCluster {
  readonly name: string;
  /** Plain requests are answered 503. */
  isFailing = false;
  readonly streams: ServerResponse[] = [];
  readonly sockets: WebSocket[] = [];
  readonly #server: Server;

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      request.resume();
      response.setHeader('X-Served-By', name);
      if (request.url === '/events') {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
        this.streams.push(response);
        return;
      }
      response.writeHead(this.isFailing ? 503 : 200).end(name);
    });
    new WebSocketServer({ server: this.#server }).on('connection', (socket) => {
      this.sockets.push(socket);
      socket.on('error', () => {});
      socket.on('message', (data) => socket.send(`${name} heard ${data}`));
    });
  }

  static async listen(name: string): Promise<StreamingCluster> {
    const cluster = new StreamingCluster(name);
    await new Promise<void>((resolve) => cluster.#server.listen(0, '127.0.0.1', resolve));
    return cluster;
  }

  get backend(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.sockets) socket.terminate();
    this.#server.closeAllConnections();
    await closed;
  }
}
