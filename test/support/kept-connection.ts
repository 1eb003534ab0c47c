/**
 * A client with one keep-alive connection, as browsers and service meshes have: requests in, one after the other, answers
 * out. A connection that the server said it would close is replaced before the next request; one that breaks is an error.
 */
import { field } from './http-message.ts';
import { type Ask, RawClient, type RawResponse, requestBytes } from './raw-client.ts';

export class KeptConnection {
  readonly #port: number;
  #client: RawClient | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** Rejects when no whole answer came. */
  async ask(request: Ask): Promise<RawResponse> {
    if (this.#client?.queue.ended === true) this.close();
    this.#client ??= await RawClient.connect(this.#port);
    try {
      this.#client.send(requestBytes(request));
      const withinMs = request.withinMs ?? 10_000;
      const response = await this.#client.response({ forMethod: request.method ?? 'GET', withinMs });
      if (field(response, 'connection')?.toLowerCase() === 'close') this.close();
      return response;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** False after the server said that it closes, or did. */
  get isOpen(): boolean {
    return this.#client !== null && !this.#client.queue.ended;
  }

  close(): void {
    this.#client?.destroy();
    this.#client = null;
  }
}

/** The toy cluster that answered; an error for any answer but 200. */
export function clusterOf(response: RawResponse): 'old' | 'new' {
  const cluster = field(response, 'x-served-by');
  if (response.status !== 200 || (cluster !== 'old' && cluster !== 'new')) {
    throw new Error(`not an answer of a cluster: ${response.head}${response.body}`);
  }
  return cluster;
}

/** All requests over so many kept connections; which cluster answered each, in the order of the requests. */
export async function clustersOf(
  port: number,
  requests: readonly Ask[],
  connections = 16,
): Promise<readonly ('old' | 'new')[]> {
  const answers: ('old' | 'new')[] = new Array(requests.length);
  let next = 0;
  const client = async (): Promise<void> => {
    const connection = new KeptConnection(port);
    try {
      for (let at = next++; at < requests.length; at = next++)
        answers[at] = clusterOf(await connection.ask(requests[at]));
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  return answers;
}
