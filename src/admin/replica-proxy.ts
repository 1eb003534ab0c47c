/**
 * A request handed on to another replica's admin server, and its answer handed back, both as streams.
 * In: a request whose body was not touched, the replica and the target there. Out: that replica's own answer, or a problem that
 * names the replica and no address. The caller's token goes along with writes; what belongs to one connection does not, and `Via` says that
 * nobody sits at that machine. Refuses to know who may ask for what: both servers' guards do.
 */
import { Agent, type ClientRequest } from 'node:http';
import type { Request, Response } from 'express';
import type { RequestHandler } from 'http-proxy-middleware';
import { type Problem, sendProblem } from './problem.ts';

export interface Handover {
  /** As the register names it. */
  readonly replica: string;
  /** `http://10.1.2.3:8080` */
  readonly address: string;
  /** Path and query. */
  readonly target: string;
}

export interface ReplicaProxyLimits {
  /** For the head of the answer. */
  readonly answerMs: number;
  readonly atOnce: number;
}

export const REPLICA_PROXY_LIMITS: ReplicaProxyLimits = { answerMs: 10_000, atOnce: 32 };

/** RFC 9110 section 7.6.1, and what proxies add. `transfer-encoding` is the library's: it frames the body anew. */
const HOP_BY_HOP = [
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
];

export type HandOver = (request: Request, response: Response, handover: Handover) => Promise<void>;

/** `ownHeaders`: names of headers, lower case, that every answer of ours has and no replica may change. */
export function createReplicaProxy(ownHeaders: readonly string[], limits = REPLICA_PROXY_LIMITS): HandOver {
  const underWay = new WeakMap<object, Handover & { readonly isLast: boolean; sent: ClientRequest | null }>();
  let count = 0;
  let loading: Promise<RequestHandler> | null = null;

  async function load(): Promise<RequestHandler> {
    // Only here: a process without replicas never needs it.
    const { createProxyMiddleware, debugProxyErrorsPlugin, proxyEventsPlugin } = await import('http-proxy-middleware');
    return createProxyMiddleware({
      router: (request) => underWay.get(request)?.address ?? '',
      changeOrigin: true,
      // A kept connection that the replica gives up just now would lose the request.
      agent: new Agent({ keepAlive: false, maxSockets: limits.atOnce }),
      followRedirects: false,
      // Its own log and error page would print hosts.
      ejectPlugins: true,
      plugins: [debugProxyErrorsPlugin, proxyEventsPlugin],
      on: {
        proxyReq: (sent, request) => {
          const passed = underWay.get(request);
          if (passed !== undefined) passed.sent = sent;
        },
        proxyRes: (answer, request) => {
          const { headers } = answer;
          for (const name of [...connectionOptions(headers.connection), ...HOP_BY_HOP, 'connection', ...ownHeaders]) {
            if (name !== 'transfer-encoding') delete headers[name];
          }
          if (underWay.get(request)?.isLast) headers.connection = 'close';
        },
        error: (error, request, response) => {
          const passed = underWay.get(request);
          if (!('headersSent' in response) || response.headersSent) response.destroy();
          else sendProblem(response as Response, unreachable(passed?.replica ?? '', error));
        },
      },
    });
  }

  return async (request, response, handover) => {
    if (count >= limits.atOnce) return sendProblem(response, BUSY);
    count++;
    const isLast = connectionOptions(request.headers.connection).includes('close');
    const passed = { ...handover, isLast, sent: null as ClientRequest | null };
    underWay.set(request, passed);
    const late = setTimeout(() => passed.sent?.destroy(new Error('no answer in time')), limits.answerMs);
    response.once('close', () => {
      count--;
      clearTimeout(late);
    });
    response.once('pipe', () => clearTimeout(late));
    loading ??= load();
    const proxy = await loading;
    if (response.destroyed) return;
    prepare(request, handover.target);
    await proxy(request, response, (error) => {
      if (error !== undefined && !response.headersSent) sendProblem(response, unreachable(handover.replica, error));
    });
  };
}

/** The library sends on what it finds in `headers`. */
function prepare(request: Request, target: string): void {
  const { headers } = request;
  const before = headers.via === undefined ? '' : `${headers.via}, `;
  for (const name of [...connectionOptions(headers.connection), ...HOP_BY_HOP, 'connection', 'expect']) {
    if (name !== 'transfer-encoding') delete headers[name];
  }
  // To read needs no token.
  if (request.method === 'GET' || request.method === 'HEAD') delete headers.authorization;
  headers.via = `${before}${request.httpVersion} migration-proxy-admin`;
  request.url = target;
}

function connectionOptions(value: string | undefined): string[] {
  return (value ?? '').split(',').flatMap((option) => option.trim().toLowerCase() || []);
}

const BUSY: Problem = {
  code: 'unavailable',
  detail: 'too many requests to other replicas are under way: try again in a moment',
  headers: { 'Retry-After': '1' },
};

/** In words that name no address: `connect ECONNREFUSED 10.1.2.3:8080` does. */
function unreachable(replica: string, error: unknown): Problem {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const reason =
    code ?? (error instanceof Error && error.message === 'no answer in time' ? error.message : 'it failed');
  return {
    code: 'unavailable',
    detail: `replica ${replica} cannot be asked: ${reason}`,
    headers: { 'Retry-After': '5' },
  };
}
