/**
 * Requests to one API server over kept connections: a request in, an answer or its stream out. The client package makes
 * credentials and requests, and this sends them, because its own sending (2.0.1) makes a new pool with a new TLS connection for each
 * request, keeps no limit on connecting, and hides what a refusal says. Refuses to know what is asked.
 */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions, request as requestHttps } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { credentialsProblem } from './credentials.ts';
import { UnusableCredentials } from './failures.ts';

export interface KubeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface KubeAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** A connection is there by then or never: what hangs in a network that heals is tried afresh soon after. */
const CONNECT_LIMIT_MS = 3_000;
/** A page of 500 ConfigMaps of ordinary size is a few MiB. */
const MOST_BODY_BYTES = 128 * 1024 * 1024;
/** A token that is refused has perhaps been replaced on disk; so often that is looked at. */
const RELOAD_EVERY_MS = 1_000;
/** The kernel asks whether the peer is still there. */
const KEEP_ALIVE = { keepAlive: true, keepAliveMsecs: 30_000, maxFreeSockets: 4 };

export class Transport {
  readonly #load: () => KubeConfig;
  #config: KubeConfig;
  #loadedMs = performance.now();
  #isClosed = false;
  readonly #https = new HttpsAgent(KEEP_ALIVE);
  readonly #http = new HttpAgent(KEEP_ALIVE);
  /** The package's, where its kubeconfig names a proxy. */
  #proxied: HttpAgent | null = null;

  /** `load` is called again when the credentials are refused. */
  constructor(load: () => KubeConfig) {
    this.#load = load;
    this.#config = load();
  }

  /** Resolves with the whole answer, whatever its status. Rejects with the error of the socket. */
  async send(request: KubeRequest, signal: AbortSignal): Promise<KubeAnswer> {
    const response = await this.open(request, signal);
    return { status: response.statusCode ?? 0, headers: response.headers, text: await textOf(response) };
  }

  /** As soon as the head of the answer is there. */
  async open(request: KubeRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const shown = this.#config;
    const first = await this.#openOnce(request, signal);
    if (first.statusCode !== 401) return first;
    // Of requests that are refused together the first one looks, and all go on with what it finds.
    const isFirst = this.#config === shown;
    if (isFirst && performance.now() - this.#loadedMs < RELOAD_EVERY_MS) return first;
    // An answer that nobody reads would keep its connection, also where there are no credentials to be found any more.
    first.resume();
    if (isFirst) {
      this.#loadedMs = performance.now();
      this.#config = this.#load();
    }
    return this.#openOnce(request, signal);
  }

  /** Connections that nothing uses may be as dead as the one that just failed. */
  dropIdle(): void {
    for (const agent of this.#agents) {
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    }
  }

  /** What is under way fails, and so does what is asked later. */
  close(): void {
    this.#isClosed = true;
    for (const agent of this.#agents) agent.destroy();
  }

  get #agents(): HttpAgent[] {
    return [this.#https, this.#http, ...(this.#proxied === null ? [] : [this.#proxied])];
  }

  async #openOnce(request: KubeRequest, signal: AbortSignal): Promise<IncomingMessage> {
    if (this.#isClosed) throw new Error('the connection was closed');
    const url = new URL(request.url);
    const options = await this.#credentials();
    signal.throwIfAborted();
    const isPlain = url.protocol === 'http:';
    // The package keeps its agent, and in it the certificates of the first day; ours takes those of each request.
    const proxyUrl = this.#config.getCurrentCluster()?.proxyUrl || null;
    const isProxied = proxyUrl !== null;
    this.#proxied = isProxied ? (options.agent as HttpAgent) : null;
    const agent = this.#proxied ?? (isPlain ? this.#http : this.#https);
    // Else its agent waits for ever for a proxy that says nothing.
    const timeout = isProxied ? { timeout: CONNECT_LIMIT_MS } : {};
    const headers = { ...trimmed(options.headers), ...request.headers, 'User-Agent': 'migration-proxy' };
    return new Promise((resolve, reject) => {
      const send = isPlain ? requestHttp : requestHttps;
      const sent = send(url, { ...options, ...timeout, agent, method: request.method, headers, signal });
      const limit = setTimeout(
        () => sent.destroy(new Error(`no connection within ${CONNECT_LIMIT_MS / 1_000} s`)),
        CONNECT_LIMIT_MS,
      );
      const connected = (): void => clearTimeout(limit);
      sent.once('socket', (socket) => {
        if (sent.reusedSocket || isProxied) connected();
        else socket.once(isPlain ? 'connect' : 'secureConnect', connected);
      });
      sent.once('response', resolve);
      sent.on('error', (error) => reject(proxyUrl === null ? error : proxied(proxyUrl, error)));
      sent.once('close', connected);
      sent.end(request.body);
    });
  }

  async #credentials(): Promise<RequestOptions> {
    const options: RequestOptions = {};
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new UnusableCredentials(credentialsProblem(error), { cause: error });
    }
    return options;
  }
}

/** Without the name and password that a proxy may want. */
function proxied(proxyUrl: string, error: Error): Error {
  const { protocol, host } = new URL(proxyUrl);
  return new Error(`through the proxy ${protocol}//${host}: ${error.message || String(error)}`, { cause: error });
}

/** A token's file may end in a newline, which no header may. */
function trimmed(headers: RequestOptions['headers']): Record<string, string> {
  const entries = Object.entries((headers ?? {}) as Record<string, string | number>);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value).trim()]));
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) throw new Error(`an answer of more than ${MOST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
