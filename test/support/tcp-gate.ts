/**
 * A TCP gate between one client and one server: the server's address in, an address of our own out. It can be cut
 * (connections end, new ones are refused), swallow (nothing passes, connections stay open: what a half-open network does, bytes
 * arrive late when it opens again) and be opened again on the same port. Refuses to know what the bytes say.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { freePort } from './ports.ts';

interface Pair {
  readonly client: Socket;
  /** None yet: the client came while the gate swallowed. */
  upstream: Socket | null;
}

export class TcpGate {
  readonly port: number;
  /** As the server's address, with the gate's port: `https://127.0.0.1:12345`. */
  readonly url: string;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  /** All that have not closed. */
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #passes = true;
  #accepted = 0;

  private constructor(target: URL, port: number) {
    this.port = port;
    this.url = `${target.protocol}//127.0.0.1:${port}`;
    this.#target = { host: target.hostname, port: Number(target.port) };
  }

  /** `url` names the port: `https://127.0.0.1:6443`. */
  static async to(url: string): Promise<TcpGate> {
    const gate = new TcpGate(new URL(url), await freePort());
    await gate.open();
    return gate;
  }

  /** Connections taken since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Lets everything pass, what was held back first. */
  async open(): Promise<void> {
    this.#passes = true;
    for (const pair of this.#pairs) this.#join(pair);
    await this.#listen();
  }

  /** From now on no byte passes, either way; connections are taken and kept. */
  async swallow(): Promise<void> {
    this.#passes = false;
    for (const { client, upstream } of this.#pairs) {
      client.pause();
      upstream?.pause();
    }
    await this.#listen();
  }

  /** All connections end, whatever was under way, and new ones are refused. */
  async cut(): Promise<void> {
    this.#passes = false;
    const server = this.#server;
    this.#server = null;
    const closed = new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  end(): Promise<void> {
    return this.cut();
  }

  async #listen(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => this.#take(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  #take(client: Socket): void {
    this.#accepted++;
    const pair: Pair = { client, upstream: null };
    this.#pairs.add(pair);
    this.#watch(client, pair);
    if (this.#passes) this.#join(pair);
  }

  #join(pair: Pair): void {
    const { client } = pair;
    if (pair.upstream === null) {
      const upstream = dial({ ...this.#target, allowHalfOpen: true });
      pair.upstream = upstream;
      this.#watch(upstream, pair);
      this.#carry(client, upstream);
      this.#carry(upstream, client);
    }
    client.resume();
    pair.upstream.resume();
  }

  #watch(socket: Socket, pair: Pair): void {
    this.#sockets.add(socket);
    socket.on('error', () => {
      // Not `resetAndDestroy`: during a shutdown it loses the handle, and Node (24.21) spins for ever when it exits.
      pair.client.destroy();
      pair.upstream?.destroy();
    });
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#pairs.delete(pair);
      // Both directions have ended here: what the other side still has to say reaches nobody.
      const other = socket === pair.client ? pair.upstream : pair.client;
      other?.destroySoon();
    });
  }

  // Not `pipe`: it would resume a paused socket as soon as the other side has drained.
  #carry(from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      if (this.#passes) from.resume();
    });
    from.once('end', () => to.end());
  }
}
