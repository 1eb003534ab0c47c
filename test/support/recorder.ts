/**
 * A backend that records and obeys: every request's bytes are kept per connection, and what goes back is exactly what the
 * test scripted, in bytes. Refuses to be clever: no keep-alive rules, no Date, no framing of its own.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { ByteQueue } from './byte-queue.ts';
import { type HttpMessage, readMessage } from './http-message.ts';

export interface RecordedRequest extends HttpMessage {
  /** 0 for the first connection that was accepted. */
  readonly connection: number;
}

export interface Exchange {
  readonly request: RecordedRequest;
  readonly socket: Socket;
  /** 0 for the first request that this recorder got, over all connections. */
  readonly index: number;
}

/** Bytes to answer with (latin1 text), or null to leave the connection as it is: the script did it, or stays silent. */
export type Script = (exchange: Exchange) => string | Buffer | null | Promise<string | Buffer | null>;

export class Recorder {
  /** Whole requests, in the order in which their last byte came. */
  readonly requests: RecordedRequest[] = [];
  /** Every byte that came, per connection, whole requests or not. */
  readonly received: Buffer[] = [];
  readonly sockets: Socket[] = [];
  port = 0;
  script: Script;
  #server: Server;

  private constructor(script: Script, tls: TlsOptions | null) {
    this.script = script;
    const accept = (socket: Socket): void => {
      void this.#serve(socket);
    };
    this.#server =
      tls === null ? createServer({ noDelay: true, allowHalfOpen: true }, accept) : createTlsServer(tls, accept);
  }

  /** Listens on 127.0.0.1, on `port` or any. With `tls` it speaks TLS. */
  static async listen(
    script: Script | string = OK,
    { port = 0, tls = null as TlsOptions | null } = {},
  ): Promise<Recorder> {
    const recorder = new Recorder(typeof script === 'string' ? () => script : script, tls);
    await new Promise<void>((resolve, reject) => {
      recorder.#server.once('error', reject);
      recorder.#server.listen(port, '127.0.0.1', resolve);
    });
    recorder.port = (recorder.#server.address() as { port: number }).port;
    return recorder;
  }

  get connections(): number {
    return this.received.length;
  }

  /** Closes listener and connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async #serve(socket: Socket): Promise<void> {
    const connection = this.received.length;
    this.received.push(Buffer.alloc(0));
    this.sockets.push(socket);
    socket.on('data', (chunk: Buffer) => {
      this.received[connection] = Buffer.concat([this.received[connection], chunk]);
    });
    const queue = new ByteQueue(socket);
    socket.on('end', () => socket.end());
    for (;;) {
      let request: RecordedRequest;
      try {
        request = { ...(await readMessage(queue, 'framed', 3_600_000)), connection };
      } catch {
        // Half a request or none: `received` has the bytes, and the test says what it expects of them.
        return;
      }
      const index = this.requests.push(request) - 1;
      const answer = await this.script({ request, socket, index });
      if (answer === null) continue;
      if (socket.destroyed) return;
      socket.write(typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer);
    }
  }
}

/** The shortest answer that keeps the connection. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An answer with Content-Length and more fields as lines `Name: value`. */
export function answer(status: number, body: string, ...lines: string[]): string {
  const fields = [`Content-Length: ${Buffer.byteLength(body)}`, ...lines].map((line) => `${line}\r\n`).join('');
  return `HTTP/1.1 ${status} Scripted\r\n${fields}\r\n${Buffer.from(body).toString('latin1')}`;
}
