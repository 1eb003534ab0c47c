/**
 * A client that sends the bytes it is given, and nothing else, and reads answers strictly. Requests that no well-behaved
 * library would send go out through it; so does everything where the exact bytes of the answer matter.
 */
import { connect, type Socket } from 'node:net';
import { ByteQueue } from './byte-queue.ts';
import { within } from './eventually.ts';
import { type BodyRule, type HttpMessage, readMessage, statusOf } from './http-message.ts';

export interface RawResponse extends HttpMessage {
  readonly status: number;
}

export class RawClient {
  readonly socket: Socket;
  readonly queue: ByteQueue;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.queue = new ByteQueue(socket);
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, noDelay: true });
    const client = new RawClient(socket);
    const opened = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    await within(`connect to ${host}:${port}`, opened);
    return client;
  }

  /** Text is latin1: a character is a byte. */
  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** The next final answer; interim 1xx are passed over (`interim` has them), 101 is final. `forMethod` HEAD: no body. */
  async response({ forMethod = 'GET', withinMs = 10_000, interim = [] as RawResponse[] } = {}): Promise<RawResponse> {
    for (;;) {
      const rule: BodyRule = forMethod === 'HEAD' ? 'none' : 'framed or to the end';
      const message = await readMessage(this.queue, await this.#ruleFor(rule, withinMs), withinMs);
      const status = statusOf(message);
      const response = { ...message, status };
      if (status >= 200 || status === 101) return response;
      interim.push(response);
    }
  }

  /** Resolves when the other side has closed; gives the bytes that nobody read. */
  async closed(withinMs = 10_000): Promise<Buffer> {
    return this.queue.rest(withinMs);
  }

  /** Ends our side; the other may go on. */
  end(): void {
    this.socket.end();
  }

  /** Closes with FIN and forgets what comes. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Closes with RST, as a client that crashes. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  // Looks at the status before the body is read: 1xx, 204 and 304 have none, whatever their fields say (RFC 9112 6.3).
  async #ruleFor(rule: BodyRule, withinMs: number): Promise<BodyRule> {
    const start = await this.queue.peek(12, withinMs);
    return /^HTTP\/1\.[01] (1\d\d|204|304)$/.test(start.toString('latin1')) ? 'none' : rule;
  }
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly withinMs?: number;
}

/** The bytes of an ordinary request; Content-Length is set where there is a body. */
export function requestBytes({ method = 'GET', path = '/', host = 'localhost', headers = {}, body }: Ask): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body as string);
  if (body !== undefined) lines.push(`Content-Length: ${bytes.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

/** One ordinary request on a connection of its own. */
export async function ask(port: number, request: Ask = {}): Promise<RawResponse> {
  const client = await RawClient.connect(port);
  try {
    client.send(requestBytes({ ...request, headers: { Connection: 'close', ...request.headers } }));
    return await client.response({ forMethod: request.method ?? 'GET', withinMs: request.withinMs ?? 10_000 });
  } finally {
    client.destroy();
  }
}
